//! An open server, which can be administered and served.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use ::http::Request;
use api::Core;
use api::dns::TxtLookup;
use api::endpoints;
use api::examine::Examiner;
use api::public_url::PublicUrl;
use api::room::Room;
use auth::explain::Explainer;
use auth::{Authenticator, PasswordHasher, Quota};
use axum::body::Body;
use console::Console;
use directory::port::{Entropy, Refusal, Store, StoreError, Usage};
use jiff::Timestamp;
use ldap::Door;
use observe::journal::Journal;
use observe::log::Log;
use observe::telemetry::Telemetry;
use observe::trace::Sink;
use store::{Location, MasterKey};
use tokio::net::TcpListener;

use crate::admin::Admin;
use crate::app::App;
use crate::backups::Backups;
use crate::config::{self, Config};
use crate::control::TestControl;
use crate::error::OpenError;
use crate::http;
use crate::ldap::Ldap;
use crate::metrics::Metrics;
use crate::system::System;
use crate::tls::{CertificateReload, Tls};
use crate::traces::Traces;

/// An open server: its store is ready, and it can be administered before and while it serves. Clones share one server.
#[derive(Clone)]
pub struct Server {
    pub(crate) app: Arc<App>,
}

impl Server {
    /// Creates an empty directory in the configured store; `false`: one already exists. [`Server::open`] never creates
    /// one: a missing store must not be served as an empty directory.
    ///
    /// # Errors
    /// When it cannot be created, or parts of an earlier one exist.
    pub fn create(config: &Config, master_key: &MasterKey, system: &System) -> Result<bool, OpenError> {
        Ok(config.store.create(master_key, &*system.entropy)?)
    }

    /// Opens the store and starts the hashing threads.
    ///
    /// # Errors
    /// When the store does not exist or cannot be opened, or a setting is invalid.
    pub fn open(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        Self::open_over(config, master_key, system, |store| store)
    }

    /// Like `open`, for a process that serves: its connections to a database server are opened now, and kept.
    ///
    /// # Errors
    /// The same, and when the database gives too few connections.
    pub fn open_to_serve(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        Self::open_in(Mode::Serving, config, master_key, system, |store| store)
    }

    /// Like `open`, with a layer between the server and its store, for tests.
    ///
    /// # Errors
    /// When the store cannot be opened, or a setting is invalid.
    pub fn open_over(
        config: &Config,
        master_key: &MasterKey,
        system: System,
        over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Self, OpenError> {
        Self::open_in(Mode::Production, config, master_key, system, over)
    }

    /// Like `open`, for a sandbox without valuable secrets: explains each refused signature, and records requests
    /// without redaction. Never for production: explanations help an attacker who guesses keys.
    ///
    /// # Errors
    /// When the store does not exist or cannot be opened, or a setting is invalid.
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
        let tls = tls.map(Arc::new);
        let ldap = config.ldap.as_ref().map(|settings| open_ldap(settings, &core, &system, tls.clone()));
        let ldap = ldap.transpose()?;
        let metrics = config.metrics.as_ref().map(Metrics::open).transpose()?;
        let mut node = [0; 16];
        system.entropy.fill(&mut node);
        let own_journal = match mode {
            Mode::Sandbox => Some(Journal::unredacted()),
            Mode::Serving | Mode::Production => {
                config.journal.enabled.then(|| Journal::redacting(config.journal.keep))
            }
        };
        let app = Arc::new_cyclic(|app| App {
            console: config.console.enabled.then(|| {
                let host = Box::new(Host(Weak::clone(app)));
                Arc::new(Console::new(Arc::clone(&core), config.console.limits(), host))
            }),
            room: Arc::new(Room::new(config.limits)),
            core,
            tls,
            ldap,
            draining: AtomicBool::new(false),
            drain: Duration::from_secs(config.drain_seconds),
            stopping: AtomicBool::new(false),
            node,
            location: config.store.clone(),
            backups: config
                .backup
                .clone()
                .map(|settings| Arc::new(Backups::new(settings, config.store.clone(), master_key.clone()))),
            requires_standby: config.require_synchronous_replication,
            replication: Mutex::default(),
            metrics,
            log: OnceLock::new(),
            traces: OnceLock::new(),
            control: OnceLock::new(),
            own_journal: own_journal.map(Arc::new),
            system,
        });
        Ok(Self { app })
    }

    /// Serves until `shutdown` is ready and the configured time to drain is over, then closes the listener and waits for
    /// running requests, up to the configured timeout.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        self.serve_until(listener, shutdown, std::future::pending()).await;
    }

    /// The same; `hurry` ends the drain early.
    pub async fn serve_until(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) {
        http::serve(self.app, listener, shutdown, hurry).await;
    }

    /// The password hasher, for code that sets passwords outside the API.
    pub fn hasher(&self) -> &PasswordHasher {
        &self.app.core.hasher
    }

    /// Reloads the certificate on request; `None` if the server uses plaintext HTTP.
    pub fn certificate_reload(&self) -> Option<CertificateReload> {
        self.app.tls.clone().map(CertificateReload)
    }

    /// Enables test control; `false` if it is enabled already. Never for production: anybody who reaches the server can
    /// use it.
    pub fn set_control(&self, control: Arc<dyn TestControl>) -> bool {
        self.app.control.set(control).is_ok()
    }

    /// The location of the directory.
    pub fn location(&self) -> &Location {
        &self.app.location
    }

    /// The server's randomness.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.app.core.entropy
    }

    /// Clears cached state after the database was restored.
    pub fn store_was_restored(&self) {
        self.app.core.store.forget_snapshot();
        self.app.core.authenticator.refill_quota();
    }

    /// A weak reference, for objects that the server owns.
    pub fn downgrade(&self) -> WeakServer {
        WeakServer(Arc::downgrade(&self.app))
    }

    /// Exchanges quota counts with the other nodes now, without waiting for the job.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share_quota(&self) -> Result<(), StoreError> {
        self.app.core.authenticator.share_quota(self.app.node).await
    }

    /// Deletes expired requests now, without waiting for the job. Returns their number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_requests(&self) -> Result<usize, StoreError> {
        self.app.core.forget_requests().await
    }

    /// Makes a backup now if the schedule has one due, without waiting for the job.
    pub fn make_due_backup(&self) {
        if let Some(backups) = &self.app.backups {
            backups.make_if_due(&*self.app.core.clock);
        }
    }

    /// Waits until no import of import-users is unfinished on this node.
    pub async fn imports_are_finished(&self) {
        self.app.core.imports.all_finished().await;
    }

    /// Waits until the cause of every refused signature was looked for.
    pub async fn refusals_are_examined(&self) {
        if let Some(examiner) = &self.app.core.examiner {
            examiner.all_examined().await;
        }
    }

    /// The refusals of an application since a time, by code and cause. Pending ones are recorded first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refusals_of(&self, app_id: &str, since: Timestamp) -> Result<Vec<Refusal>, StoreError> {
        self.app.core.refusals_of(app_id, since).await
    }

    /// The request counts of this node.
    pub fn telemetry(&self) -> &Telemetry {
        &self.app.core.telemetry
    }

    /// The journal, if the configuration or test control enables one.
    pub fn journal(&self) -> Option<Arc<Journal>> {
        self.app.journal()
    }

    /// Records the use of credentials now, without waiting for the job.
    pub async fn note_usage(&self) {
        self.app.core.note_usage().await;
    }

    /// The recorded use of credentials, in the order of the input. Pending use is recorded first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage_of(&self, credentials: &[[u8; 16]]) -> Result<Vec<Option<Usage>>, StoreError> {
        self.app.core.usage_of(credentials).await
    }

    /// Sets further host names of a sandbox. On its unprotected paths, a sandbox refuses requests with any other name.
    pub fn is_called(&self, names: Vec<String>) {
        self.app.core.public_url.is_called(names);
    }

    /// Reports dropped log lines in the metrics.
    pub fn count_dropped_lines(&self, log: Log) {
        self.app.log.get_or_init(|| log);
    }

    /// Sends traces of calls there: of every call whose `traceparent` is sampled, of none whose is not, and of this share of
    /// all others. Only the first call of this function has an effect.
    pub fn set_traces(&self, sink: Arc<dyn Sink>, sample: f64) {
        self.app.traces.get_or_init(|| Traces::new(sink, sample, Arc::clone(&self.app.core.entropy)));
    }

    /// The address of the metrics, if they are served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.app.metrics.as_ref().map(Metrics::address)
    }

    /// The addresses for LDAP clients: with StartTLS or in plaintext, and with TLS.
    pub fn ldap_addresses(&self) -> [Option<SocketAddr>; 2] {
        self.app.ldap.as_ref().map_or([None, None], |ldap| ldap.addresses)
    }

    /// Administers the directory directly.
    pub fn admin(&self) -> Admin {
        self.app.admin()
    }
}

/// A weak reference to a server.
#[derive(Clone)]
pub struct WeakServer(Weak<App>);

impl WeakServer {
    /// The server, if it still exists.
    pub fn upgrade(&self) -> Option<Server> {
        self.0.upgrade().map(|app| Server { app })
    }
}

/// The server from the console's point of view.
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

/// The kind of server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Production,
    /// The same, with all connections to its database.
    Serving,
    /// No valuable secrets: refused signatures are explained, and requests are recorded without redaction.
    Sandbox,
}

/// The listeners for LDAP clients.
fn open_ldap(
    settings: &config::Ldap,
    core: &Core,
    system: &System,
    tls: Option<Arc<Tls>>,
) -> Result<Ldap, OpenError> {
    let (store, hasher) = (Arc::clone(&core.store), Arc::clone(&core.hasher));
    let door = Door::new(store, hasher, Arc::clone(&system.clock), &*system.entropy, settings.limits());
    Ldap::open(settings, door, tls)
}

/// The shared state of endpoints.
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
    let paths = || endpoints::all().map(|endpoint| endpoint.path);
    let telemetry = Telemetry::new(Arc::clone(&clock), paths());
    let serves = mode == Mode::Serving;
    let store = over(config.open_store(serves, master_key, Arc::clone(&clock), Arc::clone(&entropy))?);
    let quota = Quota::new(config.quota.enabled.then_some(config.quota.calls), config.quota.window_ms);
    let authenticator = Authenticator::new(Arc::clone(&store), Arc::clone(&clock), config.freshness(), quota);
    let explains = || Arc::new(Explainer::new(Arc::clone(&store), config.freshness(), paths().collect()));
    Ok(Core {
        authenticator,
        hasher: Arc::new(config.passwords.hasher(Arc::clone(&entropy))?),
        txt,
        clock,
        entropy,
        request_ids: config.request_ids,
        limits: config.limits,
        freshness: config.freshness(),
        public_url: PublicUrl::new(config.public_url.clone(), secure),
        explainer: (mode == Mode::Sandbox).then(explains),
        examiner: (mode != Mode::Sandbox).then(|| Examiner::new(explains())),
        telemetry,
        imports: Arc::default(),
        recording: tokio::sync::Mutex::default(),
        store,
    })
}
