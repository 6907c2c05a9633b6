//! The state of a running server.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::Core;
use api::room::Room;
use console::Console;
use observe::journal::Journal;
use observe::log::Log;
use store::Location;

use crate::admin::Admin;
use crate::control::TestControl;
use crate::metrics::Metrics;
use crate::system::System;
use crate::tls::Tls;

pub(crate) struct App {
    pub(crate) core: Arc<Core>,
    pub(crate) console: Option<Arc<Console>>,
    pub(crate) tls: Option<Arc<Tls>>,
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
    pub(crate) metrics: Option<Metrics>,
    /// The log, if the program has set it.
    pub(crate) log: OnceLock<Log>,
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

    /// The active journal, if there is one.
    pub(crate) fn journal(&self) -> Option<Arc<Journal>> {
        self.control.get().map(|control| control.journal()).or_else(|| self.own_journal.clone())
    }
}
