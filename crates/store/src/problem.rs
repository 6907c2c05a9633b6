//! Problems of a database that cannot be opened.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::draft::{PART, is_draft};
use crate::vault::VaultError;

/// Why a database cannot be opened.
#[derive(Debug, Error)]
pub enum OpenProblem {
    /// The engine's own error.
    #[error("{0}")]
    Engine(Box<dyn std::error::Error + Send + Sync>),
    /// A newer version made the database.
    #[error("has schema {found} of a newer Matricula; this version supports schemas up to {known}")]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// The database does not exist.
    #[error(
        "was not found: check `store` in the configuration, and whether its disk is mounted. `matricula admin account \
         create` or `matricula serve --create` creates a new, empty directory"
    )]
    Missing,
    /// The database does not exist, but files that belong to one do.
    #[error("was not found, but {file} exists, {what}", file = .file.display())]
    Leftover {
        /// The file.
        file: PathBuf,
        /// Its kind, which says what can be done.
        what: Left,
    },
    /// The file is empty: a copy was interrupted, or something emptied it.
    #[error(
        "is an empty file: restore a backup with `matricula restore FROM_FILE --replace`, or delete the file \
         to create a new directory"
    )]
    Empty,
    /// The file is not a Matricula database, or only a part of one.
    #[error(
        "is not a Matricula database, or was copied without the -wal file that belongs to it: restore a backup with \
         `matricula restore FROM_FILE --replace`"
    )]
    Foreign,
    /// Others can read a file, and this process can't change that.
    #[error("{path} can be read by other users of this machine, and its mode can't be changed: run chmod 600 on it", path = .0.display())]
    Exposed(PathBuf),
    /// A restore is replacing it.
    #[error("is being restored: wait until the restore has finished")]
    BeingRestored,
    /// A file of the database can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The master key is wrong or unreadable.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database or a pooler gives too few connections.
    #[error(
        "gives {found} connections at the same time, and a node needs {needed} ({cause}): raise max_connections of \
         PostgreSQL; for a pooler in session mode, set default_pool_size to {needed} for each node, or use transaction mode"
    )]
    Connections {
        /// Connections that were opened.
        found: usize,
        /// Connections of a node.
        needed: usize,
        /// The error of the next one.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A writer's thread could not be started.
    #[error("could not start a writer thread: {0}")]
    Thread(std::io::Error),
}

/// The files that an earlier database left, most informative first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Its log, with the last writes.
    Log,
    /// A database that a restore renamed with the time.
    SavedState,
    /// An unfinished restore.
    Restore,
}

impl Left {
    /// The kind by the suffix after the database's name.
    pub(crate) fn by_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "-wal" | "-journal" => Some(Self::Log),
            _ if is_draft(suffix, PART) => Some(Self::Restore),
            _ => {
                let digit = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
                let shape: Vec<u8> = suffix.bytes().map(digit).collect();
                (shape == b".00000000T000000Z").then_some(Self::SavedState)
            }
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => {
                "with its latest writes: move the database back to it, or restore a backup with \
                 `matricula restore FROM_FILE --replace`"
            }
            Self::SavedState => {
                "an earlier database kept by a restore: rename it back, or restore a backup with `matricula restore`. To \
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

    /// Whether the name alone says something about the database.
    pub(crate) fn is_predicate(&self) -> bool {
        matches!(
            self,
            Self::Newer { .. }
                | Self::Missing
                | Self::Leftover { .. }
                | Self::Empty
                | Self::Foreign
                | Self::BeingRestored
                | Self::Connections { .. }
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
