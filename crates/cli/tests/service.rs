//! `matricula serve` as a service of systemd: what it says through the socket of notifications, and files that root
//! creates for it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the keys of the sandbox are not needed here")]
mod running;

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use running::{Running, Sandbox, matricula};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A server that was started as systemd does, and the other end of its socket.
struct Service {
    process: Running,
    log: Box<dyn Iterator<Item = String>>,
    socket: UnixDatagram,
    folder: TempDir,
}

impl Service {
    /// Starts a server with a watchdog of so many seconds. `limit` goes before its command line.
    fn start(limit: &[&str], settings: &str, watchdog: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        drop(Sandbox::start(&file("data"), &["--tls"]));
        let start = "listen = \"127.0.0.1:0\"\nstore = \"data/matricula.db\"\n";
        std::fs::write(file("matricula.toml"), format!("{start}{settings}")).unwrap();
        let socket = UnixDatagram::bind(file("notify")).unwrap();
        // A guard against a test that hangs. No test relies on its end.
        socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let serve = [env!("CARGO_BIN_EXE_matricula"), "serve", "--config"];
        let line = [limit, &serve].concat();
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).arg(file("matricula.toml"));
        command
            .env("NOTIFY_SOCKET", file("notify"))
            .env("MATRICULA_MASTER_KEY_FILE", file("data/master.key"));
        command.env("WATCHDOG_USEC", (watchdog * 1_000_000).to_string()).env("RUST_LOG", "info");
        let mut process = Running(command.stderr(Stdio::piped()).spawn().unwrap());
        let log = BufReader::new(process.0.stderr.take().unwrap()).lines();
        Self { process, log: Box::new(log.map(Result::unwrap)), socket, folder }
    }

    /// The next message.
    fn message(&self) -> String {
        let mut bytes = [0; 512];
        let length = self.socket.recv(&mut bytes).unwrap();
        str::from_utf8(&bytes[..length]).unwrap().to_owned()
    }

    /// The next message that is not from the watchdog.
    fn state(&self) -> String {
        std::iter::repeat_with(|| self.message()).find(|message| message != "WATCHDOG=1\n").unwrap()
    }

    fn wait_for_watchdog(&self) {
        while self.message() != "WATCHDOG=1\n" {}
    }

    /// Takes the messages that have arrived.
    fn pending(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 512];
        let received = std::iter::from_fn(|| self.socket.recv(&mut bytes).ok()).collect::<Vec<_>>();
        self.socket.set_nonblocking(false).unwrap();
        received.into_iter().map(|length| format!("{length} bytes")).collect()
    }

    fn wait_for_line(&mut self, text: &str) -> Value {
        let line = self.log.find(|line| line.contains(text)).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).unwrap();
    }
}

const TLS: &str = "[tls]\ncertificate = \"data/tls/server.pem\"\nkey = \"data/tls/server.key\"\n";

#[test]
fn systemd_learns_that_the_server_is_ready_reloads_responds_and_stops() {
    let mut service = Service::start(&[], TLS, 3);
    assert_eq!(service.state(), "READY=1\n");
    let address = service.wait_for_line("\"listening\"")["address"].as_str().unwrap().to_owned();
    TcpStream::connect(address).unwrap();

    service.signal(Signal::HUP);
    let reloading = service.state();
    let since_boot = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
    assert!(since_boot.parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(service.state(), "READY=1\n");

    // Over a listener of HTTPS, and again after the reload.
    service.wait_for_watchdog();
    service.wait_for_watchdog();
    service.signal(Signal::TERM);
    assert_eq!(service.state(), "STOPPING=1\n");
    assert!(service.process.0.wait().unwrap().success());
}

#[test]
fn the_watchdog_gets_nothing_from_a_server_that_cannot_respond() {
    // So few files that connections of others use them all.
    let mut service = Service::start(&["prlimit", "--nofile=96:96"], "[limits]\nheader_seconds = 3600\n", 2);
    service.wait_for_watchdog();
    let address = service.wait_for_line("\"listening\"")["address"].as_str().unwrap().to_owned();
    let connections: Vec<_> = (0..128).map(|_| TcpStream::connect(&address).unwrap()).collect();
    service.wait_for_line("does not respond to its watchdog");
    service.pending();
    service.wait_for_line("does not respond to its watchdog");
    assert_eq!(service.pending(), Vec::<String>::new());

    drop(connections);
    service.wait_for_watchdog();
}

#[test]
fn without_systemd_nothing_is_sent() {
    let mut service = Service::start(&["env", "-u", "NOTIFY_SOCKET", "-u", "WATCHDOG_USEC"], "", 1);
    service.wait_for_line("\"listening\"");
    service.signal(Signal::HUP);
    service.wait_for_line("SIGHUP ignored");
    service.signal(Signal::TERM);
    assert!(service.process.0.wait().unwrap().success());
    assert_eq!(service.pending(), Vec::<String>::new());
    assert!(service.log.all(|line| !line.contains("systemd")));
}

/// Owner and mode of a file.
fn owner(file: &Path) -> (u32, u32) {
    let metadata = std::fs::metadata(file).unwrap();
    (metadata.uid(), metadata.mode() & 0o777)
}

#[test]
fn root_creates_and_restores_a_database_for_the_owner_of_its_folder() {
    if !geteuid().is_root() {
        return testkit::left_out("files of root for the user of a service", "root");
    }
    let service = Service::start(&[], "", 60);
    let backup = service.folder.path().join("backup.db");
    let data = service.folder.path().join("data");
    let saved = matricula(&["backup", "--data"]).arg(&data).arg(&backup).output().unwrap();
    assert!(saved.status.success(), "{saved:?}");
    let user = 65_532;
    for command in ["create", "restore"] {
        let folder = service.folder.path().join(command);
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(data.join("master.key"), folder.join("master.key")).unwrap();
        let text = "master_key_file = \"master.key\"\n";
        std::fs::write(folder.join("matricula.toml"), text).unwrap();
        chown(&folder, Some(user), Some(user)).unwrap();
        let config = folder.join("matricula.toml");
        let mut matricula = match command {
            "create" => matricula(&["admin", "account", "create", "C1", "--name", "One", "--config"]),
            _ => matricula(&["restore", backup.to_str().unwrap(), "--config"]),
        };
        let done = matricula.arg(config).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        for file in ["matricula.db", "matricula.db.lock"] {
            assert_eq!(owner(&folder.join(file)), (user, 0o600), "{command}: {file}");
        }
    }
    assert_eq!(owner(&backup), (0, 0o600), "a backup stays with root");
}
