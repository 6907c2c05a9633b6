//! The log of the real binary: requests are answered whatever happens to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "one of the things it starts is not needed here")]
mod running;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{ChildStderr, Stdio};

use running::{Running, matricula};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server and its standard error.
struct Served {
    process: Running,
    /// `None` once nobody reads it.
    stderr: Option<BufReader<ChildStderr>>,
    address: SocketAddr,
    metrics: SocketAddr,
}

/// Serves with these settings at the beginning of its configuration, and reads the log up to the addresses.
fn serve(folder: &Path, settings: &str) -> Served {
    let key = folder.join("master.key");
    assert!(matricula(&["admin", "new-master-key"]).arg(&key).status().unwrap().success());
    let config = folder.join("matricula.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n{settings}\n[metrics]\nlisten = \"127.0.0.1:0\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let account = ["admin", "account", "create", "CTEST00001", "--name", "An account", "--config"];
    assert!(matricula(&account).arg(&config).stdout(Stdio::null()).status().unwrap().success());
    let mut command = matricula(&["serve", "--config"]);
    command.arg(&config).env("RUST_LOG", "info").stderr(Stdio::piped());
    let mut process = Running(command.spawn().unwrap());
    let stderr = process.0.stderr.take().map(BufReader::new);
    Served { process, stderr, address: ([127, 0, 0, 1], 0).into(), metrics: ([127, 0, 0, 1], 0).into() }
}

/// The addresses in a log.
fn addresses(mut lines: impl Iterator<Item = String>) -> (SocketAddr, SocketAddr) {
    let mut address = |message: &str| {
        lines
            .by_ref()
            .map(|line| serde_json::from_str::<Value>(&line).unwrap())
            .find(|line| line["message"] == message)
            .and_then(|line| line["address"].as_str()?.parse().ok())
            .unwrap()
    };
    (address("listening"), address("serving metrics"))
}

impl Served {
    /// The server of this log.
    fn start(folder: &Path, settings: &str) -> Self {
        let mut served = serve(folder, settings);
        (served.address, served.metrics) = addresses(served.lines());
        served
    }

    fn lines(&mut self) -> impl Iterator<Item = String> {
        self.stderr.as_mut().unwrap().lines().map(Result::unwrap)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).unwrap();
    }

    /// GETs a path repeatedly on one connection. Every response must have this status.
    fn get(&self, path: &str, times: usize, status: &str) {
        let mut stream = BufReader::new(TcpStream::connect(self.address).unwrap());
        for _ in 0..times {
            // In one piece, because a second one would wait for the acknowledgement of the first.
            stream.get_mut().write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
            let (mut line, mut length) = (String::new(), 0);
            stream.read_line(&mut line).unwrap();
            assert!(line.starts_with(&format!("HTTP/1.1 {status}")), "{line}");
            while !matches!(&*line, "\r\n" | "") {
                line.clear();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
        }
    }

    /// The number of dropped lines in the metrics.
    fn dropped_lines(&self) -> u64 {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("matricula_log_lines_dropped_total "));
        line.unwrap().parse().unwrap()
    }
}

#[test]
fn requests_are_answered_when_nobody_reads_the_log_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path(), "");
    assert_eq!(served.dropped_lines(), 0);
    served.stderr = None;
    served.get("/readyz", 3, "200");
    served.get("/nowhere", 3, "404");
    // A separate thread writes it later.
    while served.dropped_lines() < 3 {
        std::thread::yield_now();
    }
    served.get("/readyz", 1, "200");
}

#[test]
fn requests_are_answered_while_the_log_reader_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path(), "");
    // More lines than fit into a pipe of 64 KiB.
    served.get("/nowhere", 2_000, "404");
    served.get("/readyz", 1, "200");
    assert_eq!(served.dropped_lines(), 0);
    // The reader then finds all of them.
    assert_eq!(served.lines().filter(|line| line.contains("/nowhere")).take(2_000).count(), 2_000);
}

#[test]
fn a_log_file_is_private_rotated_and_whole_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matricula.log");
    let mut served = serve(folder.path(), "log_file = \"matricula.log\"");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    while !read(&path).contains("serving metrics\"") || !read(&path).ends_with('\n') {
        std::thread::yield_now();
    }
    (served.address, served.metrics) = addresses(read(&path).lines().map(str::to_owned));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    served.get("/before", 1, "404");
    served.get("/healthz", 1, "200");
    served.get("/readyz", 1, "200");
    let rotated = folder.path().join("matricula.log.1");
    std::fs::rename(&path, &rotated).unwrap();
    served.signal(Signal::HUP);
    while !read(&path).contains("reopened on SIGHUP") {
        std::thread::yield_now();
    }
    served.get("/after", 1, "404");
    served.signal(Signal::TERM);
    assert!(served.process.0.wait().unwrap().success());
    let (before, after) = (read(&rotated), read(&path));
    assert!(before.contains("\"/before\"") && !before.contains("\"/after\""), "{before}");
    assert!(after.contains("\"/after\"") && after.ends_with("\n"), "{after}");
    let all = before + &after;
    assert!(!all.contains("/healthz") && !all.contains("/readyz"), "{all}");
    let mut stderr = String::new();
    served.stderr.unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn a_log_file_that_can_t_be_opened_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path(), "log_file = \"nowhere/matricula.log\"");
    assert!(!served.process.0.wait().unwrap().success());
    let mut stderr = String::new();
    served.stderr.unwrap().read_to_string(&mut stderr).unwrap();
    assert!(
        stderr.starts_with("error: can't write to log_file ") && stderr.contains("nowhere/matricula.log"),
        "{stderr}"
    );
}
