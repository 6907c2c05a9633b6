//! Where a database is, and what can be done to it as a whole. The only place that tells the engines apart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::port::{Clock, Entropy, Store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::backup::{BackedUp, BackupError, Restored, Step};
use crate::draft::{PART, is_draft};
use crate::schema::Schema;
use crate::sqlite::Kept;
use crate::vault::{MasterKey, VaultError};
use crate::{postgres, sqlite};

/// Where a database is: `postgres://…`, or else the path of an SQLite file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server: a connection string as libpq knows it.
    Postgres(String),
}

/// Why a database could not be opened.
#[derive(Debug, Error)]
#[error("{location}{}{problem}", if problem.is_predicate() { " " } else { ": " })]
pub struct OpenError {
    location: Location,
    /// What is wrong.
    pub problem: OpenProblem,
}

/// What is wrong with a database.
#[derive(Debug, Error)]
pub enum OpenProblem {
    /// The engine's own error.
    #[error("{0}")]
    Engine(Box<dyn std::error::Error + Send + Sync>),
    /// A newer program made the database.
    #[error("has schema {found}, made by a newer matricula; this one knows schemas up to {known}")]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// There is none, and none is to be created.
    #[error(
        "was not found: check `store` in the configuration, and whether its disk is mounted. `matricula admin account \
         create` or `matricula serve --create` creates a new, empty directory"
    )]
    Missing,
    /// There is none, but something that belongs to one.
    #[error("was not found, but {file} is there, {what}", file = .file.display())]
    Leftover {
        /// What is there.
        file: PathBuf,
        /// What it is, and what can be done.
        what: Left,
    },
    /// A file without a byte: something was interrupted, or emptied it.
    #[error(
        "is empty, which no database is: restore a backup with `matricula restore FROM_FILE --replace`, or delete the file \
         to create a new directory"
    )]
    Empty,
    /// The file is something else, or only a part of a database.
    #[error(
        "is not a Matricula database, or was copied without the -wal file that belongs to it: restore a backup with \
         `matricula restore FROM_FILE --replace`"
    )]
    Foreign,
    /// Others can read a file, and this process can't change that.
    #[error("{path} can be read by other users of this machine, and its mode can't be changed: run chmod 600 on it", path = .0.display())]
    Exposed(PathBuf),
    /// A backup is being put in its place.
    #[error("is being restored: wait until that is done")]
    BeingRestored,
    /// A file of the database's can't be used.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The master key does not fit.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A writer's thread could not be started.
    #[error("a writer's thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// What an earlier database left where it is missing, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Its log, with what was written last.
    Log,
    /// A database that a restore kept under a name with the time.
    Kept,
    /// A restore that did not come to its end.
    Restore,
}

impl Left {
    /// By what stands behind the name of the database.
    pub(crate) fn by_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "-wal" | "-journal" => Some(Self::Log),
            _ if is_draft(suffix, PART) => Some(Self::Restore),
            _ => {
                let digit = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
                let shape: Vec<u8> = suffix.bytes().map(digit).collect();
                (shape == b".00000000T000000Z").then_some(Self::Kept)
            }
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => {
                "which holds what was written to it last: move the database back to it, or restore a backup with \
                 `matricula restore FROM_FILE --replace`"
            }
            Self::Kept => {
                "an earlier database that a restore kept: rename it back, or restore a backup with `matricula restore`. To \
                 create a new directory, move it to another folder first"
            }
            Self::Restore => {
                "left by a restore that was interrupted: restore the backup again with `matricula restore`, or delete the \
                 file to create a new directory"
            }
        })
    }
}

impl OpenProblem {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// Whether it says something of the database, and not something by itself.
    fn is_predicate(&self) -> bool {
        matches!(
            self,
            Self::Newer { .. }
                | Self::Missing
                | Self::Leftover { .. }
                | Self::Empty
                | Self::Foreign
                | Self::BeingRestored
        )
    }
}

impl From<rusqlite::Error> for OpenProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<crate::session::Error> for OpenProblem {
    fn from(error: crate::session::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<String> for Location {
    fn from(text: String) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text)
        } else {
            Self::Sqlite(text.into())
        }
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        match location {
            Location::Sqlite(path) => path.to_string_lossy().into_owned(),
            Location::Postgres(url) => url,
        }
    }
}

/// Without what may be a password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                write!(f, "postgres://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Location {
    /// Keeps the state of the database in memory, to be put back: for tests, beside a server that has it open. `None`
    /// where the engine has no way to do that.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn keep(&self) -> Result<Option<Kept>, BackupError> {
        match self {
            Location::Sqlite(path) => sqlite::keep(path).map(Some),
            Location::Postgres(_) => Ok(None),
        }
    }

    /// Puts back what was kept of this database; what came later is gone. A server on it must be told:
    /// [`Store::forget_snapshot`].
    ///
    /// # Errors
    /// When it can't be written to.
    pub fn put_back(&self, kept: &Kept) -> Result<(), BackupError> {
        match self {
            Location::Sqlite(path) => sqlite::put_back(path, kept),
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
            Self::Sqlite(path) => sqlite::create(path, master, entropy),
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
            Self::Sqlite(path) => sqlite::open(path, master, clock, entropy),
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
            Self::Sqlite(path) => sqlite::rotate_master_key(path, old, new, entropy),
            Self::Postgres(url) => postgres::rotate_master_key(url, old, new, entropy),
        })
    }

    /// Looks at the schema of the database, and changes nothing.
    ///
    /// # Errors
    /// When there is no database, it can't be read, or a newer program made it.
    pub fn schema(&self) -> Result<Schema, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::schema(path),
            Self::Postgres(url) => postgres::schema(url),
        })
    }

    /// Runs the migrations that are due, all or none, and gives what was due. It needs no master key.
    ///
    /// # Errors
    /// When there is no database, it can't be written, or a newer program made it.
    pub fn migrate(&self) -> Result<Schema, OpenError> {
        self.told(match self {
            Self::Sqlite(path) => sqlite::migrate(path),
            Self::Postgres(url) => postgres::migrate(url),
        })
    }

    /// Copies the database to a new file, beside servers that may be writing to it. The master key is not in the copy.
    ///
    /// # Errors
    /// When there is no database, the file is there already or can't be written, or the copy does not pass its check.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<BackedUp, BackupError> {
        match self {
            Self::Sqlite(path) => sqlite::backup(path, to, progress),
            Self::Postgres(url) => postgres::backup(url, to, progress),
        }
    }

    /// Puts a backup in the place of the database, which must not be there, or, as a database on a server, must be empty.
    /// With a time, a file that is there already is kept under a name with it. What is restored is checked as a whole: its
    /// pages, its schema, whether the master key opens it, every chain of its audit.
    ///
    /// # Errors
    /// When somebody works on the database, it is there already, or the backup does not pass its check.
    pub fn restore(
        &self,
        from: &Path,
        master: &MasterKey,
        replace: Option<Timestamp>,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Restored, BackupError> {
        match self {
            Self::Sqlite(path) => sqlite::restore(from, path, master, replace, progress),
            Self::Postgres(url) => postgres::restore(from, url, master, progress),
        }
    }

    /// The same, with a path that is relative to a folder.
    #[must_use]
    pub fn below(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(folder.join(path)),
            postgres @ Self::Postgres(_) => postgres,
        }
    }

    fn told<T>(&self, outcome: Result<T, OpenProblem>) -> Result<T, OpenError> {
        outcome.map_err(|problem| OpenError { location: self.clone(), problem })
    }
}
