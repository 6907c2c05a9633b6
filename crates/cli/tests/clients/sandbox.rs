//! The real binary, serving on a free port.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Production's settings for the folder of a sandbox with HTTPS.
const PRODUCTION: &str = "listen = \"127.0.0.1:0\"\nstore = \"data/matricula.db\"\nmaster_key_file = \"data/master.key\"\n\
    [tls]\ncertificate = \"data/tls/server.pem\"\nkey = \"data/tls/server.key\"\n";

/// `matricula sandbox` in its own folder; ends when dropped.
pub(crate) struct Sandbox {
    process: Child,
    /// Kept open, because a server without standard output might end.
    _stdout: Option<BufReader<ChildStdout>>,
    keys: Value,
    folder: TempDir,
}

impl Sandbox {
    /// Starts the server and waits until it says that it listens.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the server with more arguments.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (keys, log) = (folder.path().join("keys.json"), folder.path().join("server.log"));
        let mut process = Command::new(env!("CARGO_BIN_EXE_matricula"))
            .args(["--json", "sandbox", "--listen", "127.0.0.1:0", "--keys"])
            .arg(&keys)
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        // The server writes this line after the file of keys.
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(text) = fs::read_to_string(&keys) else {
            panic!("the sandbox did not start: {}", fs::read_to_string(&log).unwrap_or_default());
        };
        let keys = serde_json::from_str(&text).unwrap();
        Self { process, _stdout: Some(stdout), keys, folder }
    }

    /// Starts a sandbox with HTTPS.
    pub(crate) fn start_tls() -> Self {
        Self::start_with(&["--tls"])
    }

    /// Stops the sandbox, and runs `matricula serve` over HTTPS on its folder, with additional settings.
    pub(crate) fn serve_instead(&mut self, settings: &str) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let config = self.folder().join("matricula.toml");
        fs::write(&config, format!("{PRODUCTION}{settings}")).unwrap();
        let serve = Command::new(env!("CARGO_BIN_EXE_matricula"))
            .args(["serve", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        (self.process, self._stdout) = (serve.unwrap(), None);
        let mut lines = BufReader::new(self.process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            Some(line["address"].as_str()?.to_owned())
        });
        let address = address.expect("the server starts");
        self.keys["base_url"] = format!("https://{address}").into();
        // An unread log would block the server in the end.
        let log = self.folder().join("server.log");
        std::thread::spawn(move || fs::write(log, lines.map(|line| line + "\n").collect::<String>()));
    }

    /// A file like the sandbox's own, with expired keys of the administrator.
    pub(crate) fn expired_keys(&self) -> PathBuf {
        let issued = Command::new(env!("CARGO_BIN_EXE_matricula"))
            .args(["--json", "admin", "--data"])
            .arg(self.folder().join("data"))
            .args(["binding", "create", self.key("email"), "--app-id", self.key("app_id"), "--days", "0"])
            .output()
            .unwrap();
        assert!(issued.status.success(), "{issued:?}");
        let issued: Value = serde_json::from_slice(&issued.stdout).unwrap();
        let mut keys = self.keys.clone();
        for name in ["access_key", "secret_key"] {
            keys[name] = issued[name].clone();
        }
        let file = self.folder().join("expired-keys.json");
        fs::write(&file, keys.to_string()).unwrap();
        file
    }

    /// A variable of the environment that makes a client trust this sandbox: it names the file of certificates.
    pub(crate) fn trusted_by(&self, variable: &'static str) -> [(&'static str, OsString); 1] {
        [(variable, self.key("ca_file").into())]
    }

    /// One of the values in the file of keys.
    pub(crate) fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    /// The address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.key("base_url").split_once("://").unwrap().1.parse().unwrap()
    }

    /// A file of keys like the sandbox's own, with some values changed.
    pub(crate) fn keys_with(&self, changed: &[(&str, &str)]) -> PathBuf {
        let mut keys = self.keys.clone();
        for (name, value) in changed {
            assert!(keys[*name].is_string(), "no {name}");
            keys[*name] = (*value).into();
        }
        let file = self.folder().join("changed-keys.json");
        fs::write(&file, serde_json::to_string_pretty(&keys).unwrap()).unwrap();
        file
    }

    /// The log up to now.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("server.log")).unwrap_or_default()
    }

    /// A folder that is deleted together with the sandbox.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // An error only means that the process has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("what the server logged:\n{}", self.log());
        }
    }
}
