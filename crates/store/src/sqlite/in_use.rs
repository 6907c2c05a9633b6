//! Whether anybody works on a database: a lock on a file beside it, which the system takes back when a process ends,
//! however it ends. On a separate file, because a restore replaces the database file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::draft::with_suffix;
use crate::problem::OpenProblem;

/// The lock that every user of a database holds. Nothing is ever written into the file, and it stays.
pub(super) struct InUse {
    lock: File,
}

impl Drop for InUse {
    fn drop(&mut self) {
        // A process that is being started just now has a copy of the file until it is another program, and with it the lock.
        let _ = self.lock.unlock();
    }
}

impl InUse {
    /// Beside others that work on it, such as a server and `matricula admin`. `None`: somebody has it for himself.
    pub(super) fn shared(database: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::lock(database, File::try_lock_shared)
    }

    /// The same, but an error if it is taken.
    pub(super) fn beside_others(database: &Path) -> Result<Self, OpenProblem> {
        let in_use = Self::shared(database).map_err(|(path, source)| OpenProblem::File { path, source })?;
        in_use.ok_or(OpenProblem::BeingRestored)
    }

    /// Alone, to put another file in its place. `None`: somebody works on it.
    pub(super) fn alone(database: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::lock(database, File::try_lock)
    }

    /// Whether somebody has it alone. Creates nothing.
    pub(super) fn is_held_alone(database: &Path) -> bool {
        let lock = File::open(path_of(database));
        lock.is_ok_and(|lock| {
            let held = matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock));
            let _ = lock.unlock();
            held
        })
    }

    fn lock(
        database: &Path,
        lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let path = path_of(database);
        let failed = |source| (path.clone(), source);
        let file = match OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path) {
            // Made by a server under another user; one who can read it can lock it.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(&path),
            file => file,
        };
        let file = file.map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

fn path_of(database: &Path) -> PathBuf {
    with_suffix(database, ".lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_although_a_child_process_holds_a_copy_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("matricula.db");
        let in_use = InUse::alone(&database).unwrap().unwrap();
        // What a child process has between fork and exec.
        let copy = in_use.lock.try_clone().unwrap();
        assert!(InUse::is_held_alone(&database));
        drop(in_use);
        assert!(InUse::alone(&database).unwrap().is_some());
        drop(copy);
    }
}
