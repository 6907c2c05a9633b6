//! Where a database is, and what can be done to it as a whole. The only place that tells the engines apart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::port::{Clock, Entropy, Store};
use serde::{Deserialize, Serialize};
use thiserror::Error;

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
#[error("{location}: {problem}")]
pub struct OpenError {
    location: Location,
    /// What is wrong.
    #[source]
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
    /// The master key does not fit.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A writer's thread could not be started.
    #[error("a writer's thread could not be started: {0}")]
    Thread(std::io::Error),
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
    /// Opens the database, making or migrating it when needed.
    ///
    /// # Errors
    /// When it can't be opened, was made by a newer program, or belongs to another master key.
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
