//! Whether anybody works on a database: a lock on a file beside it, which the system takes back when a process ends,
//! however it ends. On a file of its own, because the database's file is another one after a restore.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::draft::with_suffix;
use crate::location::OpenProblem;

/// What whoever works on a database holds meanwhile. Nothing is ever written into the file, and it stays.
pub(super) struct InUse {
    _lock: File,
}

impl InUse {
    /// Beside others that work on it, such as a server and `matricula admin`. `None`: somebody has it for himself.
    pub(super) fn shared(database: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::lock(database, File::try_lock_shared)
    }

    /// The same, for whoever can't go on without.
    pub(super) fn beside_others(database: &Path) -> Result<Self, OpenProblem> {
        let in_use = Self::shared(database).map_err(|(path, source)| OpenProblem::Lock { path, source })?;
        in_use.ok_or(OpenProblem::BeingRestored)
    }

    /// Alone, to put another file in its place. `None`: somebody works on it.
    pub(super) fn alone(database: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::lock(database, File::try_lock)
    }

    fn lock(
        database: &Path,
        lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let path = with_suffix(database, ".lock");
        let failed = |source| (path.clone(), source);
        let file = match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
            // Made by a server under another user; one who can read it can lock it.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(&path),
            file => file,
        };
        let file = file.map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
