//! What the engines share of backups.

use std::io;
use std::path::{Path, PathBuf};

use directory::port::ChainReport;
use thiserror::Error;

use crate::vault::VaultError;

/// Why a database could not be backed up or restored. In every case what was there before is there still.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is nothing to be copied.
    #[error("{0} not found")]
    Missing(PathBuf),
    /// A file of this name would be overwritten.
    #[error("{0} already exists and is not overwritten: name another file")]
    Exists(PathBuf),
    /// The name belongs to the database's own files.
    #[error("{0} is a name that the database uses next to its file, and may remove: name another file")]
    Reserved(PathBuf),
    /// A database would be replaced.
    #[error("{0} already exists. Use --replace to rename it and restore the backup in its place")]
    WouldReplace(PathBuf),
    /// What an earlier database left would be taken for a part of the restored one.
    #[error("{0} was left by another database. Use --replace to rename it")]
    Leftover(PathBuf),
    /// Somebody works on the database.
    #[error("{0} is in use by a server or another command: stop it first")]
    InUse(PathBuf),
    /// It is being replaced by a backup.
    #[error("{0} is being restored: wait until the restore has finished")]
    BeingRestored(PathBuf),
    /// The file is something else.
    #[error("{0} is not a Matricula database")]
    Foreign(PathBuf),
    /// A newer program made it.
    #[error("{path} has schema {found} of a newer Matricula; this version supports schemas up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// Its pages do not fit together.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong.
        what: String,
    },
    /// Its audit was tampered with, or damaged.
    #[error("the audit in {path} is broken: {what}")]
    Audit {
        /// The file.
        path: PathBuf,
        /// Which chain, and where.
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
    /// A file can't be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program of the engine failed or is missing.
    #[error("{program}: {what}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        what: String,
    },
    /// The database that a backup is to be put into holds something.
    #[error("{0} is not empty: restore into an empty database, then set `store` to it")]
    NotEmpty(String),
    /// The engine's own error.
    #[error("{path}: {source}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What the engine says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes copied, of so many.
    Copied(u64, u64),
    /// All are copied, and are being checked.
    Checking,
}

/// A backup that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Size of the file.
    pub bytes: u64,
    /// Its schema.
    pub schema: i64,
}

/// A backup that was put in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Size of the database.
    pub bytes: u64,
    /// Its schema. An older one is brought up when it is opened.
    pub schema: i64,
    /// Events of its audit, all verified.
    pub events: u64,
    /// The new location of the previous database.
    pub kept: Option<PathBuf>,
}

/// Fails when a chain of a backup's audit is broken, else gives how many events there are.
pub(crate) fn whole(of: &Path, chains: &[ChainReport]) -> Result<u64, BackupError> {
    for chain in chains {
        if let Some(broken) = &chain.broken {
            let what = format!("chain {}: {broken}", chain.chain);
            return Err(BackupError::Audit { path: of.to_owned(), what });
        }
    }
    Ok(chains.iter().map(|chain| chain.events).sum())
}
