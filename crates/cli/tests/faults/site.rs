//! A directory for faults, and `matricula serve` on it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use client::{Client, Keys};
use playground::sandbox::Sandbox;
use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Running, matricula};

/// The number of users at the start, with those of the domain.
pub(crate) const SEEDED: usize = 1 + 2;

/// Production's settings without a quota, because one caller makes all the calls.
const SETTINGS: &str = "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n[quota]\nenabled = false\n\
                        [domains]\nverification = \"offline\"\n";

/// A folder with a directory that holds an administrator and its keys.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) keys: Keys,
}

/// A ready server process.
pub(crate) struct Served {
    process: Running,
    pub(crate) address: SocketAddr,
    /// Lines of the log after the one with the address.
    log: mpsc::Receiver<String>,
}

impl Site {
    /// A new directory, with more settings than production's.
    pub(crate) async fn new(settings: &str) -> Self {
        Self::with_directory(settings, |_| ()).await
    }

    /// A new directory in a database server, which is set up through one address and served through another.
    pub(crate) async fn on_server(filled: &str, served: &str) -> Self {
        let site = Self::with_directory("", |config| config.store = filled.to_owned().into()).await;
        site.serve_from(served);
        site
    }

    /// Sets the database address of the next servers.
    pub(crate) fn serve_from(&self, store: &str) {
        std::fs::write(self.config(), format!("store = \"{store}\"\n{SETTINGS}")).unwrap();
    }

    async fn with_directory(settings: &str, change: impl FnOnce(&mut server::Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = playground::sandbox::config(folder.path());
        change(&mut config);
        let keys = Sandbox::open(folder.path(), &config, server::System::real()).await.unwrap().keys;
        std::fs::write(folder.path().join("matricula.toml"), format!("{SETTINGS}{settings}")).unwrap();
        let keys = serde_json::from_value(serde_json::to_value(keys).unwrap()).unwrap();
        Self { folder, keys }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> PathBuf {
        self.path().join("matricula.toml")
    }

    /// Serves a database at a fixed address, with more settings. The configuration is a separate file.
    pub(crate) fn serve_at(&self, address: SocketAddr, store: &str, more: &str) -> Served {
        let config = self.path().join(format!("port-{}.toml", address.port()));
        let settings = SETTINGS.replace("127.0.0.1:0", &address.to_string());
        std::fs::write(&config, format!("store = \"{store}\"\n{more}\n{settings}")).unwrap();
        let mut command = matricula(&["serve", "--config"]);
        command.arg(config);
        Served::start(command)
    }

    pub(crate) fn serve(&self) -> Served {
        let mut command = matricula(&["serve", "--config"]);
        command.arg(self.config());
        Served::start(command)
    }

    /// Serves through a command such as a shell. It gets the folder and then the server's command line as arguments.
    pub(crate) fn serve_by(&self, mut command: Command) -> Served {
        command.arg(self.path()).arg(env!("CARGO_BIN_EXE_matricula"));
        command.args(["serve", "--config"]).arg(self.config());
        Served::start(command)
    }

    /// A client of a server.
    pub(crate) fn client(&self, served: &Served) -> Client {
        self.client_of(served.address)
    }

    /// A client of whatever listens at an address.
    pub(crate) fn client_of(&self, address: SocketAddr) -> Client {
        let mut keys = self.keys.clone();
        keys.base_url = format!("http://{address}");
        Client::new(&keys).unwrap()
    }

    /// Verifies the audit of the directory in a folder, with another process.
    pub(crate) fn verify_audit(&self, folder: &Path) {
        self.verify_audit_by(matricula(&[]), folder);
    }

    /// Verifies the audit through a command that runs its arguments, such as one that enters a namespace.
    pub(crate) fn verify_audit_by(&self, mut command: Command, folder: &Path) {
        command.args(["audit", "verify", "--json", "--config"]).arg(folder.join("matricula.toml"));
        let verified = command.output().unwrap();
        assert!(verified.status.success(), "the audit is broken: {verified:?}");
        // The audit of an empty directory is whole too, so check that it has events.
        let chains: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert!(chains[0]["events"].as_str().unwrap() > "0", "no event was verified: {chains}");
    }
}

impl Served {
    /// Starts a server, and waits for its address.
    fn start(mut command: Command) -> Self {
        // Lines for each request are not needed.
        let process = command.env("RUST_LOG", "info,request=off,matricula_server::http=debug");
        let mut process = Running(process.stderr(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.by_ref().find_map(|line| {
            println!("{line}");
            let line: Value = serde_json::from_str(&line).ok()?;
            line["address"].as_str()?.parse().ok()
        });
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines {
                println!("{line}");
                // Most tests read no further lines.
                let _ = sender.send(line);
            }
        });
        Self { process, address: address.expect("the server starts"), log }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// The process id, for limits.
    pub(crate) fn process(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.process.0)
    }

    /// Waits for a line of the log that contains this text.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        self.log.iter().find(|line| line.contains(text)).expect("the server says so before it ends")
    }

    /// Sends SIGTERM, and waits for the end.
    pub(crate) fn stop(mut self) {
        rustix::process::kill_process(self.process(), rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0));
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Ok(Some(status)) = self.process.0.try_wait() {
            println!("the server had ended by itself: {status}");
        }
    }
}
