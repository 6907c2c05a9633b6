//! A pgbouncer in front of [`Postgres`], for tests. In transaction mode it gives every transaction another connection.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::Postgres;
use crate::postgres::unprivileged;

/// Debian's place for it, which is not in everybody's path.
const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// Stops it when the process at the other end of its standard input ends.
const WATCH: &str = r#"
"$1" "$2/pooler.ini" >"$2/log" 2>&1 &
echo $!
read -r keep
kill -INT $! 2>/dev/null
wait $!
rm -rf "$2" 2>/dev/null
"#;

/// A running pooler. It ends with the process that started it.
pub struct Pooler {
    folder: PathBuf,
    process: u32,
    // It stops when its standard input closes.
    _shell: Child,
}

impl Pooler {
    /// The one in front of [`Postgres::shared`] that all tests of a process share; `None`: pgbouncer or PostgreSQL is not
    /// installed.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Pooler>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Postgres::shared()?, "transaction", 4)).as_ref()
    }

    /// One in session mode with this many connections to each database; `None`: pgbouncer is not installed.
    pub fn in_session_mode(postgres: &Postgres, pool_size: usize) -> Option<Self> {
        Self::start(postgres, "session", pool_size)
    }

    /// One in transaction mode.
    pub fn in_transaction_mode(postgres: &Postgres, pool_size: usize) -> Option<Self> {
        Self::start(postgres, "transaction", pool_size)
    }

    fn start(postgres: &Postgres, mode: &str, pool_size: usize) -> Option<Self> {
        std::fs::metadata(PROGRAM).ok()?;
        let folder = tempfile::Builder::new().prefix("pooler-").tempdir();
        let folder = folder.map(TempDir::keep).unwrap_or_else(|error| panic!("a temporary folder: {error}"));
        crate::postgres::give_to_unprivileged(&folder);
        let settings = format!(
            "[databases]\n* = host={} port={} user=matricula\n\
             [pgbouncer]\nunix_socket_dir = {}\nlisten_port = 5432\nauth_type = any\npool_mode = {mode}\n\
             max_client_conn = 2000\ndefault_pool_size = {pool_size}\nserver_idle_timeout = 5\n",
            postgres.folder().display(),
            postgres.port(),
            folder.display(),
        );
        std::fs::write(folder.join("pooler.ini"), settings)
            .unwrap_or_else(|error| panic!("the pooler's settings: {error}"));
        let mut shell = unprivileged("sh".as_ref())
            .args(["-c", WATCH, "watch", PROGRAM])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("pgbouncer: {error}"));
        let started = shell.stdout.take().and_then(|output| BufReader::new(output).lines().next());
        let process = started.and_then(Result::ok).unwrap_or_else(|| panic!("pgbouncer did not start"));
        let state = format!("/proc/{process}/stat");
        let socket = folder.join(".s.PGSQL.5432");
        while UnixStream::connect(&socket).is_err() {
            // The shell waits for its input, so a pooler that has ended stays as a zombie.
            let runs = std::fs::read_to_string(&state).is_ok_and(|state| !state.contains(") Z "));
            assert!(runs, "{}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
        }
        let process = process.trim().parse().unwrap_or_else(|error| panic!("a process id: {error}"));
        Some(Self { folder, process, _shell: shell })
    }

    /// The process id.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// The connection string of a database of the server, through the pooler.
    pub fn url(&self, direct: &str) -> String {
        let name = direct.rsplit('/').next().unwrap_or_default();
        let folder = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://matricula@{folder}:5432/{name}")
    }
}
