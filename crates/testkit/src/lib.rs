//! A real server for tests: a real socket on a free port, a real database in a temporary folder, a clock that moves
//! only on request, and deterministic randomness.
//!
//! ```no_run
//! use matricula_testkit::{TestServer, test_control::{Fault, What}};
//!
//! # async fn example() {
//! let server = TestServer::start().await;
//! let control = server.control();
//! // The answer is lost after the commit; the client under test asks again, and is not told that the user exists.
//! control.inject(Fault { times: Some(1), ..What::DropAnswer.into() }).unwrap();
//! let ann = [matricula_testkit::client::NewUser::new("ann@example.com")];
//! let answer = server.client().create_users(&ann).await.unwrap();
//! assert_eq!(answer.data.len(), 1);
//! assert_eq!(control.journal().len(), 2);
//! # }
//! ```
//!
//! docs/TESTING.md describes all of it, also for other languages.

mod application;
mod browser;
mod caller;
mod cluster;
mod login;
mod pooler;
mod ports;
mod postgres;
mod raw;
mod system;
mod watch;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use directory::audit::Event;
use directory::port::Store;
use secrecy::SecretString;
use server::admin::Admin;
use server::config::{Domains, LogFormat, Passwords, Verification};
use server::{CertificateReload, Config, PasswordHasher, Server, System};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use watch::Watched;

pub use application::{TestApplication, bearer};
pub use browser::Browser;
pub use caller::{Response, TestCaller};
pub use client;
pub use cluster::{Cluster, Host};
pub use login::basic;
pub use playground::system::SeededEntropy;
pub use playground::test_control;
pub use pooler::Pooler;
pub use ports::free_ports;
pub use postgres::{Postgres, Standby};
pub use raw::Connection;
pub use system::FakeClock;
pub use watch::Watch;

/// The account of most callers, with the domain [`DOMAIN`].
pub const ACCOUNT: &str = "CTEST00001";
/// Its internal domain.
pub const DOMAIN: &str = "example.com";
/// An unrelated account, with the domain [`OTHER_DOMAIN`].
pub const OTHER_ACCOUNT: &str = "CTEST00002";
/// The other account's domain.
pub const OTHER_DOMAIN: &str = "other.example";
/// An account below [`ACCOUNT`], with the domain [`LOWER_DOMAIN`].
pub const LOWER_ACCOUNT: &str = "CTEST00003";
/// The lower account's domain.
pub const LOWER_DOMAIN: &str = "lower.example";

/// Number of users at the start: two belong to each of the three domains.
pub const SEEDED: u64 = 5 + 2 * 3;
/// The password of every administrator.
pub const PASSWORD: &str = "Correct horse 7 battery";

const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The seed outside the server; those of its starts count from 1.
const BESIDE: u64 = 1 << 32;

/// A server under test. It stops when it is dropped.
pub struct TestServer {
    address: SocketAddr,
    admin: Admin,
    clock: Arc<FakeClock>,
    folder: Arc<TempDir>,
    config: Config,
    callers: Callers,
    server: Server,
    control: OnceLock<test_control::TestController>,
    watch: Arc<Watch>,
    certificate: Option<CertificateReload>,
    /// The number of servers started on the database: each has another seed, so that ids do not repeat.
    starts: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Callers {
    administrator: client::Keys,
    plain: client::Keys,
    reader: client::Keys,
    partner: client::Keys,
    other: client::Keys,
    expired: client::Keys,
}

impl TestServer {
    /// Starts a server with production settings, except for cheap password hashing and domains without DNS.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(TempDir::new().unwrap_or_else(|error| panic!("a temporary folder: {error}")));
        let mut config = Config {
            store: store(folder.path()),
            passwords: Passwords { memory_kib: 8, iterations: 1, threads: 1, ..Passwords::default() },
            domains: Domains { verification: Verification::Offline, ..Domains::default() },
            log: LogFormat::Off,
            ..Config::default()
        };
        change(&mut config);
        Self::open(folder, config, Arc::new(FakeClock::default()), None, Arc::new(AtomicU64::new(1))).await
    }

    /// Stops, and keeps the directory, to start servers on copies of it.
    pub async fn fixture(mut self) -> Fixture {
        self.stop().await;
        let Self { clock, folder, config, callers, starts, .. } = self;
        Fixture { now: clock.now(), folder, config, callers, starts }
    }

    /// Counts the store calls of requests, and acts between two of them.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Ends the server like a crash, as far as one process can: without waiting for open requests.
    pub async fn crash(mut self) -> Self {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.stop = None;
        self.node().await
    }

    /// Stops, and starts again on the same database.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// Stops, and starts again on the same database with other settings.
    pub async fn restart_with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.stop().await;
        change(&mut self.config);
        self.node().await
    }

    /// Starts another server on the same database: a further node.
    pub async fn node(&self) -> Self {
        let (folder, config) = (Arc::clone(&self.folder), self.config.clone());
        let (clock, starts) = (Arc::clone(&self.clock), Arc::clone(&self.starts));
        Self::open(folder, config, clock, Some(self.callers.clone()), starts).await
    }

    /// Exchanges quotas with the other nodes.
    pub async fn share_quota(&self) {
        self.server.share_quota().await.unwrap_or_else(|error| panic!("sharing quotas: {error}"));
    }

    /// Reloads certificate and key.
    ///
    /// # Panics
    /// When the server speaks plaintext HTTP.
    pub fn certificate_reload(&self) -> &CertificateReload {
        self.certificate.as_ref().unwrap_or_else(|| panic!("the server was started without [tls]"))
    }

    /// Stops after open requests have finished.
    pub async fn stop(&mut self) {
        self.begin_stop();
        if let Some(task) = self.task.take() {
            task.await.unwrap_or_else(|error| panic!("the server panicked: {error}"));
        }
    }

    /// Tells it to stop, and does not wait.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    async fn open(
        folder: Arc<TempDir>,
        config: Config,
        clock: Arc<FakeClock>,
        callers: Option<Callers>,
        starts: Arc<AtomicU64>,
    ) -> Self {
        let entropy = Arc::new(SeededEntropy::new(starts.fetch_add(1, Ordering::Relaxed)));
        let system = System { clock: Arc::clone(&clock) as _, entropy };
        let key =
            server::admin::master_key(MASTER_KEY).unwrap_or_else(|error| panic!("the master key: {error}"));
        if callers.is_none() {
            Server::create(&config, &key, &system).unwrap_or_else(|error| panic!("the store: {error}"));
        }
        let watch = Arc::new(Watch::default());
        let over = |store| Arc::new(Watched { store, watch: Arc::clone(&watch) }) as Arc<dyn Store>;
        let server = Server::open_over(&config, &key, system, over);
        let server = server.unwrap_or_else(|error| panic!("the server: {error}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.unwrap_or_else(|error| panic!("a free port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("a free port: {error}"));
        let admin = server.admin();
        let certificate = server.certificate_reload();
        let callers = match callers {
            Some(callers) => callers.moved_to(address),
            None => Callers::seed(&admin, server.hasher(), &clock, address)
                .await
                .unwrap_or_else(|error| panic!("the directory could not be filled: {error}")),
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.clone().serve(listener, async move {
            let _ = stopped.await;
        }));
        Self {
            address,
            admin,
            clock,
            folder,
            config,
            callers,
            server,
            control: OnceLock::new(),
            watch,
            certificate,
            starts,
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// Its test control: injected faults, a journal of requests, snapshots. It opens at the first call;
    /// [`test_control::TestController::reset`] restores the state of that moment.
    pub fn control(&self) -> test_control::TestController {
        let open = || {
            test_control::TestController::open(&self.server, None)
                .unwrap_or_else(|error| panic!("the test control: {error}"))
        };
        self.control
            .get_or_init(|| open().unwrap_or_else(|| panic!("the server has another test control")))
            .clone()
    }

    /// Whether several nodes may use its database.
    pub fn is_shared(&self) -> bool {
        matches!(self.config.store, server::Location::Postgres(_))
    }

    /// The address of its metrics.
    ///
    /// # Panics
    /// When it was started without `[metrics]`.
    pub fn metrics_address(&self) -> SocketAddr {
        self.server.metrics_address().unwrap_or_else(|| panic!("the server was started without [metrics]"))
    }

    /// The server itself.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Administers the directory directly.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The events of the audit that are new.
    pub async fn events_since(&self, before: &[Event]) -> Vec<Event> {
        let events = self.admin.audit().await.unwrap_or_else(|error| panic!("the audit: {error}"));
        let known: HashSet<_> = before.iter().map(|event| (event.chain, event.seq)).collect();
        events.into_iter().filter(|event| !known.contains(&(event.chain, event.seq))).collect()
    }

    /// A password hasher outside the server, as cheap as the server's.
    pub fn hasher(&self) -> PasswordHasher {
        let system =
            System { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(SeededEntropy::new(BESIDE + 1)) };
        server::admin::hasher(&self.config, &system).unwrap_or_else(|error| panic!("the hasher: {error}"))
    }

    /// The clock of the server and its callers.
    pub fn clock(&self) -> &FakeClock {
        &self.clock
    }

    /// The same clock, shared.
    pub fn clock_handle(&self) -> Arc<FakeClock> {
        Arc::clone(&self.clock)
    }

    /// The folder with the database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A Super Administrator of [`ACCOUNT`].
    pub fn administrator(&self) -> TestCaller {
        self.caller(&self.callers.administrator)
    }

    /// An administrator of [`ACCOUNT`] who may read users but not edit them.
    pub fn administrator_without_permission(&self) -> TestCaller {
        self.caller(&self.callers.reader)
    }

    /// A client with the administrator's keys, with the default retries. It signs by the server's clock.
    pub fn client(&self) -> client::Client {
        let clock = Arc::clone(&self.clock);
        let builder = client::Client::with_keys(&self.callers.administrator);
        let client = builder.clock(Arc::new(move || clock.now())).build();
        client.unwrap_or_else(|error| panic!("the keys: {error}"))
    }

    /// A user of [`ACCOUNT`] with keys and without a role.
    pub fn user_without_role(&self) -> TestCaller {
        self.caller(&self.callers.plain)
    }

    /// A Partner Administrator of [`ACCOUNT`], who may also act in [`LOWER_ACCOUNT`].
    pub fn partner(&self) -> TestCaller {
        self.caller(&self.callers.partner)
    }

    /// A Super Administrator of [`OTHER_ACCOUNT`].
    pub fn other_administrator(&self) -> TestCaller {
        self.caller(&self.callers.other)
    }

    /// The administrator, with an expired key pair.
    pub fn expired_administrator(&self) -> TestCaller {
        self.caller(&self.callers.expired)
    }

    /// A caller with keys that this server never issued.
    pub fn stranger(&self) -> TestCaller {
        let mut keys = self.callers.administrator.clone();
        keys.access_key = "never-issued".to_owned();
        self.caller(&keys)
    }

    /// Administers like `matricula admin` in another process: with a separate store, so that the running server is not
    /// told.
    pub fn admin_beside(&self) -> Admin {
        let system =
            System { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(SeededEntropy::new(BESIDE)) };
        let key =
            server::admin::master_key(MASTER_KEY).unwrap_or_else(|error| panic!("the master key: {error}"));
        Admin::open(&self.config, &key, system).unwrap_or_else(|error| panic!("the store: {error}"))
    }

    /// A caller with a new key pair of a user for the administrator's application.
    ///
    /// # Panics
    /// When there is no such user.
    pub async fn caller_for(&self, address: &str) -> TestCaller {
        let mut keys = self.callers.administrator.clone();
        let binding = self.admin().add_binding(address, &keys.app_id, None).await;
        let binding = binding.unwrap_or_else(|error| panic!("no key pair for {address}: {error}"));
        keys.access_key = binding.access_key.clone();
        keys.secret_key = binding.secret_key().to_owned();
        self.caller(&keys)
    }

    /// Sets a user's role, and [`PASSWORD`] as password without a forced change.
    ///
    /// # Panics
    /// When there is no such user or role.
    pub async fn promote(&self, address: &str, role: &str) {
        let done = async {
            self.admin().set_role(address, Some(role)).await?;
            self.admin().set_password(address, &PASSWORD.into(), &self.hasher()).await
        };
        done.await.unwrap_or_else(|error| panic!("{address} can't become {role}: {error}"));
    }

    /// A caller with these keys.
    pub fn caller(&self, keys: &client::Keys) -> TestCaller {
        TestCaller::new(keys, Arc::clone(&self.clock))
    }
}

/// A directory that is not in use.
pub struct Fixture {
    now: jiff::Timestamp,
    folder: Arc<TempDir>,
    config: Config,
    callers: Callers,
    starts: Arc<AtomicU64>,
}

impl Fixture {
    /// Starts a server on a copy, with the clock at the time of the fixture.
    ///
    /// # Panics
    /// When the directory can't be copied.
    pub async fn start(&self) -> TestServer {
        let folder = Arc::new(TempDir::new().unwrap_or_else(|error| panic!("a temporary folder: {error}")));
        let mut config = self.config.clone();
        config.store = match &self.config.store {
            server::Location::Sqlite(file) => {
                let copy = folder.path().join("matricula.db");
                for entry in ["", "-wal"] {
                    let from = self.folder.path().join(format!("matricula.db{entry}"));
                    if from.exists() {
                        let copied = std::fs::copy(&from, folder.path().join(format!("matricula.db{entry}")));
                        copied.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                    }
                }
                server::Location::Sqlite(copy)
            }
            server::Location::Postgres(url) => {
                let shared = Postgres::shared().unwrap_or_else(|| panic!("PostgreSQL is not installed"));
                shared.copy(url).into()
            }
        };
        let clock = Arc::new(FakeClock::at(self.now));
        // Seeds continue from the fixture's.
        let starts = Arc::new(AtomicU64::new(self.starts.load(Ordering::Relaxed)));
        TestServer::open(folder, config, clock, Some(self.callers.clone()), starts).await
    }
}

impl Callers {
    async fn seed(
        admin: &Admin,
        hasher: &PasswordHasher,
        clock: &FakeClock,
        address: SocketAddr,
    ) -> Result<Self, server::admin::AdminError> {
        for (code, parent, domain) in [
            (ACCOUNT, None, DOMAIN),
            (OTHER_ACCOUNT, None, OTHER_DOMAIN),
            (LOWER_ACCOUNT, Some(ACCOUNT), LOWER_DOMAIN),
        ] {
            admin.add_account(code, "An account", parent).await?;
            admin.add_domain(code, domain).await?;
        }
        admin.add_role(ACCOUNT, "Reader", &["Directories | Internal | Read".to_owned()]).await?;
        let keys = async |account: &str, email: &str, role: &str| {
            let password = SecretString::from(PASSWORD);
            admin.add_administrator(account, email, "", role, Some((&password, hasher))).await?;
            issue(admin, address, account, email, None).await
        };
        let administrator = keys(ACCOUNT, "admin@example.com", "Super Administrator").await?;
        let plain = keys(ACCOUNT, "plain@example.com", "Reader").await?;
        admin.set_role("plain@example.com", None).await?;
        let hour_ago = clock.now() - server::admin::hours(1);
        Ok(Self {
            reader: keys(ACCOUNT, "reader@example.com", "Reader").await?,
            partner: keys(ACCOUNT, "partner@example.com", "Partner Administrator").await?,
            other: keys(OTHER_ACCOUNT, "admin@other.example", "Super Administrator").await?,
            expired: issue(admin, address, ACCOUNT, "admin@example.com", Some(hour_ago)).await?,
            administrator,
            plain,
        })
    }

    fn moved_to(mut self, address: SocketAddr) -> Self {
        for keys in [
            &mut self.administrator,
            &mut self.plain,
            &mut self.reader,
            &mut self.partner,
            &mut self.other,
            &mut self.expired,
        ] {
            keys.base_url = format!("http://{address}");
        }
        self
    }
}

/// Registers an application in an account and issues keys for it to a user.
async fn issue(
    admin: &Admin,
    address: SocketAddr,
    account: &str,
    email: &str,
    expires_at: Option<jiff::Timestamp>,
) -> Result<client::Keys, server::admin::AdminError> {
    let application = admin.add_application(account, "An application").await?;
    let binding = admin.add_binding(email, &application.app_id, expires_at).await?;
    Ok(client::Keys {
        base_url: format!("http://{address}"),
        ca_file: None,
        app_id: application.app_id.clone(),
        app_key: application.app_key().to_owned(),
        access_key: binding.access_key.clone(),
        secret_key: binding.secret_key().to_owned(),
    })
}

/// The location of a test's database: in the folder, or, when `MATRICULA_TEST_STORE` is `postgres`, in the PostgreSQL
/// that all tests of the process share.
///
/// # Panics
/// When the variable has another value, or PostgreSQL is not installed.
pub fn store(folder: &Path) -> server::Location {
    #[expect(clippy::disallowed_methods, reason = "who runs the test says on which engine")]
    let engine = std::env::var(STORE_VARIABLE).unwrap_or_default();
    match engine.as_str() {
        "" | "sqlite" => server::Location::Sqlite(folder.join("matricula.db")),
        "postgres" => Postgres::shared()
            .map_or_else(|| panic!("PostgreSQL is not installed"), |postgres| postgres.database().into()),
        other => panic!("{STORE_VARIABLE} is sqlite or postgres, not {other}"),
    }
}

/// The variable that selects the engine of tests.
pub const STORE_VARIABLE: &str = "MATRICULA_TEST_STORE";

/// Runs all other tests of this program on PostgreSQL too: behaviour is the same on both engines.
///
/// # Panics
/// When one of them fails.
pub fn again_on_postgres(this_test: &str) {
    if Postgres::shared().is_none() {
        return left_out("every test of this program, on PostgreSQL", "PostgreSQL");
    }
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("the test's own program: {error}"));
    let tests = std::process::Command::new(program)
        .args(["--skip", this_test])
        .env(STORE_VARIABLE, "postgres")
        .status()
        .unwrap_or_else(|error| panic!("the test's own program: {error}"));
    assert!(tests.success(), "on PostgreSQL, tests failed: see above");
}

/// Reports that something was not tested, because this machine lacks a tool.
///
/// # Panics
/// When `MATRICULA_TEST_ALL` is 1: then nothing may be left out.
pub fn left_out(what: &str, tool: &str) {
    #[expect(clippy::disallowed_methods, reason = "who runs the test says whether anything may be left out")]
    let all = std::env::var("MATRICULA_TEST_ALL").is_ok_and(|all| all == "1");
    assert!(!all, "{what} needs {tool}");
    // Written past the harness, which shows a test's output only when it fails.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("left out: {what} needs {tool}\n").as_bytes(),
    );
}
