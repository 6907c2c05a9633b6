//! A PostgreSQL with failover for tests: two hosts with Patroni and synchronous replication, by `tests/cluster/cluster`.
//! It ends with the process that started it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::ports::free_ports;
use crate::postgres::{binaries, child_processes, expect_success};

/// The programs of a cluster, and Debian's places for them.
const PROGRAMS: [&str; 5] =
    ["/usr/bin/etcd", "/usr/bin/patroni", "/usr/bin/patronictl", "/usr/sbin/haproxy", "/usr/sbin/pgbouncer"];

/// How long a state of the cluster may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The passwords of examples/high-availability.
const SUPERUSER: &str = "change-this-one";
const USER: &str = "matricula:change-this-four";

/// A running cluster.
pub struct Cluster {
    folder: PathBuf,
    ports: Ports,
    databases: AtomicU64,
    // It stops when its standard input closes.
    _shell: Child,
    input: Mutex<ChildStdin>,
}

struct Ports {
    apis: [u16; 2],
    entry: u16,
    pooler: u16,
}

/// A host of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// db1.
    One,
    /// db2.
    Two,
}

impl Host {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl Cluster {
    /// Starts one; `None`: a program that it needs is not installed.
    pub fn start() -> Option<Self> {
        let binaries = binaries()?;
        if !PROGRAMS.iter().all(|program| Path::new(program).exists()) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("cluster-").tempdir();
        let folder = folder.map(TempDir::keep).unwrap_or_else(|error| panic!("a temporary folder: {error}"));
        let ports: [u16; 8] = free_ports();
        let mut shell =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cluster/cluster"))
                .arg(&folder)
                .arg(binaries)
                .args(ports.map(|port| port.to_string()))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("tests/cluster/cluster: {error}"));
        let told = shell.stdout.take().and_then(|output| BufReader::new(output).lines().next());
        let told = told.and_then(Result::ok);
        assert_eq!(told.as_deref(), Some("ready"), "the cluster does not start");
        let input = shell.stdin.take().unwrap_or_else(|| panic!("a pipe"));
        let [_, _, _, api_1, _, api_2, entry, pooler] = ports;
        Some(Self {
            folder,
            ports: Ports { apis: [api_1, api_2], entry, pooler },
            databases: AtomicU64::new(0),
            _shell: shell,
            input: Mutex::new(input),
        })
    }

    /// A new database: its connection strings, to the port that leads to the primary, and through the pooler.
    pub fn database(&self, options: &str) -> [String; 2] {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} OWNER matricula"));
        [self.ports.entry, self.ports.pooler]
            .map(|port| format!("postgres://{USER}@127.0.0.1:{port}/{name}?sslmode=disable&{options}"))
    }

    /// Runs SQL on the primary.
    pub fn execute(&self, sql: &str) -> String {
        let output = Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-c", sql])
            .args(["-p", &self.ports.entry.to_string()])
            .env("PGPASSWORD", SUPERUSER)
            .output();
        String::from_utf8_lossy(&expect_success("psql", output).stdout).into_owned()
    }

    /// The host of the primary, and whether the other one is its synchronous standby. `None`: there is no primary, or no
    /// host answers.
    pub fn state(&self) -> Option<(Host, bool)> {
        let state = self.ports.apis.iter().find_map(|api| cluster_of(*api).ok())?;
        let members = state["members"].as_array()?;
        let role = |role: &str| members.iter().find(|member| member["role"] == role);
        let host = if role("leader")?["name"] == "db1" { Host::One } else { Host::Two };
        let works = |state: &Value| state == "running" || state == "streaming";
        let standby = role("sync_standby").is_some_and(|standby| works(&standby["state"]));
        Some((host, standby && works(&role("leader")?["state"])))
    }

    /// Waits until both hosts work and replicate synchronously. Gives the host of the primary.
    pub fn wait_until_whole(&self) -> Host {
        self.wait_for("both hosts", |state| state.filter(|(_, whole)| *whole)).0
    }

    /// Waits until this host has the primary.
    pub fn wait_for_primary(&self, host: Host) {
        self.wait_for("another primary", |state| state.filter(|(primary, _)| *primary == host));
    }

    /// Waits for a state.
    ///
    /// # Panics
    /// When it takes too long.
    fn wait_for<T>(&self, what: &str, is: impl Fn(Option<(Host, bool)>) -> Option<T>) -> T {
        #[expect(clippy::disallowed_methods, reason = "only ends a wait that is hopeless")]
        let now = Instant::now;
        let began = now();
        loop {
            if let Some(found) = is(self.state()) {
                return found;
            }
            assert!(now() - began < PATIENCE, "no {what}: {:?}", self.state());
            #[expect(clippy::disallowed_methods, reason = "the state of a cluster is told by no event")]
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills the first process of a database with SIGKILL. Patroni stays.
    pub fn kill_database(&self, host: Host) {
        signal("-KILL", [self.postmaster(host)]);
    }

    /// Kills Patroni and the database of a host with SIGKILL, as its loss would.
    pub fn lose_host(&self, host: Host) {
        let pid = std::fs::read_to_string(self.folder.join(format!("host{}.pid", host.number())));
        let patroni: u32 =
            pid.ok().and_then(|pid| pid.trim().parse().ok()).unwrap_or_else(|| panic!("Patroni"));
        let postmaster = self.postmaster(host);
        signal("-KILL", [patroni, postmaster].into_iter().chain(children(postmaster)));
    }

    /// Starts a lost host.
    pub fn start_host(&self, host: Host) {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writeln!(input, "start {}", host.number());
        written.unwrap_or_else(|error| panic!("the cluster has ended: {error}"));
    }

    /// Makes the standby the primary, as for maintenance.
    pub fn switch_over(&self) {
        let switched = Command::new("patronictl")
            .arg("-c")
            .arg(self.folder.join("host1.yml"))
            .args(["switchover", "--force", "matricula"])
            .output();
        expect_success("patronictl", switched);
    }

    /// Stops the process of a standby that receives the changes of the primary, as a disk or a network that hangs does.
    pub fn stall(&self, standby: Host) {
        signal("-STOP", self.receivers(standby));
    }

    /// Lets it go on.
    pub fn resume(&self, standby: Host) {
        signal("-CONT", self.receivers(standby));
    }

    fn receivers(&self, standby: Host) -> Vec<u32> {
        let receives = |process: &u32| {
            let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains("walreceiver")
        };
        let receivers: Vec<u32> = children(self.postmaster(standby)).filter(receives).collect();
        assert!(!receivers.is_empty(), "the standby does not receive");
        receivers
    }

    fn postmaster(&self, host: Host) -> u32 {
        let path = self.folder.join(format!("data{}/postmaster.pid", host.number()));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let first = text.lines().next().and_then(|line| line.parse().ok());
        first.unwrap_or_else(|| panic!("the database of {host:?} does not run"))
    }
}

fn children(process: u32) -> impl Iterator<Item = u32> {
    child_processes(process).into_iter().filter_map(|process| process.parse().ok())
}

fn signal(signal: &str, processes: impl IntoIterator<Item = u32>) {
    let processes = processes.into_iter().map(|process| process.to_string());
    // A process that has ended meanwhile is not an error.
    let sent = Command::new("kill").arg(signal).args(processes).output();
    sent.unwrap_or_else(|error| panic!("kill: {error}"));
}

/// The state of the cluster as a host knows it.
fn cluster_of(api: u16) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", api))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /cluster HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(serde_json::from_str(body)?)
}
