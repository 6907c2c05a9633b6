//! The state of a running server.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use api::Core;
use api::room::Room;
use console::Console;
use directory::port::Replication;
use observe::journal::Journal;
use observe::log::Log;
use store::Location;

use crate::admin::Admin;
use crate::backups::Backups;
use crate::control::TestControl;
use crate::ldap::Ldap;
use crate::metrics::Metrics;
use crate::system::System;
use crate::tls::Tls;
use crate::traces::Traces;

pub(crate) struct App {
    pub(crate) core: Arc<Core>,
    pub(crate) console: Option<Arc<Console>>,
    pub(crate) tls: Option<Arc<Tls>>,
    /// The listeners for LDAP clients, if the configuration has them.
    pub(crate) ldap: Option<Ldap>,
    pub(crate) room: Arc<Room>,
    /// Set when the server is told to stop: `/readyz` says so, and each response closes its connection.
    pub(crate) draining: AtomicBool,
    /// How long calls are still answered then.
    pub(crate) drain: Duration,
    /// Set when the port is closed.
    pub(crate) stopping: AtomicBool,
    /// The id of this node on a shared database.
    pub(crate) node: [u8; 16],
    pub(crate) location: Location,
    /// The schedule of backups, if the configuration has one.
    pub(crate) backups: Option<Arc<Backups>>,
    /// Whether writes are refused while no synchronous standby has them.
    pub(crate) requires_standby: bool,
    /// How the database is replicated, when it was last asked.
    pub(crate) replication: Mutex<Option<Replication>>,
    pub(crate) metrics: Option<Metrics>,
    /// The log, if the program has set it.
    pub(crate) log: OnceLock<Log>,
    /// Where traces go, if the program has set it.
    pub(crate) traces: OnceLock<Traces>,
    /// Only in sandboxes and tests.
    pub(crate) control: OnceLock<Arc<dyn TestControl>>,
    /// Redacted, except in a sandbox. Test control has a separate journal.
    pub(crate) own_journal: Option<Arc<Journal>>,
    pub(crate) system: System,
}

impl App {
    pub(crate) fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.core.store), self.system.clone())
    }

    pub(crate) fn set_replication(&self, found: Replication) {
        *self.replication.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// How the database was replicated when it was last asked.
    pub(crate) fn replication(&self) -> Option<Replication> {
        self.replication.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The active journal, if there is one.
    pub(crate) fn journal(&self) -> Option<Arc<Journal>> {
        self.control.get().map(|control| control.journal()).or_else(|| self.own_journal.clone())
    }
}
