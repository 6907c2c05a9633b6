//! Whether corrupt pages were found in use. A server on such a database is not ready: it may lose writes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use directory::port::StoreError;

use crate::session::{Kind, Result};

pub(super) struct Damage {
    database: PathBuf,
    found: AtomicBool,
}

impl Damage {
    pub(super) fn none(database: PathBuf) -> Self {
        Self { database, found: AtomicBool::new(false) }
    }

    /// Notes whether a result reports corrupt pages; the first time, the log says what to do.
    pub(super) fn watch<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome
            && error.kind == Kind::Damaged
            && !self.found.swap(true, Ordering::Relaxed)
        {
            let database = self.database.display();
            tracing::error!(
                %database, %error,
                "the database is damaged: stop the server, keep a copy of the file, and restore the newest backup with \
                 `matricula restore FROM_FILE --replace`"
            );
        }
        outcome
    }

    /// An error once corrupt pages were found.
    pub(super) fn check(&self) -> std::result::Result<(), StoreError> {
        if self.found.load(Ordering::Relaxed) {
            let database = self.database.display();
            return Err(StoreError::failed(format!("{database} is damaged: restore a backup")));
        }
        Ok(())
    }
}
