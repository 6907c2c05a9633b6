//! What a test may do to a server, and see of it: faults on purpose, a journal of requests, states to go back to. A sandbox
//! and the servers of a test have one when they ask for it; `serve` never does.

mod control;
mod fault;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use directory::port::Entropy;
use observe::journal::Journal;
use server::control::{PREFIX, TestControl};
use server::{Server, WeakServer};
use store::{BackupError, Location, SavedState};
use thiserror::Error;

pub use fault::{Fault, FaultError, What};
pub use observe::journal::Entry;

use crate::system::MovableClock;
use fault::Faults;

/// The state that [`TestController::reset`] goes back to.
const SEED: &str = "seed";

/// Test control. A clone is the same one.
#[derive(Clone)]
pub struct TestController(Arc<Inner>);

struct Inner {
    /// The server keeps its test control, and not the other way round.
    server: WeakServer,
    clock: Option<Arc<MovableClock>>,
    location: Location,
    entropy: Arc<dyn Entropy>,
    faults: Mutex<Faults>,
    journal: Arc<Journal>,
    states: Mutex<HashMap<String, Arc<SavedState>>>,
}

/// Why a state can't be kept or put back.
#[derive(Debug, Error)]
pub enum StateError {
    /// Nobody kept it.
    #[error("no snapshot is called {0:?}")]
    Unknown(String),
    /// The engine can't.
    #[error("snapshots work only on SQLite: on {0}, start with a new database instead")]
    Engine(Location),
    /// The database can't be read or written to.
    #[error(transparent)]
    Database(#[from] BackupError),
}

impl TestController {
    /// Opens the test control of a server, in which tests do harm to it and go back in time. The state that the directory has
    /// now is what it can be reset to. `clock` is the server's, if it may be moved. A server has one test control at most:
    /// `None`, it has another one. Never for production: anybody who reaches the server reaches the test control.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn open(server: &Server, clock: Option<Arc<MovableClock>>) -> Result<Option<Self>, BackupError> {
        let (location, entropy) = (server.location().clone(), Arc::clone(server.entropy()));
        let seed = location.save_state()?.map(|kept| (SEED.to_owned(), Arc::new(kept)));
        let (faults, journal) = (Mutex::default(), Arc::new(Journal::whole()));
        let states = Mutex::new(seed.into_iter().collect());
        let server_again = server.downgrade();
        let inner = Inner { server: server_again, clock, location, entropy, faults, journal, states };
        let control = Self(Arc::new(inner));
        Ok(server.set_control(Arc::new(control.clone())).then_some(control))
    }

    /// Has a fault happen to requests from now on.
    ///
    /// # Errors
    /// When there is no such fault.
    pub fn inject(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        lock(&self.0.faults).add(fault);
        Ok(())
    }

    /// No more faults.
    pub fn clear_faults(&self) {
        *lock(&self.0.faults) = Faults::default();
    }

    /// The requests there were, the oldest first; of many the last thousand.
    pub fn journal(&self) -> Vec<Entry> {
        self.0.journal.entries()
    }

    /// Forgets the requests there were.
    pub fn clear_journal(&self) {
        self.0.journal.clear();
    }

    /// Keeps the state of the directory under a name.
    ///
    /// # Errors
    /// When the engine can't, or the database can't be read.
    pub fn snapshot(&self, name: &str) -> Result<(), StateError> {
        let Inner { location, states, .. } = &*self.0;
        let kept = location.save_state()?.ok_or_else(|| StateError::Engine(location.clone()))?;
        lock(states).insert(name.to_owned(), Arc::new(kept));
        Ok(())
    }

    /// Goes back to a state that was kept; what came later is gone.
    ///
    /// # Errors
    /// When there is none of that name, or the database can't be written to.
    pub fn restore(&self, name: &str) -> Result<(), StateError> {
        let Inner { server, location, states, .. } = &*self.0;
        let kept = lock(states).get(name).cloned();
        let kept = kept.ok_or_else(|| match location {
            Location::Postgres(_) => StateError::Engine(location.clone()),
            Location::Sqlite(_) => StateError::Unknown(name.to_owned()),
        })?;
        location.restore_state(&kept)?;
        if let Some(server) = server.upgrade() {
            server.store_was_restored();
        }
        Ok(())
    }

    /// Goes back to the state the directory had when the test control was opened; faults and journal go too.
    ///
    /// # Errors
    /// When the engine can't, or the database can't be written to.
    pub fn reset(&self) -> Result<(), StateError> {
        self.restore(SEED)?;
        self.clear_faults();
        self.clear_journal();
        Ok(())
    }
}

impl TestControl for TestController {
    fn meet(&self, path: &str) -> Vec<What> {
        // Requests to the test control itself are not under test.
        if path.starts_with(PREFIX) || console::is_below(path) {
            return Vec::new();
        }
        let chance = || u64::from_le_bytes(self.0.entropy.randomness()[..8].try_into().unwrap_or_default());
        lock(&self.0.faults).meet(path, chance)
    }

    fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.0.journal)
    }

    fn routes(&self) -> Router {
        control::routes(self.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
