//! What the server holds while it runs.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use auth::explain::Explainer;
use auth::{Authenticator, Gate, Quota};
use directory::port::{Clock, Entropy, RequestIds, Store, StoreError};
use store::MasterKey;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::admin::Admin;
use crate::config::{Config, ConfigError, Limits};
use crate::explain;
use crate::secure_id::SecureIds;
use crate::system::System;
use crate::txt::{Txt, TxtError};

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
    pub(crate) public_url: OnceLock<String>,
    pub(crate) room: Semaphore,
    pub(crate) stopping: AtomicBool,
    /// What says why a request is refused; only in a sandbox.
    pub(crate) explainer: Option<Arc<Explainer>>,
    /// What tells this node from others on the same database.
    pub(crate) node: [u8; 16],
}

impl App {
    pub(crate) fn admin(&self) -> Admin {
        let system = System { clock: Arc::clone(&self.clock), entropy: Arc::clone(&self.entropy) };
        Admin::new(Arc::clone(&self.store), system)
    }

    pub(crate) fn secure_ids(&self) -> SecureIds<'_> {
        SecureIds::new(&self.store.keys().secure_id)
    }
}

/// A server that is open: its store is ready, and it can be administered before and while it serves.
pub struct Server {
    pub(crate) app: Arc<App>,
}

impl Server {
    /// Opens the store and starts the hashing threads.
    ///
    /// # Errors
    /// When the store can't be opened, or a setting is not allowed.
    pub fn open(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        Ok(Self { app: Arc::new(Self::app(config, master_key, system)?) })
    }

    /// The same, and says of each request that it refuses why.
    pub(crate) fn open_explaining(
        config: &Config,
        master_key: &MasterKey,
        system: System,
    ) -> Result<Self, OpenError> {
        let mut app = Self::app(config, master_key, system)?;
        app.explainer = Some(explain::explainer(&app));
        Ok(Self { app: Arc::new(app) })
    }

    fn app(config: &Config, master_key: &MasterKey, system: System) -> Result<App, OpenError> {
        let System { clock, entropy } = system;
        let txt = Txt::new(&config.domains)?;
        let store = config.store.open(master_key, Arc::clone(&clock), Arc::clone(&entropy))?;
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
            public_url: config.public_url.clone().map(OnceLock::from).unwrap_or_default(),
            room: Semaphore::new(config.limits.in_flight.min(Semaphore::MAX_PERMITS)),
            stopping: AtomicBool::new(false),
            explainer: None,
            node,
        })
    }

    /// The gate through which passwords go, for whoever sets one beside the API.
    pub fn gate(&self) -> &Gate {
        &self.app.gate
    }

    /// Shares quotas with the other nodes, when asked and not only from time to time.
    pub fn quota_sharing(&self) -> QuotaSharing {
        QuotaSharing(Arc::clone(&self.app))
    }

    /// Administers the directory directly.
    pub fn admin(&self) -> Admin {
        self.app.admin()
    }
}

/// Shares quotas with the other nodes on the same database.
pub struct QuotaSharing(Arc<App>);

impl QuotaSharing {
    /// Tells the other nodes what was drawn here, and hears what was drawn there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share(&self) -> Result<(), StoreError> {
        self.0.authenticator.share_quota(self.0.node).await
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
