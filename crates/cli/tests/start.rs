//! Start and stop of the real binary: it creates a directory only on request, opens no port if it cannot open the
//! directory, and leaves one file after a stop.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the sandbox is started by hand here, to be stopped by signals")]
mod running;

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use running::{Running, matricula};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use server::admin::Admin;
use tempfile::TempDir;

/// A folder with a configuration and a master key, and no directory.
fn new_site(listen: &str) -> (TempDir, PathBuf) {
    new_site_with(listen, "")
}

/// The same with more settings.
fn new_site_with(listen: &str, more: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("matricula.toml");
    let settings = format!("listen = \"{listen}\"\nmaster_key_file = \"master.key\"\n{more}");
    std::fs::write(&config, settings + "[domains]\nverification = \"offline\"\n").unwrap();
    let key = matricula(&["admin", "new-master-key"]).arg(folder.path().join("master.key")).output().unwrap();
    assert!(key.status.success(), "{key:?}");
    (folder, config)
}

fn run(config: &Path, arguments: &[&str]) -> Output {
    matricula(arguments).arg("--config").arg(config).output().unwrap()
}

fn stderr_text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const CREATE: [&str; 6] = ["admin", "account", "create", "C1", "--name", "One"];

/// A server process, and its log.
struct Serving {
    process: Running,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Serving {
    fn start(mut command: Command) -> Self {
        let mut process = Running(command.stderr(Stdio::piped()).spawn().unwrap());
        let lines = BufReader::new(process.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        Self { process, lines: Box::new(lines) }
    }

    fn serve(config: &Path, more: &[&str]) -> Self {
        let mut command = matricula(&["serve", "--config"]);
        command.arg(config).args(more);
        Self::start(command)
    }

    /// Waits for a line that contains this text.
    fn wait_for_line(&mut self, text: &str) -> String {
        self.lines.find(|line| line.contains(text)).unwrap()
    }

    /// The address it listens on.
    fn address(&mut self) -> String {
        let line: Value = serde_json::from_str(&self.wait_for_line("\"listening\"")).unwrap();
        line["address"].as_str().unwrap().to_owned()
    }

    fn stop(mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).unwrap();
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0));
    }
}

/// The response of `/readyz`.
fn readyz_answer(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_directory_is_created_only_by_its_first_account_or_on_request() {
    let (folder, config) = new_site("127.0.0.1:0");
    for arguments in [
        &["serve"][..],
        &["migrate"],
        &["migrate", "--plan"],
        &["audit", "verify"],
        &["admin", "account", "list"],
        &["admin", "domain", "create", "example.com", "--account", "C1"],
    ] {
        let refused = run(&config, arguments);
        let told = stderr_text(&refused);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("matricula.db was not found: check `store`"), "{arguments:?}: {told}");
    }
    assert_eq!(file_names(folder.path()), ["master.key", "matricula.toml"]);
    let created = run(&config, &CREATE);
    assert!(created.status.success(), "{created:?}");
    assert!(stderr_text(&created).starts_with("created a new, empty database: "), "{created:?}");
    let second = run(&config, &["admin", "account", "create", "C2", "--name", "Two"]);
    assert_eq!((second.status.success(), stderr_text(&second)), (true, String::new()));
    // The database was moved by hand, but not its log.
    std::fs::remove_file(folder.path().join("matricula.db")).unwrap();
    std::fs::write(folder.path().join("matricula.db-wal"), "").unwrap();
    for arguments in [&["serve"][..], &["serve", "--create"], &CREATE] {
        let told = stderr_text(&run(&config, arguments));
        assert!(told.contains("matricula.db-wal exists, with its latest writes"), "{told}");
    }

    let (_folder, config) = new_site("127.0.0.1:0");
    let mut serving = Serving::serve(&config, &["--create"]);
    serving.wait_for_line("created a new, empty database: ");
    assert!(readyz_answer(&serving.address()).starts_with("HTTP/1.1 200"));
    serving.stop(Signal::TERM);
    Serving::serve(&config, &[]).address();
}

#[test]
fn the_port_is_taken_when_key_and_directory_are_good() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (folder, config) = new_site(&taken.local_addr().unwrap().to_string());
    let refused = |what: &str| {
        let told = stderr_text(&run(&config, &["serve"]));
        assert!(told.contains(what), "{told}");
    };
    refused("matricula.db was not found");
    assert!(run(&config, &CREATE).status.success());
    let key = std::fs::read(folder.path().join("master.key")).unwrap();
    std::fs::write(folder.path().join("master.key"), "0f".repeat(32)).unwrap();
    refused("was created with the master key");
    std::fs::write(folder.path().join("master.key"), key).unwrap();
    refused("can't listen on 127.0.0.1:");
}

#[test]
fn after_a_stop_by_a_signal_the_database_is_one_file_with_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = data.join("matricula.toml");
    for (n, signal) in [Signal::TERM, Signal::INT].into_iter().enumerate() {
        let keys = folder.path().join(format!("keys{n}.json"));
        let mut command = matricula(&["--json", "sandbox", "--quiet", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(&data).arg("--keys").arg(&keys).stdout(Stdio::piped());
        let mut serving = Serving::start(command);
        let mut line = String::new();
        BufReader::new(serving.process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses = [format!("a{n}@example.com"), format!("b{n}@example.com")];
        for address in &addresses {
            let created = matricula(&["user", "create", "--email", address, "--keys"]).arg(&keys).output();
            assert!(created.unwrap().status.success());
        }
        serving.stop(signal);
        whole(&data, &addresses);
        // `matricula serve`, which only reads here.
        let settings = "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n";
        std::fs::write(&config, format!("{settings}[domains]\nverification = \"offline\"\n")).unwrap();
        let mut serving = Serving::serve(&config, &[]);
        assert!(readyz_answer(&serving.address()).starts_with("HTTP/1.1 200"));
        serving.stop(signal);
        whole(&data, &addresses);
        assert!(run(&config, &["admin", "account", "list"]).status.success());
        assert!(run(&config, &["migrate", "--plan"]).status.success());
        whole(&data, &addresses);
    }
}

/// Checks that there is one file, and that a copy of it has these users.
fn whole(data: &Path, addresses: &[String]) {
    let names = file_names(data);
    let of_it: Vec<_> = names.iter().filter(|name| name.starts_with("matricula.db")).collect();
    assert_eq!(of_it, ["matricula.db", "matricula.db.lock"]);
    let copy = tempfile::tempdir().unwrap();
    for name in ["matricula.db", "master.key"] {
        std::fs::copy(data.join(name), copy.path().join(name)).unwrap();
    }
    let config = playground::sandbox::config(copy.path());
    let admin = Admin::open(&config, &config.master_key().unwrap(), server::System::real()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for address in addresses {
        runtime.block_on(admin.user(address)).unwrap();
    }
}

#[test]
fn a_server_on_a_damaged_database_is_not_ready_and_names_the_restore() {
    let (folder, config) = new_site("127.0.0.1:0");
    assert!(run(&config, &CREATE).status.success());
    let database = folder.path().join("matricula.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'users_to_purge'";
    let root: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(connection);
    let (root, mut bytes) = (usize::try_from(root).unwrap(), std::fs::read(&database).unwrap());
    bytes[(root - 1) * 4_096..root * 4_096].fill(0xa5);
    std::fs::write(&database, bytes).unwrap();
    let mut serving = Serving::serve(&config, &[]);
    let address = serving.address();
    // The server looks for users due for removal as soon as it starts.
    serving.wait_for_line("restore the newest backup with `matricula restore FROM_FILE --replace`");
    let answer = readyz_answer(&address);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[test]
fn files_next_to_a_directory_are_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // The shell sets an umask that gives every user all access.
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_matricula"), "--json", "sandbox"]);
    command.args(["--quiet", "--tls", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let mut serving = Serving::start({
        command.stdout(Stdio::piped());
        command
    });
    let mut line = String::new();
    BufReader::new(serving.process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut folders = vec![data];
    let mut seen = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let metadata = entry.metadata().unwrap();
            assert_eq!(metadata.permissions().mode() & 0o077, 0, "{:?}", entry.path());
            seen.push(entry.file_name().into_string().unwrap());
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    for name in ["matricula.db", "matricula.db-wal", "matricula.db-shm", "master.key", "keys.json"] {
        assert!(seen.iter().any(|seen| seen == name), "{name} is looked at: {seen:?}");
    }
}

/// Longer than any test: only a second signal ends this drain.
const LONG_DRAIN: &str = "drain_seconds = 86400\n";

#[test]
fn a_drain_answers_calls_says_so_and_ends_with_a_second_signal() {
    let (_folder, config) = new_site_with("127.0.0.1:0", LONG_DRAIN);
    let mut serving = Serving::serve(&config, &["--create"]);
    let address = serving.address();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut idle = TcpStream::connect(&address).unwrap();
    idle.write_all(request).unwrap();
    let mut answer = [0; 4_096];
    let length = idle.read(&mut answer).unwrap();
    let kept = String::from_utf8_lossy(&answer[..length]).to_ascii_lowercase();
    assert!(kept.starts_with("http/1.1 200 ") && !kept.contains("connection: close"), "{kept}");
    assert!(readyz_answer(&address).starts_with("HTTP/1.1 200 "));

    let process = Pid::from_child(&serving.process.0);
    kill_process(process, Signal::TERM).unwrap();
    serving.wait_for_line("draining");
    let told = readyz_answer(&address);
    assert!(told.starts_with("HTTP/1.1 503 ") && told.ends_with("stopping\n"), "{told}");
    // The next response on an idle connection is the last one.
    idle.write_all(request).unwrap();
    let mut last = String::new();
    idle.read_to_string(&mut last).unwrap();
    let last = last.to_ascii_lowercase();
    assert!(last.starts_with("http/1.1 200 ") && last.contains("connection: close"), "{last}");

    serving.stop(Signal::TERM);
    assert!(TcpStream::connect(&address).is_err());
}
