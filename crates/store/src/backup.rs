//! The common part of backups.

use std::io;
use std::path::{Path, PathBuf};

use directory::port::ChainReport;
use thiserror::Error;

use crate::draft::{COPY, PART, remove_dead};
use crate::vault::VaultError;

/// Why a database could not be backed up or restored. It is unchanged in every case.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The database does not exist.
    #[error("{0} not found")]
    Missing(PathBuf),
    /// A file of this name would be overwritten.
    #[error("{0} already exists and is not overwritten: name another file")]
    Exists(PathBuf),
    /// The name belongs to the database's own files.
    #[error("{0} is a name that the database uses next to its file, and may remove: name another file")]
    Reserved(PathBuf),
    /// The database already exists.
    #[error("{0} already exists. Use --replace to rename it and restore the backup in its place")]
    WouldReplace(PathBuf),
    /// Files of an earlier database would become part of the restored one.
    #[error("{0} was left by another database. Use --replace to rename it")]
    Leftover(PathBuf),
    /// The database is in use.
    #[error("{0} is in use by a server or another command: stop it first")]
    InUse(PathBuf),
    /// A restore is replacing it.
    #[error("{0} is being restored: wait until the restore has finished")]
    BeingRestored(PathBuf),
    /// The file is not a Matricula database.
    #[error("{0} is not a Matricula database")]
    Foreign(PathBuf),
    /// A newer version made it.
    #[error("{path} has schema {found} of a newer Matricula; this version supports schemas up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// Its pages are corrupt.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first error.
        what: String,
    },
    /// Its audit is broken.
    #[error("the audit in {path} is broken: {what}")]
    Audit {
        /// The file.
        path: PathBuf,
        /// The chain and the position.
        what: String,
    },
    /// It belongs to another master key.
    #[error("{path}: {source}")]
    Vault {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VaultError,
    },
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The group.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program of the engine failed or is missing.
    #[error("{program}: {what}")]
    Program {
        /// The group.
        program: &'static str,
        /// Its message.
        what: String,
    },
    /// The target database is not empty.
    #[error("{0} is not empty: restore into an empty database, then set `store` to it")]
    NotEmpty(String),
    /// The engine's own error.
    #[error("{path}: {source}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// The engine's message.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes copied, of the total.
    Copied(u64, u64),
    /// All bytes are copied; the copy is being checked.
    Checking,
}

/// A completed backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Size of the file.
    pub bytes: u64,
    /// Its schema.
    pub schema: i64,
}

/// A backup that was checked where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Size of the file.
    pub bytes: u64,
    /// Events of its audit, all verified. `None`: only a restore can verify them, as in a dump of PostgreSQL.
    pub events: Option<u64>,
}

/// A completed restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Size of the database.
    pub bytes: u64,
    /// Its schema. Opening it migrates an older one.
    pub schema: i64,
    /// Events of its audit, all verified.
    pub events: u64,
    /// The new location of the previous database.
    pub kept: Option<PathBuf>,
}

/// Deletes what killed processes left of a backup at this path.
///
/// # Errors
/// When the folder can't be read.
pub fn remove_unfinished(backup: &Path) -> io::Result<()> {
    [PART, COPY].into_iter().try_for_each(|ends| remove_dead(backup, ends))
}

/// Checks the chains of a backup's audit, and gives the number of events.
pub(crate) fn whole(of: &Path, chains: &[ChainReport]) -> Result<u64, BackupError> {
    for chain in chains {
        if let Some(broken) = &chain.broken {
            let what = format!("chain {}: {broken}", chain.chain);
            return Err(BackupError::Audit { path: of.to_owned(), what });
        }
    }
    Ok(chains.iter().map(|chain| chain.events).sum())
}
