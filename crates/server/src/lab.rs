//! What a test may do to a server, and see of it: faults on purpose, a journal of requests, states to go back to. A sandbox
//! and the servers of a test have one when they ask for it; `serve` never does.

mod control;
mod fault;
pub(crate) mod site;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use directory::port::Entropy;
use store::{BackupError, Kept, Location};
use thiserror::Error;

pub use crate::journal::Entry;
pub use fault::{Fault, FaultError, What};

use crate::app::App;
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::system::MovableClock;
use fault::Faults;

/// What stands before the paths by which other programs use it.
pub(crate) const PREFIX: &str = "/sandbox/";

/// The state that [`Lab::reset`] goes back to.
const SEED: &str = "seed";

/// A laboratory. A clone is the same one.
#[derive(Clone)]
pub struct Lab(Arc<Inner>);

struct Inner {
    /// The server keeps its laboratory, and not the other way round.
    app: Weak<App>,
    clock: Option<Arc<MovableClock>>,
    location: Location,
    entropy: Arc<dyn Entropy>,
    faults: Mutex<Faults>,
    journal: Journal,
    states: Mutex<HashMap<String, Arc<Kept>>>,
}

/// Why a state can't be kept or put back.
#[derive(Debug, Error)]
pub enum StateError {
    /// Nobody kept it.
    #[error("no state is called {0:?}")]
    Unknown(String),
    /// The engine can't.
    #[error("states are kept of SQLite only: on {0}, start on a new database instead")]
    Engine(Location),
    /// The database can't be read or written to.
    #[error(transparent)]
    Database(#[from] BackupError),
}

impl Lab {
    /// For a server, and its clock if that can be moved.
    pub(crate) fn new(app: &Arc<App>, clock: Option<Arc<MovableClock>>) -> Result<Self, BackupError> {
        let (location, entropy) = (app.location.clone(), Arc::clone(&app.entropy));
        let seed = location.keep()?.map(|kept| (SEED.to_owned(), Arc::new(kept)));
        let (faults, journal) = (Mutex::default(), Journal::of_lab());
        let states = Mutex::new(seed.into_iter().collect());
        let app = Arc::downgrade(app);
        Ok(Self(Arc::new(Inner { app, clock, location, entropy, faults, journal, states })))
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
    pub fn keep(&self, name: &str) -> Result<(), StateError> {
        let Inner { location, states, .. } = &*self.0;
        let kept = location.keep()?.ok_or_else(|| StateError::Engine(location.clone()))?;
        lock(states).insert(name.to_owned(), Arc::new(kept));
        Ok(())
    }

    /// Goes back to a state that was kept; what came later is gone.
    ///
    /// # Errors
    /// When there is none of that name, or the database can't be written to.
    pub fn put_back(&self, name: &str) -> Result<(), StateError> {
        let Inner { app, location, states, .. } = &*self.0;
        let kept = lock(states).get(name).cloned();
        let kept = kept.ok_or_else(|| match location {
            Location::Postgres(_) => StateError::Engine(location.clone()),
            Location::Sqlite(_) => StateError::Unknown(name.to_owned()),
        })?;
        location.put_back(&kept)?;
        if let Some(app) = app.upgrade() {
            app.store.forget_snapshot();
            app.authenticator.refill_quota();
        }
        Ok(())
    }

    /// Goes back to the state the directory had when the laboratory was opened; faults and journal go too.
    ///
    /// # Errors
    /// When the engine can't, or the database can't be written to.
    pub fn reset(&self) -> Result<(), StateError> {
        self.put_back(SEED)?;
        self.clear_faults();
        self.clear_journal();
        Ok(())
    }

    /// The same, to be written to and searched.
    pub(crate) fn its_journal(&self) -> &Journal {
        &self.0.journal
    }

    /// What is to happen to a request.
    pub(crate) fn meet(&self, path: &str) -> Vec<What> {
        // Who works with the laboratory, or looks at what it tells, is not under test.
        if path.starts_with(PREFIX) || crate::console::is_below(path) {
            return Vec::new();
        }
        let chance = || u64::from_le_bytes(self.0.entropy.randomness()[..8].try_into().unwrap_or_default());
        lock(&self.0.faults).meet(path, chance)
    }
}

/// Serves a request with what is to happen to it; `None`: the connection ends instead of an answer.
pub(crate) async fn serve(
    met: &[What],
    serve: impl Future<Output = Response>,
    refuse: impl FnOnce(&Refusal) -> Response,
) -> Option<Response> {
    if let Some(delay) = met.iter().filter_map(What::delay).reduce(|a, b| a + b) {
        wait(delay).await;
    }
    let response = match met.iter().find_map(What::refusal) {
        Some(refusal) => refuse(&refusal),
        None => serve.await,
    };
    (!met.iter().any(What::drops)).then_some(response)
}

#[expect(clippy::disallowed_methods, reason = "somebody asked for a delay")]
async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The router of the API, with the paths by which other programs use the laboratory.
pub(crate) fn with_control(router: Router, app: &App) -> Router {
    match app.lab.get() {
        Some(lab) => router.merge(control::routes(lab.clone())),
        None => router,
    }
}
