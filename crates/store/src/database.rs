//! What can be done to a database as a whole. The only place that tells the engines apart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::port::{Clock, Entropy, Store};
use jiff::Timestamp;
use thiserror::Error;

use crate::backup::{BackedUp, BackupError, Restored, Step};
use crate::draft::folder_of;
use crate::location::Location;
use crate::problem::OpenProblem;
use crate::schema::Schema;
use crate::sqlite::SavedState;
use crate::vault::MasterKey;
use crate::{postgres, sqlite};

/// Links that are followed; more lead in a circle.
const LINKS: usize = 40;

/// Why a database could not be opened.
#[derive(Debug, Error)]
#[error("{location}{}{problem}", if problem.is_predicate() { " " } else { ": " })]
pub struct OpenError {
    location: Location,
    /// What is wrong.
    pub problem: OpenProblem,
}

impl Location {
    /// Keeps the state of the database in memory, to be put back: for tests, while a server has it open. `None`
    /// where the engine has no way to do that.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn save_state(&self) -> Result<Option<SavedState>, BackupError> {
        match self {
            Location::Sqlite(path) => sqlite::save_state(&file_of(path)).map(Some),
            Location::Postgres(_) => Ok(None),
        }
    }

    /// Puts back what was kept of this database; what came later is gone. A server on it must be told:
    /// [`Store::forget_snapshot`].
    ///
    /// # Errors
    /// When it can't be written to.
    pub fn restore_state(&self, kept: &SavedState) -> Result<(), BackupError> {
        match self {
            Location::Sqlite(path) => sqlite::restore_state(&file_of(path), kept),
            Location::Postgres(_) => Ok(()),
        }
    }

    /// Creates an empty directory where none is; `false`: one already exists. Nothing else ever creates one: a database
    /// that is missing by mistake must not be served as an empty one.
    ///
    /// # Errors
    /// When it can't be created, or an earlier database left something there.
    pub fn create(&self, master: &MasterKey, entropy: &dyn Entropy) -> Result<bool, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::create(&file_of(path), master, entropy),
            Self::Postgres(url) => postgres::create(url, master, entropy),
        })
    }

    /// Opens the database, and migrates it when needed.
    ///
    /// # Errors
    /// When there is none, it can't be opened, was made by a newer program, or belongs to another master key.
    pub fn open(
        &self,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<dyn Store>, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::open(&file_of(path), master, clock, entropy),
            Self::Postgres(url) => postgres::open(url, master, clock, entropy),
        })
    }

    /// Exchanges the master key. The rows and the ids stay as they are.
    ///
    /// # Errors
    /// When the old key does not fit.
    pub fn rotate_master_key(
        &self,
        old: &MasterKey,
        new: &MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<(), OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::rotate_master_key(&file_of(path), old, new, entropy),
            Self::Postgres(url) => postgres::rotate_master_key(url, old, new, entropy),
        })
    }

    /// Looks at the schema of the database, and changes nothing.
    ///
    /// # Errors
    /// When there is no database, it can't be read, or a newer program made it.
    pub fn schema(&self) -> Result<Schema, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::schema(&file_of(path)),
            Self::Postgres(url) => postgres::schema(url),
        })
    }

    /// Runs the migrations that are due, all or none, and gives what was due. It needs no master key.
    ///
    /// # Errors
    /// When there is no database, it can't be written, or a newer program made it.
    pub fn migrate(&self) -> Result<Schema, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::migrate(&file_of(path)),
            Self::Postgres(url) => postgres::migrate(url),
        })
    }

    /// Copies the database to a new file, beside servers that may be writing to it. The master key is not in the copy.
    ///
    /// # Errors
    /// When there is no database, the file already exists or cannot be written, or the copy fails its check.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<BackedUp, BackupError> {
        match self {
            Self::Sqlite(path) => sqlite::backup(&file_of(path), to, progress),
            Self::Postgres(url) => postgres::backup(url, to, progress),
        }
    }

    /// Puts a backup in the place of the database, which must not be there, or, as a database on a server, must be empty.
    /// With a time, an existing file is kept under a name with that time. What is restored is checked as a whole: its
    /// pages, its schema, whether the master key opens it, every chain of its audit.
    ///
    /// # Errors
    /// When the database is in use, it already exists, or the backup fails its check.
    pub fn restore(
        &self,
        from: &Path,
        master: &MasterKey,
        replace: Option<Timestamp>,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Restored, BackupError> {
        match self {
            Self::Sqlite(path) => sqlite::restore(from, &file_of(path), master, replace, progress),
            Self::Postgres(url) => postgres::restore(from, url, master, progress),
        }
    }

    fn told<T>(&self, outcome: Result<T, OpenProblem>) -> Result<T, OpenError> {
        outcome.map_err(|problem| OpenError { location: self.clone(), problem })
    }
}

/// The file that a path leads to, also where there is none yet. A link is followed first: lock, log and drafts are next to
/// the file, and two links to one database are one database.
fn file_of(path: &Path) -> PathBuf {
    let mut file = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&file) {
            Ok(to) => file = folder_of(&file).join(to),
            Err(_) => break,
        }
    }
    file
}
