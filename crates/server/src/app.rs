//! The state of a running server.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

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
    pub(crate) stopping: AtomicBool,
    /// The id of this node among those on the same database.
    pub(crate) node: [u8; 16],
    /// Where the directory is.
    pub(crate) location: Location,
    pub(crate) metrics: Option<Metrics>,
    /// Where log lines go, if the program has told.
    pub(crate) log: OnceLock<Log>,
    /// Only of sandboxes and tests.
    pub(crate) control: OnceLock<Arc<dyn TestControl>>,
    /// Without secrets, but for a sandbox's; test control has its own.
    pub(crate) own_journal: Option<Arc<Journal>>,
    pub(crate) system: System,
}

impl App {
    pub(crate) fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.core.store), self.system.clone())
    }

    /// Where requests are written down, if they are.
    pub(crate) fn journal(&self) -> Option<Arc<Journal>> {
        self.control.get().map(|control| control.journal()).or_else(|| self.own_journal.clone())
    }
}
