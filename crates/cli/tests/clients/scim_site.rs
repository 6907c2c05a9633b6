//! A directory on one of the two engines, served by the real binary, with an application that provisions by SCIM.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use client::{Client, Keys};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Postgres;

/// What a new directory is made of.
const DOMAIN: &str = "example.com";

/// `matricula serve` in its own folder; ends when dropped.
pub(crate) struct Site {
    process: Child,
    folder: TempDir,
    base_url: String,
    token: String,
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
    fn start(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path(), store);
        let admin = |words: &[&str]| admin_of(folder.path(), words);
        let add =
            ["client", "add", "--account", "CACME00001", "--name", "SCIM", "--role", "Full Administrator"];
        let added = admin(&[&add[..], &["--product", "userandgroupmanagement"]].concat());
        let client_id = added["client_id"].as_str().unwrap();
        // Testers send random names.
        admin(&["client", "user-name-domain", client_id, DOMAIN]);
        let token = admin(&["client", "token", "add", client_id])["token"].as_str().unwrap().to_owned();

        let (process, [address]) = serve(folder.path(), ["listening"]);
        Self { process, folder, base_url: format!("http://{address}"), token }
    }

    /// The base URL of SCIM.
    pub(crate) fn url(&self) -> String {
        format!("{}/scim/v2", self.base_url)
    }

    /// The application's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Its folder, which is deleted with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file with the base URL and the token.
    pub(crate) fn keys(&self) -> PathBuf {
        let file = self.folder().join("scim.json");
        fs::write(&file, json!({ "base_url": self.base_url, "token": self.token }).to_string()).unwrap();
        file
    }

    /// The row of an endpoint of API 1.0 about a user, asked with the administrator's keys: the directory itself,
    /// without SCIM. `Null`: there is no such user.
    pub(crate) fn stored(&self, path: &str, address: &str) -> Value {
        let mut keys = Keys::from_file(&self.folder().join("keys.json")).unwrap();
        keys.base_url.clone_from(&self.base_url);
        let client = Client::new(&keys).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let item = json!({ "emailAddress": address });
        let answer = runtime.block_on(client.call::<_, Value>(path, false, &[item])).unwrap();
        answer.data.into_iter().next().unwrap_or_default()
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

impl Drop for Site {
    fn drop(&mut self) {
        // An error only means that the process has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Creates a directory with an account and its domain in the folder.
pub(crate) fn init(folder: &Path, store: &str) {
    let words = ["--domain", DOMAIN, "--account", "CACME00001", "--listen", "127.0.0.1:0", "--store"];
    run(folder, "init", &[&words[..], &[store]].concat());
}

/// Runs `matricula admin` on the directory in the folder.
pub(crate) fn admin_of(folder: &Path, words: &[&str]) -> Value {
    run(folder, "admin", words)
}

/// Serves the directory in the folder, and gives the addresses that lines of the log with these messages have.
pub(crate) fn serve<const N: usize>(folder: &Path, messages: [&str; N]) -> (Child, [String; N]) {
    let mut process = matricula(folder, "serve").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut addresses = messages.map(|_| None);
    while addresses.iter().any(Option::is_none) {
        let line = lines.next().expect("the server starts");
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        let said = messages.iter().position(|message| line["message"] == *message);
        if let (Some(at), Some(address)) = (said, line["address"].as_str()) {
            addresses[at] = Some(address.to_owned());
        }
    }
    // An unread log would block the server in the end.
    let log = folder.join("server.log");
    std::thread::spawn(move || fs::write(log, lines.map(|line| line + "\n").collect::<String>()));
    (process, addresses.map(Option::unwrap))
}

fn matricula(folder: &Path, command: &str) -> Command {
    let mut matricula = Command::new(env!("CARGO_BIN_EXE_matricula"));
    matricula.current_dir(folder).stdin(Stdio::null()).args([
        "--json",
        command,
        "--config",
        "matricula.toml",
    ]);
    matricula
}

/// Runs a command on the directory in the folder, and gives what it printed.
fn run(folder: &Path, command: &str, words: &[&str]) -> Value {
    let output = matricula(folder, command).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}
