//! The real binary, serving on a free port.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// `matricula sandbox` in a folder of its own; ends when dropped.
pub(crate) struct Sandbox {
    process: Child,
    /// Held open: a server whose standard output is gone could end by it.
    _stdout: BufReader<ChildStdout>,
    keys: Value,
    folder: TempDir,
}

impl Sandbox {
    /// Starts the server and waits until it says that it listens.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with more arguments.
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
        // It writes the file of keys, then this line.
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(text) = fs::read_to_string(&keys) else {
            panic!("the sandbox did not start: {}", fs::read_to_string(&log).unwrap_or_default());
        };
        let keys = serde_json::from_str(&text).unwrap();
        Self { process, _stdout: stdout, keys, folder }
    }

    /// One of the values in the file of keys.
    pub(crate) fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.key("base_url").strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// A file of keys like the sandbox's own, but for some of its values.
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

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("server.log")).unwrap_or_default()
    }

    /// A folder that is gone when the sandbox is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Neither can fail in a way that matters: at worst the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("what the server logged:\n{}", self.log());
        }
    }
}
