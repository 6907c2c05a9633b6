//! A server that is open: opened from a configuration, administered, and served.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use ::http::Request;
use api::Core;
use api::dns::TxtLookup;
use api::endpoints::ENDPOINTS;
use api::public_url::PublicUrl;
use api::room::Room;
use auth::explain::Explainer;
use auth::{Authenticator, PasswordHasher, Quota};
use axum::body::Body;
use console::Console;
use directory::port::{Entropy, Store, StoreError, Usage};
use observe::journal::Journal;
use observe::log::Log;
use observe::telemetry::Telemetry;
use store::{Location, MasterKey};
use tokio::net::TcpListener;

use crate::admin::Admin;
use crate::app::App;
use crate::config::Config;
use crate::control::TestControl;
use crate::error::OpenError;
use crate::http;
use crate::metrics::Metrics;
use crate::system::System;
use crate::tls::{CertificateReload, Tls};

/// A server that is open: its store is ready, and it can be administered before and while it serves. A clone is the same
/// server.
#[derive(Clone)]
pub struct Server {
    pub(crate) app: Arc<App>,
}

impl Server {
    /// Creates an empty directory where the configuration has its store, if none is there; `false`: one already exists.
    /// [`Server::open`] never does: a store that is missing by mistake must not be served as an empty one.
    ///
    /// # Errors
    /// When it can't be created, or something of an earlier one is there.
    pub fn create(config: &Config, master_key: &MasterKey, system: &System) -> Result<bool, OpenError> {
        Ok(config.store.create(master_key, &*system.entropy)?)
    }

    /// Opens the store and starts the hashing threads.
    ///
    /// # Errors
    /// When there is no store, it can't be opened, or a setting is not allowed.
    pub fn open(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        Self::open_over(config, master_key, system, |store| store)
    }

    /// The same with a layer between the server and its store, for tests.
    ///
    /// # Errors
    /// When the store can't be opened, or a setting is not allowed.
    pub fn open_over(
        config: &Config,
        master_key: &MasterKey,
        system: System,
        over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Self, OpenError> {
        Self::open_in(Mode::Production, config, master_key, system, over)
    }

    /// The same for a sandbox, where no secret is worth anything: says of each request that it refuses why, and keeps the
    /// last requests whole. Never for production: a caller who guesses at keys would be told how far the guess got.
    ///
    /// # Errors
    /// When there is no store, it can't be opened, or a setting is not allowed.
    pub fn open_sandbox(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        Self::open_in(Mode::Sandbox, config, master_key, system, |store| store)
    }

    fn open_in(
        mode: Mode,
        config: &Config,
        master_key: &MasterKey,
        system: System,
        over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Self, OpenError> {
        let clock = || Arc::clone(&system.clock);
        let tls = config.tls.as_ref().map(|files| Tls::open(files, clock())).transpose()?;
        let core = Arc::new(core(mode, config, master_key, &system, tls.is_some(), over)?);
        let metrics = config.metrics.as_ref().map(Metrics::open).transpose()?;
        let mut node = [0; 16];
        system.entropy.fill(&mut node);
        let own_journal = match mode {
            Mode::Sandbox => Some(Journal::whole()),
            Mode::Production => config.journal.enabled.then(|| Journal::redacting(config.journal.keep)),
        };
        let app = Arc::new_cyclic(|app| App {
            console: config.console.enabled.then(|| {
                let host = Box::new(Host(Weak::clone(app)));
                Arc::new(Console::new(Arc::clone(&core), config.console.limits(), host))
            }),
            room: Arc::new(Room::new(config.limits)),
            core,
            tls: tls.map(Arc::new),
            stopping: AtomicBool::new(false),
            node,
            location: config.store.clone(),
            metrics,
            log: OnceLock::new(),
            control: OnceLock::new(),
            own_journal: own_journal.map(Arc::new),
            system,
        });
        Ok(Self { app })
    }

    /// Serves until `shutdown` is ready, then takes no more connections and lets the requests under way finish, as long
    /// as the configuration allows.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        http::serve(self.app, listener, shutdown).await;
    }

    /// The gate for password hashing, for code that sets passwords outside the API.
    pub fn gate(&self) -> &PasswordHasher {
        &self.app.core.gate
    }

    /// Reloads certificate and key on request; none if the server speaks plaintext HTTP.
    pub fn certificate_reload(&self) -> Option<CertificateReload> {
        self.app.tls.clone().map(CertificateReload)
    }

    /// Lets a test control what happens to requests; `false`: something does already. Never for production: anybody who
    /// reaches the server reaches it.
    pub fn set_control(&self, control: Arc<dyn TestControl>) -> bool {
        self.app.control.set(control).is_ok()
    }

    /// Where the directory is.
    pub fn location(&self) -> &Location {
        &self.app.location
    }

    /// The randomness of the server.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.app.core.entropy
    }

    /// Tells the server that its database was put back to an earlier state: what it remembers of it no longer holds.
    pub fn store_was_restored(&self) {
        self.app.core.store.forget_snapshot();
        self.app.core.authenticator.refill_quota();
    }

    /// The same server, for something that the server keeps.
    pub fn downgrade(&self) -> WeakServer {
        WeakServer(Arc::downgrade(&self.app))
    }

    /// Tells the other nodes on the same database what was drawn from quotas here, and hears what was drawn there: when
    /// asked, and not only from time to time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share_quota(&self) -> Result<(), StoreError> {
        self.app.core.authenticator.share_quota(self.app.node).await
    }

    /// Forgets requests that are past their time: when asked, and not only from time to time. Gives how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_requests(&self) -> Result<usize, StoreError> {
        self.app.core.forget_requests().await
    }

    /// The request counts of this node.
    pub fn telemetry(&self) -> &Telemetry {
        &self.app.core.telemetry
    }

    /// The last requests, if the configuration or test control asks for a journal.
    pub fn journal(&self) -> Option<Arc<Journal>> {
        self.app.journal()
    }

    /// Notes the use of credentials in the store: when asked, and not only from time to time.
    pub async fn note_usage(&self) {
        self.app.core.note_usage().await;
    }

    /// What is known of the use of credentials, in their order; what is not noted yet is noted first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage_of(&self, credentials: &[[u8; 16]]) -> Result<Vec<Option<Usage>>, StoreError> {
        self.app.core.usage_of(credentials).await
    }

    /// Tells a sandbox its names, in addition to those of this machine. What it lets anybody do, it refuses to callers that
    /// use another name.
    pub fn is_called(&self, names: Vec<String>) {
        self.app.core.public_url.is_called(names);
    }

    /// Has the metrics tell how many lines the log drops.
    pub fn count_dropped_lines(&self, log: Log) {
        self.app.log.get_or_init(|| log);
    }

    /// Where metrics are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.app.metrics.as_ref().map(Metrics::address)
    }

    /// Administers the directory directly.
    pub fn admin(&self) -> Admin {
        self.app.admin()
    }
}

/// A server that may be gone.
#[derive(Clone)]
pub struct WeakServer(Weak<App>);

impl WeakServer {
    /// The server, if it is still there.
    pub fn upgrade(&self) -> Option<Server> {
        self.0.upgrade().map(|app| Server { app })
    }
}

/// The server, as its console sees it.
struct Host(Weak<App>);

impl console::Host for Host {
    fn journal(&self) -> Option<Arc<Journal>> {
        self.0.upgrade()?.journal()
    }

    fn is_stopping(&self) -> bool {
        self.0.upgrade().is_none_or(|app| app.stopping.load(Ordering::Relaxed))
    }

    fn replay(
        &self,
        request: Request<Body>,
        peer: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>> {
        Box::pin(async move { http::replay(&self.0.upgrade()?, request, peer).await })
    }
}

/// What is different in a sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Production,
    /// No secret is worth anything: each refusal says why, and the last requests are kept whole.
    Sandbox,
}

/// What the endpoints work with.
fn core(
    mode: Mode,
    config: &Config,
    master_key: &MasterKey,
    system: &System,
    secure: bool,
    over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
) -> Result<Core, OpenError> {
    let System { clock, entropy } = system.clone();
    let txt = TxtLookup::new(&config.domains)?;
    let paths = || ENDPOINTS.iter().map(|endpoint| endpoint.path);
    let telemetry = Telemetry::new(Arc::clone(&clock), paths());
    let store = over(config.store.open(master_key, Arc::clone(&clock), Arc::clone(&entropy))?);
    let quota = Quota::new(config.quota.enabled.then_some(config.quota.calls), config.quota.window_ms);
    let authenticator = Authenticator::new(Arc::clone(&store), Arc::clone(&clock), config.freshness(), quota);
    let explains = || Arc::new(Explainer::new(Arc::clone(&store), config.freshness(), paths().collect()));
    Ok(Core {
        authenticator,
        gate: config.passwords.gate(Arc::clone(&entropy))?,
        txt,
        clock,
        entropy,
        request_ids: config.request_ids,
        limits: config.limits,
        freshness: config.freshness(),
        public_url: PublicUrl::new(config.public_url.clone(), secure),
        explainer: (mode == Mode::Sandbox).then(explains),
        telemetry,
        recording: tokio::sync::Mutex::default(),
        store,
    })
}
