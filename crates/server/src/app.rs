//! What the server holds while it runs.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use auth::explain::Explainer;
use auth::{Authenticator, Gate, Quota};
use directory::port::{Clock, Entropy, RequestIds, Store, StoreError, Usage};
use directory::session::SessionLimits;
use store::{Location, MasterKey};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::admin::Admin;
use crate::config::{Config, ConfigError, Limits};
use crate::console::import::Imports;
use crate::explain;
use crate::journal::Journal;
use crate::lab::Lab;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::public_url::PublicUrl;
use crate::room::Room;
use crate::secure_id::SecureIds;
use crate::system::{MovableClock, System};
use crate::telemetry::Telemetry;
use crate::tls::{CertificateReload, Tls, TlsError};
use crate::txt::{Txt, TxtError};

/// Credentials whose use is noted in one go.
const USAGE_SLICE: usize = 128;

/// Why a server could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The cost of passwords is not allowed.
    #[error("passwords: {0}")]
    Cost(#[from] auth::gate::CostError),
    /// There is nobody to ask about domains.
    #[error("domains: {0}")]
    Txt(#[from] TxtError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address for metrics can't be had.
    #[error("metrics.listen = \"{address}\": {source}")]
    Metrics {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) authenticator: Authenticator,
    pub(crate) gate: Gate,
    pub(crate) txt: Txt,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) request_ids: RequestIds,
    pub(crate) limits: Limits,
    pub(crate) freshness: jiff::SignedDuration,
    /// How long sessions of the console last.
    pub(crate) sessions: SessionLimits,
    /// Whether there is a console.
    pub(crate) has_console: bool,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) public_url: PublicUrl,
    pub(crate) room: Arc<Room>,
    /// For who verifies the audit.
    pub(crate) verifying: Semaphore,
    /// Files of users that the console is given.
    pub(crate) imports: Imports,
    pub(crate) stopping: AtomicBool,
    /// What says why a request is refused; only in a sandbox.
    pub(crate) explainer: Option<Arc<Explainer>>,
    /// What tells this node from others on the same database.
    pub(crate) node: [u8; 16],
    /// Where the directory stands.
    pub(crate) location: Location,
    /// Only of sandboxes and tests.
    pub(crate) lab: OnceLock<Lab>,
    pub(crate) telemetry: Telemetry,
    noting: tokio::sync::Mutex<()>,
    pub(crate) metrics: Option<Metrics>,
    /// Where log lines go, if the program has told.
    pub(crate) log: OnceLock<Log>,
    /// Without secrets, but for a sandbox's; a laboratory has its own.
    journal: Option<Journal>,
}

impl App {
    pub(crate) fn admin(&self) -> Admin {
        let system = System { clock: Arc::clone(&self.clock), entropy: Arc::clone(&self.entropy) };
        Admin::new(Arc::clone(&self.store), system)
    }

    /// Forgets requests that are past their time.
    pub(crate) async fn forget_requests(&self) -> Result<usize, StoreError> {
        self.store.forget_requests(self.clock.now(), self.freshness).await
    }

    /// A new GUID.
    pub(crate) fn guid(&self) -> String {
        crate::admin::guid(&*self.entropy)
    }

    /// Where requests are written down, if they are.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.lab.get().map(Lab::its_journal).or(self.journal.as_ref())
    }

    /// Notes the use of credentials in the store, slice by slice, so that no write waits for more than one. What can't be
    /// noted now is noted the next time.
    pub(crate) async fn note_usage(&self) {
        // Who asks while somebody else is at it finds all of it noted afterwards.
        let _noting = self.noting.lock().await;
        let mut usage = self.telemetry.take_usage();
        while !usage.is_empty() {
            let rest = usage.split_off(usage.len().min(USAGE_SLICE));
            if let Err(error) = self.store.note_usage(usage.clone()).await {
                tracing::warn!(%error, "could not note the use of keys");
                self.telemetry.put_usage_back([usage, rest].concat());
                return;
            }
            usage = rest;
        }
    }

    /// What is known of the use of credentials, in their order; what is not noted yet is noted first.
    pub(crate) async fn usage_of(&self, credentials: &[[u8; 16]]) -> Result<Vec<Option<Usage>>, StoreError> {
        self.note_usage().await;
        self.store.usage_of(credentials).await
    }

    pub(crate) fn secure_ids(&self) -> SecureIds<'_> {
        SecureIds::new(&self.store.keys().secure_id)
    }
}

/// A server that is open: its store is ready, and it can be administered before and while it serves. A clone is the same server.
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

    /// The same over something that stands between the server and its store, as tests need it.
    ///
    /// # Errors
    /// When the store can't be opened, or a setting is not allowed.
    pub fn open_over(
        config: &Config,
        master_key: &MasterKey,
        system: System,
        over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Self, OpenError> {
        Ok(Self { app: Arc::new(Self::app(config, master_key, system, over)?) })
    }

    /// The same for a sandbox, where no secret is worth anything: says of each request that it refuses why, and keeps the
    /// last requests whole.
    pub(crate) fn open_sandbox(
        config: &Config,
        master_key: &MasterKey,
        system: System,
    ) -> Result<Self, OpenError> {
        let mut app = Self::app(config, master_key, system, |store| store)?;
        app.explainer = Some(explain::explainer(&app));
        app.journal = Some(Journal::of_lab());
        Ok(Self { app: Arc::new(app) })
    }

    fn app(
        config: &Config,
        master_key: &MasterKey,
        system: System,
        over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<App, OpenError> {
        let System { clock, entropy } = system;
        let txt = Txt::new(&config.domains)?;
        let tls = config.tls.as_ref().map(|files| Tls::open(files, Arc::clone(&clock))).transpose()?;
        let telemetry = Telemetry::new(Arc::clone(&clock));
        let store = over(config.store.open(master_key, Arc::clone(&clock), Arc::clone(&entropy))?);
        let metrics = config.metrics.as_ref().map(Metrics::open).transpose()?;
        let quota = Quota::new(config.quota.enabled.then_some(config.quota.calls), config.quota.window_ms);
        let authenticator =
            Authenticator::new(Arc::clone(&store), Arc::clone(&clock), config.freshness(), quota);
        let mut node = [0; 16];
        entropy.fill(&mut node);
        Ok(App {
            store,
            authenticator,
            gate: config.passwords.gate(Arc::clone(&entropy))?,
            txt,
            clock,
            entropy,
            request_ids: config.request_ids,
            limits: config.limits,
            freshness: config.freshness(),
            sessions: config.console.limits(),
            has_console: config.console.enabled,
            public_url: PublicUrl::new(config.public_url.clone(), tls.is_some()),
            tls: tls.map(Arc::new),
            room: Arc::new(Room::new(config.limits)),
            verifying: Semaphore::new(1),
            imports: Imports::default(),
            stopping: AtomicBool::new(false),
            explainer: None,
            node,
            location: config.store.clone(),
            lab: OnceLock::new(),
            telemetry,
            noting: tokio::sync::Mutex::default(),
            metrics,
            log: OnceLock::new(),
            journal: config.journal.enabled.then(|| Journal::redacting(config.journal.keep)),
        })
    }

    /// The gate through which passwords go, for whoever sets one beside the API.
    pub fn gate(&self) -> &Gate {
        &self.app.gate
    }

    /// Reads certificate and key anew when asked; none where the server speaks plaintext HTTP.
    pub fn certificate_reload(&self) -> Option<CertificateReload> {
        self.app.tls.clone().map(CertificateReload)
    }

    /// Opens a laboratory in which tests do harm to the server and go back in time. The state that the directory has
    /// now is what it can be reset to. `clock` is the server's, if it may be moved. Never for production:
    /// whoever reaches the server reaches the laboratory.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn open_lab(&self, clock: Option<Arc<MovableClock>>) -> Result<Lab, store::BackupError> {
        if let Some(lab) = self.app.lab.get() {
            return Ok(lab.clone());
        }
        let lab = Lab::new(&self.app, clock)?;
        Ok(self.app.lab.get_or_init(|| lab).clone())
    }

    /// Tells the other nodes on the same database what was drawn from quotas here, and hears what was drawn there: when
    /// asked, and not only from time to time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share_quota(&self) -> Result<(), StoreError> {
        self.app.authenticator.share_quota(self.app.node).await
    }

    /// Forgets requests that are past their time: when asked, and not only from time to time. Gives how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_requests(&self) -> Result<usize, StoreError> {
        self.app.forget_requests().await
    }

    /// What this node counts of the requests it serves.
    pub fn telemetry(&self) -> &Telemetry {
        &self.app.telemetry
    }

    /// The last requests, if the configuration or a laboratory asks for a journal.
    pub fn journal(&self) -> Option<&Journal> {
        self.app.journal()
    }

    /// Notes the use of credentials in the store: when asked, and not only from time to time.
    pub async fn note_usage(&self) {
        self.app.note_usage().await;
    }

    /// What is known of the use of credentials, in their order; what is not noted yet is noted first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage_of(&self, credentials: &[[u8; 16]]) -> Result<Vec<Option<Usage>>, StoreError> {
        self.app.usage_of(credentials).await
    }

    /// Tells a sandbox its names, in addition to those of this machine. What it lets anybody do, it refuses to callers that
    /// use another name.
    pub fn is_called(&self, names: Vec<String>) {
        self.app.public_url.is_called(names);
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

impl crate::config::Passwords {
    pub(crate) fn gate(&self, entropy: Arc<dyn Entropy>) -> Result<Gate, auth::gate::CostError> {
        let cost = auth::Cost {
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            parallelism: self.parallelism,
        };
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if self.threads == 0 { cores() } else { self.threads };
        Gate::start(cost, threads, self.queue, entropy)
    }
}
