//! A directory with users and groups that LDAP clients look for.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::served::{self, Directory, Served};

/// The base of the account's first domain.
pub(crate) const BASE: &str = "dc=example,dc=com";

/// A user whose address and name have characters that must be escaped, in filters, in names, or in both.
pub(crate) const ANN: &str = "Ann.O'Neil+x@example.com";
pub(crate) const ANN_NAME: &str = "Ann \"Öl\" Lee";
pub(crate) const PASSWORD: &str = "Quiet river 9 stones";

/// A group whose name has all of them. It is in the group [`STAFF`].
pub(crate) const GROUP: &str = "Öl, Gas & \"Co\" (x*) #1";
pub(crate) const STAFF: &str = "Staff";

/// Users that were seeded.
pub(crate) const SEEDED: usize = 2_000;

/// A served directory, and an application that may read it.
pub(crate) struct Site {
    served: Served,
    address: String,
    client_id: String,
    secret: String,
}

/// Runs a test on SQLite, then on PostgreSQL, each time against a new directory.
pub(crate) fn on_both_engines(what: &str, test: impl Fn(&Site)) {
    served::on_both_engines(what, Site::start, test);
}

impl Site {
    fn start(directory: Directory) -> Self {
        directory.admin(&["seed", "--users", &SEEDED.to_string()]);
        let added = directory.application("LDAP", "directory");
        let text = |name: &str| added[name].as_str().unwrap().to_owned();
        let (client_id, secret) = (text("client_id"), text("client_secret"));
        directory.configure("\n[ldap]\nlisten = \"127.0.0.1:0\"\n");
        let (served, [address]) = directory.serve(["serving LDAP"]);
        let site = Self { served, address, client_id, secret };
        site.fill();
        site
    }

    fn fill(&self) {
        let ann = json!({
            "emailAddress": ANN, "name": ANN_NAME, "password": PASSWORD, "forcePasswordChange": false
        });
        self.call("/api/user/create-user", &ann);
        let staff = self.call("/api/directory/create-group", &json!({ "description": STAFF }));
        let group = json!({ "description": GROUP, "parentId": staff["id"] });
        let group = self.call("/api/directory/create-group", &group);
        self.call("/api/directory/add-group-member", &json!({ "id": group["id"], "emailAddress": ANN }));
    }

    /// Calls an endpoint of API 1.0 with one item, which must succeed, and gives its row.
    fn call(&self, path: &str, item: &Value) -> Value {
        let row = self.served.call(path, item);
        assert!(!row.is_null(), "{path}");
        row
    }

    /// The URL of LDAP.
    pub(crate) fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// The name by which the application binds.
    pub(crate) fn bind_dn(&self) -> String {
        format!("cn={},ou=applications,{BASE}", self.client_id)
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Its folder, which is deleted with it.
    pub(crate) fn folder(&self) -> &Path {
        self.served.folder()
    }

    /// A file of settings for the programs.
    pub(crate) fn settings(&self) -> PathBuf {
        let settings = json!({
            "url": self.url(), "base": BASE, "bind_dn": self.bind_dn(), "secret": self.secret,
            "address": ANN, "password": PASSWORD, "group": GROUP, "page": 300,
        });
        self.served.file("ldap.json", &settings)
    }
}
