//! A directory with an application that provisions by SCIM.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::served::{self, DOMAIN, Directory, Served};

/// A served directory, and the token of its application.
pub(crate) struct Site {
    served: Served,
    token: String,
}

/// Runs a test on SQLite, then on PostgreSQL, each time against a new directory.
pub(crate) fn on_both_engines(what: &str, test: impl Fn(&Site)) {
    served::on_both_engines(what, Site::start, test);
}

impl Site {
    fn start(directory: Directory) -> Self {
        let added = directory.application("SCIM", "userandgroupmanagement");
        let client_id = added["client_id"].as_str().unwrap();
        // Testers send random names.
        directory.admin(&["client", "user-name-domain", client_id, DOMAIN]);
        let token =
            directory.admin(&["client", "token", "add", client_id])["token"].as_str().unwrap().to_owned();
        let (served, []) = directory.serve([]);
        Self { served, token }
    }

    /// The base URL of SCIM.
    pub(crate) fn url(&self) -> String {
        format!("{}/scim/v2", self.served.base_url())
    }

    /// The application's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Its folder, which is deleted with it.
    pub(crate) fn folder(&self) -> &Path {
        self.served.folder()
    }

    /// A file with the base URL and the token.
    pub(crate) fn keys(&self) -> PathBuf {
        self.served.file("scim.json", &json!({ "base_url": self.served.base_url(), "token": self.token }))
    }

    /// The row of an endpoint of API 1.0 about a user: the directory itself, without SCIM. `Null`: there is no such user.
    pub(crate) fn stored(&self, path: &str, address: &str) -> Value {
        self.served.call(path, &json!({ "emailAddress": address }))
    }

    /// Name and state of a user.
    pub(crate) fn user(&self, address: &str) -> Value {
        let user = self.stored("/api/user/update-user", address);
        if user.is_null() {
            user
        } else {
            json!([user["emailAddress"], user["name"], user["accountDisabled"]])
        }
    }

    /// The attributes of a user that have a value.
    pub(crate) fn attributes(&self, address: &str) -> Value {
        let row = self.stored("/api/user/get-attributes", address);
        let named = row["attributes"].as_array().unwrap().iter();
        let named = named.filter(|attribute| attribute["value"] != "");
        named
            .map(|attribute| (attribute["name"].as_str().unwrap().to_owned(), attribute["value"].clone()))
            .collect()
    }
}
