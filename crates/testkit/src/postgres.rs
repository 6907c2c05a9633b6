//! A PostgreSQL for tests, from the binaries of this machine: in a temporary folder, on a socket in it, as a user other
//! than root. It ends with the process that started it, for any reason.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tempfile::TempDir;

/// The port only names the socket, which is in its own folder.
const PORT: u16 = 5432;

/// `nobody`, if the tests run as root, which PostgreSQL refuses.
const NOBODY: u32 = 65_534;

/// Stops the server and deletes its folder when the process at the other end of its standard input ends.
const WATCH: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses="" $3 >"$2/log" 2>&1 &
echo $!
read -r keep || remove=1
kill -INT $! 2>/dev/null
wait $!
[ -z "$remove" ] || rm -rf "$2" 2>/dev/null
"#;

/// A database server.
pub struct Postgres {
    folder: TempDir,
    /// Where the server's programs are.
    binaries: PathBuf,
    /// Where psql and pg_isready are.
    clients: PathBuf,
    options: String,
    port: u16,
    running: Mutex<Option<Running>>,
    databases: AtomicU64,
}

struct Running {
    shell: Child,
    // Dropping it stops the server.
    alive: ChildStdin,
    process: u32,
}

impl Postgres {
    /// The server that all tests of a process share; `None`: PostgreSQL is not installed. It does not force writes to
    /// disk: the tests kill processes, not machines.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("-c fsync=off -c max_connections=400")).as_ref()
    }

    /// The one of a major version that all tests of a process share, from a package that `scripts/test-tools` installs.
    /// `None`: not installed.
    pub fn version(major: u8) -> Option<&'static Self> {
        static SHARED: Mutex<BTreeMap<u8, Option<&'static Postgres>>> = Mutex::new(BTreeMap::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        *shared.entry(major).or_insert_with(|| {
            let packages =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.test-tools/postgres/node_modules");
            let package = packages.join(format!("postgres-{major}/native"));
            if !package.join("bin/initdb").exists() {
                return None;
            }
            let options = |_: &str| "-c fsync=off -c max_connections=400".to_owned();
            let started = Self::create_server(&std::env::temp_dir(), PORT, Some(&package), options)?;
            Some(Box::leak(Box::new(started)))
        })
    }

    /// A separate server, which may be killed; `None`: PostgreSQL is not installed. `options` are the server's.
    pub fn start(options: &str) -> Option<Self> {
        Self::start_in(&std::env::temp_dir(), options)
    }

    /// The same, in a folder on disk.
    pub fn start_in(folder: &Path, options: &str) -> Option<Self> {
        Self::create_server(folder, PORT, None, |_| options.to_owned())
    }

    /// A server that also listens on a port, only with TLS, and the file of its certificate; `None`: PostgreSQL or
    /// openssl is not installed. Its name is `localhost`.
    pub fn start_with_tls() -> Option<(Self, PathBuf)> {
        Command::new("openssl").arg("version").output().ok()?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.unwrap_or_else(|error| panic!("a free port: {error}")).port();
        let postgres = Self::create_server(&std::env::temp_dir(), port, None, |data| {
            let made = unprivileged(Path::new("openssl"))
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
                .args(["-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .args(["-keyout", &format!("{data}/server.key"), "-out", &format!("{data}/server.crt")])
                .output();
            expect_success("openssl", made);
            let hba = format!("{data}/pg_hba.conf");
            std::fs::write(hba, "local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
                .unwrap_or_else(|error| panic!("pg_hba.conf: {error}"));
            format!("-c ssl=on -c listen_addresses=127.0.0.1 -c port={port}")
        })?;
        let certificate = postgres.folder.path().join("data/server.crt");
        Some((postgres, certificate))
    }

    /// `options` gets the data folder before the server starts. `package`: the server's programs, if not Debian's.
    fn create_server(
        folder: &Path,
        port: u16,
        package: Option<&Path>,
        options: impl FnOnce(&str) -> String,
    ) -> Option<Self> {
        let clients = binaries()?;
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir_in(folder);
        let folder = folder.unwrap_or_else(|error| panic!("a temporary folder: {error}"));
        give_to_unprivileged(folder.path());
        let binaries = match package {
            // The server's user may not reach the repository.
            Some(package) => copied(package, &folder.path().join("programs")).join("bin"),
            None => clients.clone(),
        };
        let data = folder.path().join("data");
        let data = data.to_string_lossy();
        let init = ["-D", &data, "-U", "matricula", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        let made = unprivileged(&binaries.join("initdb")).args(init).output();
        expect_success("initdb", made);
        let options = options(&data);
        let (running, databases) = (Mutex::new(None), AtomicU64::new(0));
        let postgres = Self { folder, binaries, clients, options, port, running, databases };
        postgres.start_again();
        Some(postgres)
    }

    /// Starts it again after it was killed, and waits until it answers.
    pub fn start_again(&self) {
        // The killed processes end asynchronously; until then a new server does not start.
        while !self.has_started() {}
    }

    fn has_started(&self) -> bool {
        // A failed start must not delete the folder.
        self.let_go();
        let mut running = self.lock_running();
        let folder = self.folder.path();
        let mut shell = unprivileged(Path::new("sh"))
            .args(["-c", WATCH, "sh"])
            .arg(&self.binaries)
            .arg(folder)
            .arg(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("sh: {error}"));
        let mut process = String::new();
        if let Some(output) = shell.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut process);
        }
        let alive = shell.stdin.take().unwrap_or_else(|| panic!("a pipe"));
        let process = process.trim().parse().unwrap_or_else(|error| panic!("a process id: {error}"));
        *running = Some(Running { shell, alive, process });
        drop(running);
        let ready = self.wait_until_ready().unwrap_or_else(|error| panic!("sh: {error}"));
        let told = String::from_utf8_lossy(&ready.stderr);
        assert!(ready.status.success() || told.contains("still in use"), "PostgreSQL does not start: {told}");
        ready.status.success()
    }

    /// Waits until the server's log says that it is ready, or the server has ended.
    fn wait_until_ready(&self) -> std::io::Result<Output> {
        let ready = r#"
            while ! "$1/pg_isready" -q -h "$2" -p "$4" -U matricula -d postgres; do
                # One that has ended is a zombie until the shell that watches it looks.
                case $(cut -d" " -f3 "/proc/$3/stat" 2>/dev/null) in
                    ""|Z) cat "$2/log" >&2; exit 1;;
                esac
            done"#;
        let process = self.process().to_string();
        unprivileged(Path::new("sh"))
            .args(["-c", ready, "sh"])
            .arg(&self.clients)
            .arg(self.folder.path())
            .arg(process)
            .arg(self.port.to_string())
            .output()
    }

    /// Kills all its processes with SIGKILL, as a machine failure would.
    pub fn kill(&self) {
        let process = self.process();
        let mut processes = child_processes(process);
        processes.insert(0, process.to_string());
        // A process that has already ended is not an error.
        let killed = Command::new("kill").arg("-9").args(&processes).output();
        killed.unwrap_or_else(|error| panic!("kill: {error}"));
        self.let_go();
    }

    /// Ends the watcher of a server that has ended, and keeps the folder.
    fn let_go(&self) {
        if let Some(mut running) = self.lock_running().take() {
            let _ = running.alive.write_all(b"keep\n");
            let _ = running.shell.wait();
        }
    }

    /// A new database, as a connection string.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// A copy of an unused database, as a connection string.
    pub fn copy(&self, url: &str) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let from = url.rsplit('/').next().unwrap_or_default();
        // Retries for some seconds until the connections of a stopped server are closed.
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {from}"));
        self.url(&name)
    }

    /// The connection string of a database.
    fn url(&self, name: &str) -> String {
        let folder = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://matricula@{folder}:{}/{name}", self.port)
    }

    /// Runs SQL in a database of [`Postgres::database`] without the program, and gives the output.
    pub fn execute(&self, url: &str, sql: &str) -> String {
        self.run(url.rsplit('/').next().unwrap_or_default(), sql)
    }

    fn run(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.clients.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "matricula", "-d", database, "-h"])
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("psql: {error}"));
        if let Some(mut input) = psql.stdin.take() {
            let _ = input.write_all(sql.as_bytes());
        }
        let output = expect_success("psql", psql.wait_with_output());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Connects a standby of this name: PostgreSQL's own receiver, which flushes what it gets and confirms it.
    pub fn standby(&self, name: &str) -> Standby {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap_or_else(|error| panic!("a folder for the standby: {error}"));
        give_to_unprivileged(&folder);
        let place = self.folder.path().display();
        let place = format!("host={place} port={} user=matricula application_name={name}", self.port);
        let standby = unprivileged(&self.binaries.join("pg_receivewal"))
            .args(["--synchronous", "--dbname", &place, "--directory"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Standby(standby.unwrap_or_else(|error| panic!("pg_receivewal: {error}")))
    }

    /// Names the standbys that commits wait for, and waits until every connection knows.
    pub fn set_synchronous(&self, names: &str) {
        self.run("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        let reload = unprivileged(&self.binaries.join("pg_ctl"))
            .args(["reload", "-D"])
            .arg(self.folder.path().join("data"))
            .output();
        expect_success("pg_ctl", reload);
        // A process that starts after the reload has the new value; older ones have been told before that.
        while self.run("postgres", "SHOW synchronous_standby_names").trim() != names {}
    }

    /// Its port, which names its socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder; the socket is in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its programs are.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    fn process(&self) -> u32 {
        self.lock_running()
            .as_ref()
            .map_or_else(|| panic!("the database does not run"), |running| running.process)
    }

    fn lock_running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connected standby. Dropping it is its failure.
pub struct Standby(Child);

impl Drop for Standby {
    fn drop(&mut self) {
        // It may have ended; then it is only waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(Running { mut shell, alive, .. }) = self.lock_running().take() {
            drop(alive);
            // The folder is deleted after the server ends.
            let _ = shell.wait();
        }
    }
}

/// Copies a folder, for the user that servers run as, who deletes it at the end.
fn copied(from: &Path, to: &Path) -> PathBuf {
    expect_success("cp", Command::new("cp").arg("-rL").arg(from).arg(to).output());
    if is_root() {
        let owner = format!("{NOBODY}:{NOBODY}");
        expect_success("chown", Command::new("chown").arg("-R").arg(owner).arg(to).output());
    }
    to.to_owned()
}

pub(crate) fn child_processes(process: u32) -> Vec<String> {
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    listed.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(
        &std::fs::metadata("/proc/self").unwrap_or_else(|error| panic!("{error}")),
    ) == 0
}

/// Gives a folder to the user that servers run as.
pub(crate) fn give_to_unprivileged(folder: &Path) {
    if is_root() {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY))
            .unwrap_or_else(|error| panic!("a folder for nobody: {error}"));
    }
}

pub(crate) fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    // A folder that the server's user may enter.
    command.current_dir("/");
    command
}

pub(crate) fn expect_success(what: &str, output: std::io::Result<Output>) -> Output {
    let output = output.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The newest version that Debian installed, otherwise the one in `PATH`.
pub(crate) fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let folder = version.path().join("bin");
            folder.join("initdb").exists().then_some((number, folder))
        })
        .max();
    newest.map(|(_, folder)| folder).or_else(|| {
        let found = Command::new("pg_config").arg("--bindir").output().ok()?;
        let folder = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
        folder.join("initdb").exists().then_some(folder)
    })
}
