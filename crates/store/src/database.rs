//! Operations on a whole database. The only code that tells the engines apart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::port::{Clock, Entropy, Store};
use jiff::Timestamp;
use thiserror::Error;

use crate::backup::{BackedUp, BackupError, Checked, Restored, Step};
use crate::draft::folder_of;
use crate::location::Location;
use crate::port::Opening;
use crate::problem::OpenProblem;
use crate::schema::Schema;
use crate::sqlite::SavedState;
use crate::vault::MasterKey;
use crate::{postgres, sqlite};

/// Links that are followed; more are a loop.
const LINKS: usize = 40;

/// Why a database could not be opened.
#[derive(Debug, Error)]
#[error("{location}{}{problem}", if problem.is_predicate() { " " } else { ": " })]
pub struct OpenError {
    location: Location,
    /// The problem.
    pub problem: OpenProblem,
}

impl Location {
    /// Saves the state of the database in memory: for tests, while a server has it open. `None`: the engine cannot do
    /// that.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn save_state(&self) -> Result<Option<SavedState>, BackupError> {
        match self {
            Location::Sqlite(path) => sqlite::save_state(&file_of(path)).map(Some),
            Location::Postgres(_) => Ok(None),
        }
    }

    /// Restores a saved state; later changes are lost. Tell a server on it:
    ///
    /// # Errors
    /// When it can't be written to.
    pub fn restore_state(&self, kept: &SavedState) -> Result<(), BackupError> {
        match self {
            Location::Sqlite(path) => sqlite::restore_state(&file_of(path), kept),
            Location::Postgres(_) => Ok(()),
        }
    }

    /// Creates an empty directory; `false`: one already exists. Nothing else creates one: a database that is missing by
    /// mistake must not be served as an empty one.
    ///
    /// # Errors
    /// When it can't be created, or files of an earlier database are there.
    pub fn create(&self, master: &MasterKey, entropy: &dyn Entropy) -> Result<bool, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::create(&file_of(path), master, entropy),
            Self::Postgres(url) => postgres::create(url, master, entropy),
        })
    }

    /// Opens the database, and migrates it when needed.
    ///
    /// # Errors
    /// When it does not exist, can't be opened, was made by a newer version, or belongs to another master key.
    pub fn open(
        &self,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<dyn Store>, OpenError> {
        self.open_with(Opening::default(), master, clock, entropy)
    }

    /// Like `open`, in a certain way.
    ///
    /// # Errors
    /// As `open`; and when a node that serves gets too few connections.
    pub fn open_with(
        &self,
        opening: Opening,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<dyn Store>, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::open(&file_of(path), master, clock, entropy),
            Self::Postgres(url) => postgres::open(url, opening, master, clock, entropy),
        })
    }

    /// Replaces the master key. Rows and ids stay the same.
    ///
    /// # Errors
    /// When the old key is wrong.
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

    /// The schema of the database. Changes nothing.
    ///
    /// # Errors
    /// When the database does not exist, can't be read, or was made by a newer version.
    pub fn schema(&self) -> Result<Schema, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::schema(&file_of(path)),
            Self::Postgres(url) => postgres::schema(url),
        })
    }

    /// Runs the migrations that are due, all or none, and gives the schema before. Needs no master key.
    ///
    /// # Errors
    /// When the database does not exist, can't be written, or was made by a newer version.
    pub fn migrate(&self) -> Result<Schema, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::migrate(&file_of(path)),
            Self::Postgres(url) => postgres::migrate(url),
        })
    }

    /// Copies the database to a new file while servers may write to it. The copy does not contain the master key.
    ///
    /// # Errors
    /// When the database does not exist, the file already exists or cannot be written, or the copy fails its check.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<BackedUp, BackupError> {
        match self {
            Self::Sqlite(path) => sqlite::backup(&file_of(path), to, progress),
            Self::Postgres(url) => postgres::backup(url, to, progress),
        }
    }

    /// Checks the pages of the database, also while a server uses it. `None`: the engine checks them itself.
    ///
    /// # Errors
    /// When the database can't be read, or a page is corrupt.
    pub fn check_pages(&self) -> Result<Option<u64>, BackupError> {
        match self {
            Self::Sqlite(path) => sqlite::check_pages(&file_of(path)).map(Some),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Checks a backup of this database where it is: that it can be read, whether the master key opens it, and every
    /// chain of its audit; of a dump of PostgreSQL only that it can be read.
    ///
    /// # Errors
    /// When the backup can't be read, or fails a check.
    pub fn check_backup(&self, from: &Path, master: &MasterKey) -> Result<Checked, BackupError> {
        match self {
            Self::Sqlite(_) => sqlite::check_backup(from, master),
            Self::Postgres(url) => postgres::check_backup(from, url),
        }
    }

    /// Restores a backup. The database must not exist or, on a server, must be empty. With a time, an existing file is
    /// renamed with that time. The backup is checked first: its pages, its schema, its master key, and every chain of
    /// its audit.
    ///
    /// # Errors
    /// When the database is in use or already exists, or the backup fails its check.
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

/// The file that a path leads to, existing or not. Links are resolved first: lock, log and drafts are next to the file,
/// and two links to one database are one database.
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
