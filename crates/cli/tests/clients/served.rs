//! A directory on one of the two engines, in a folder, served by the real binary.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use client::{Client, Keys};
use serde_json::Value;
use tempfile::TempDir;
use testkit::Postgres;

/// The domain of a new directory.
pub(crate) const DOMAIN: &str = "example.com";

/// A directory that is not served yet.
pub(crate) struct Directory(TempDir);

/// `matricula serve` on a directory; ends when dropped.
pub(crate) struct Served {
    process: Child,
    folder: TempDir,
    base_url: String,
}

/// Runs a test on SQLite, then on PostgreSQL, each time against a new directory.
pub(crate) fn on_both_engines<S>(what: &str, start: impl Fn(Directory) -> S, test: impl Fn(&S)) {
    test(&start(Directory::new("matricula.db")));
    match Postgres::shared() {
        Some(postgres) => test(&start(Directory::new(&postgres.database()))),
        None => testkit::left_out(&format!("{what}, on PostgreSQL"), "PostgreSQL"),
    }
}

impl Directory {
    /// With an account and its domain.
    fn new(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let words = ["--domain", DOMAIN, "--account", "CACME00001", "--listen", "127.0.0.1:0", "--store"];
        run(folder.path(), "init", &[&words[..], &[store]].concat());
        Self(folder)
    }

    /// Runs `matricula admin`, and gives what it printed.
    pub(crate) fn admin(&self, words: &[&str]) -> Value {
        run(self.0.path(), "admin", words)
    }

    /// Registers an application that may do all with a product.
    pub(crate) fn application(&self, name: &str, product: &str) -> Value {
        let add = ["client", "add", "--account", "CACME00001", "--role", "Full Administrator"];
        self.admin(&[&add[..], &["--name", name, "--product", product]].concat())
    }

    /// Appends to its configuration.
    pub(crate) fn configure(&self, lines: &str) {
        let settings = self.0.path().join("matricula.toml");
        fs::write(&settings, fs::read_to_string(&settings).unwrap() + lines).unwrap();
    }

    /// Serves it, and gives the addresses that lines of the log with these messages have.
    pub(crate) fn serve<const N: usize>(self, messages: [&str; N]) -> (Served, [String; N]) {
        let mut serve = matricula(self.0.path(), "serve");
        let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut base_url = None;
        let mut addresses = messages.map(|_| None);
        while base_url.is_none() || addresses.iter().any(Option::is_none) {
            let line = lines.next().expect("the server starts");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            let Some(address) = line["address"].as_str() else { continue };
            if line["message"] == "listening" {
                base_url = Some(format!("http://{address}"));
            }
            if let Some(at) = messages.iter().position(|message| line["message"] == *message) {
                addresses[at] = Some(address.to_owned());
            }
        }
        // An unread log would block the server in the end.
        let log = self.0.path().join("server.log");
        std::thread::spawn(move || fs::write(log, lines.map(|line| line + "\n").collect::<String>()));
        let served = Served { process, folder: self.0, base_url: base_url.unwrap() };
        (served, addresses.map(Option::unwrap))
    }
}

impl Served {
    /// Its folder, which is deleted with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Calls an endpoint of API 1.0 with one item and the administrator's keys, and gives its row; `Null`: it has none.
    pub(crate) fn call(&self, path: &str, item: &Value) -> Value {
        let mut keys = Keys::from_file(&self.folder().join("keys.json")).unwrap();
        keys.base_url.clone_from(&self.base_url);
        let client = Client::new(&keys).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(client.call::<_, Value>(path, false, &[item])).unwrap();
        answer.data.into_iter().next().unwrap_or_default()
    }

    /// A file with these settings, for a program.
    pub(crate) fn file(&self, name: &str, settings: &Value) -> PathBuf {
        let file = self.folder().join(name);
        fs::write(&file, settings.to_string()).unwrap();
        file
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // An error only means that the process has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
