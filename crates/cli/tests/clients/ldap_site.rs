//! A directory on one of the two engines, served by the real binary, with users and groups that LDAP clients look for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use client::{Client, Keys};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Postgres;

use crate::scim_site::{admin_of, init, serve};

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

/// `matricula serve` in its own folder; ends when dropped.
pub(crate) struct Site {
    process: Child,
    folder: TempDir,
    base_url: String,
    address: String,
    client_id: String,
    secret: String,
}

/// Runs a test on SQLite, then on PostgreSQL, each time against a new directory.
pub(crate) fn on_both_engines(what: &str, test: impl Fn(&Site)) {
    test(&Site::start("matricula.db"));
    match Postgres::shared() {
        Some(postgres) => test(&Site::start(&postgres.database())),
        None => testkit::left_out(&format!("{what}, on PostgreSQL"), "PostgreSQL"),
    }
}

impl Site {
    /// A new directory with its users and groups.
    pub(crate) fn start(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path(), store);
        let admin = |words: &[&str]| admin_of(folder.path(), words);
        admin(&["seed", "--users", &SEEDED.to_string()]);
        let add =
            ["client", "add", "--account", "CACME00001", "--name", "LDAP", "--role", "Full Administrator"];
        let added = admin(&[&add[..], &["--product", "directory"]].concat());
        let settings = folder.path().join("matricula.toml");
        let configured = fs::read_to_string(&settings).unwrap() + "\n[ldap]\nlisten = \"127.0.0.1:0\"\n";
        fs::write(&settings, configured).unwrap();
        let (process, [base_url, address]) = serve(folder.path(), ["listening", "serving LDAP"]);
        let site = Self {
            process,
            base_url: format!("http://{base_url}"),
            address,
            client_id: added["client_id"].as_str().unwrap().to_owned(),
            secret: added["client_secret"].as_str().unwrap().to_owned(),
            folder,
        };
        site.fill();
        site
    }

    fn fill(&self) {
        let ann = json!({
            "emailAddress": ANN, "name": ANN_NAME, "password": PASSWORD, "forcePasswordChange": false
        });
        self.call("/api/user/create-user", ann);
        let staff = self.call("/api/directory/create-group", json!({ "description": STAFF }));
        let group = json!({ "description": GROUP, "parentId": staff["id"] });
        let group = self.call("/api/directory/create-group", group);
        self.call("/api/directory/add-group-member", json!({ "id": group["id"], "emailAddress": ANN }));
    }

    /// Calls an endpoint of API 1.0 with one item, which must succeed, and gives its row.
    pub(crate) fn call(&self, path: &str, item: Value) -> Value {
        let mut keys = Keys::from_file(&self.folder().join("keys.json")).unwrap();
        keys.base_url.clone_from(&self.base_url);
        let client = Client::new(&keys).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(client.call::<_, Value>(path, false, &[item])).unwrap();
        assert!(answer.fail.is_empty(), "{path}");
        answer.data.into_iter().next().unwrap()
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
        self.folder.path()
    }

    /// A file of settings for the programs.
    pub(crate) fn settings(&self) -> PathBuf {
        let settings = json!({
            "url": self.url(), "base": BASE, "bind_dn": self.bind_dn(), "secret": self.secret,
            "address": ANN, "password": PASSWORD, "group": GROUP, "page": 300,
        });
        let file = self.folder().join("ldap.json");
        fs::write(&file, settings.to_string()).unwrap();
        file
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
