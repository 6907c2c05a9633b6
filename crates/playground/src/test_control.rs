//! Test control: injected faults, a journal of requests, saved states of the directory. A sandbox and test servers have
//! it on request; `serve` never does.

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
    /// Weak, because the server owns its test control.
    server: WeakServer,
    clock: Option<Arc<MovableClock>>,
    location: Location,
    entropy: Arc<dyn Entropy>,
    faults: Mutex<Faults>,
    journal: Arc<Journal>,
    states: Mutex<HashMap<String, Arc<SavedState>>>,
}

/// Why a state cannot be saved or restored.
#[derive(Debug, Error)]
pub enum StateError {
    /// No state was saved under this name.
    #[error("no snapshot is called {0:?}")]
    Unknown(String),
    /// The engine does not support it.
    #[error("snapshots work only on SQLite: on {0}, start with a new database instead")]
    Engine(Location),
    /// The database cannot be read or written.
    #[error(transparent)]
    Database(#[from] BackupError),
}

impl TestController {
    /// Opens the test control of a server and saves the current state for `reset`. `clock` is the server's, if it can be
    /// moved. `None` if the server already has a test control. Never for production: anybody who reaches the server can
    /// control it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open(server: &Server, clock: Option<Arc<MovableClock>>) -> Result<Option<Self>, BackupError> {
        let (location, entropy) = (server.location().clone(), Arc::clone(server.entropy()));
        let seed = location.save_state()?.map(|kept| (SEED.to_owned(), Arc::new(kept)));
        let (faults, journal) = (Mutex::default(), Arc::new(Journal::unredacted()));
        let states = Mutex::new(seed.into_iter().collect());
        let server_again = server.downgrade();
        let inner = Inner { server: server_again, clock, location, entropy, faults, journal, states };
        let control = Self(Arc::new(inner));
        Ok(server.set_control(Arc::new(control.clone())).then_some(control))
    }

    /// Injects a fault into requests from now on.
    ///
    /// # Errors
    /// When the fault is invalid.
    pub fn inject(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        lock(&self.0.faults).add(fault);
        Ok(())
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        *lock(&self.0.faults) = Faults::default();
    }

    /// The recorded requests, oldest first; the last thousand.
    pub fn journal(&self) -> Vec<Entry> {
        self.0.journal.entries()
    }

    /// Deletes the recorded requests.
    pub fn clear_journal(&self) {
        self.0.journal.clear();
    }

    /// Saves the state of the directory under a name.
    ///
    /// # Errors
    /// When the engine does not support it, or the database cannot be read.
    pub fn snapshot(&self, name: &str) -> Result<(), StateError> {
        let Inner { location, states, .. } = &*self.0;
        let kept = location.save_state()?.ok_or_else(|| StateError::Engine(location.clone()))?;
        lock(states).insert(name.to_owned(), Arc::new(kept));
        Ok(())
    }

    /// Restores a saved state; later changes are lost.
    ///
    /// # Errors
    /// When no state has this name, or the database cannot be written.
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

    /// Restores the state at the opening of test control; faults and journal are cleared as well.
    ///
    /// # Errors
    /// When the engine does not support it, or the database cannot be written.
    pub fn reset(&self) -> Result<(), StateError> {
        self.restore(SEED)?;
        self.clear_faults();
        self.clear_journal();
        Ok(())
    }
}

impl TestControl for TestController {
    fn next_faults(&self, path: &str) -> Vec<What> {
        // Faults never apply to test control itself.
        if path.starts_with(PREFIX) || console::is_below(path) {
            return Vec::new();
        }
        let chance = || u64::from_le_bytes(self.0.entropy.randomness()[..8].try_into().unwrap_or_default());
        lock(&self.0.faults).next_faults(path, chance)
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
