//! Whether a database is in use: a lock on a separate file, which the system releases when a process ends for any
//! reason. The file is separate because a restore replaces the database file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::draft::{give_to_owner_of_folder, with_suffix};
use crate::problem::OpenProblem;

/// The lock that every user of a database holds. Nothing is ever written into the file, and it stays.
pub(super) struct InUse {
    lock: File,
}

impl Drop for InUse {
    fn drop(&mut self) {
        // A process that is just being started shares the file, and so the lock, until it runs another program.
        let _ = self.lock.unlock();
    }
}

impl InUse {
    /// Takes the lock shared, with others such as a server and `matricula admin`. `None`: somebody holds it
    /// exclusively.
    pub(super) fn shared(database: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::lock(database, File::try_lock_shared)
    }

    /// The same, but an error if somebody holds it exclusively.
    pub(super) fn beside_others(database: &Path) -> Result<Self, OpenProblem> {
        let in_use = Self::shared(database).map_err(|(path, source)| OpenProblem::File { path, source })?;
        in_use.ok_or(OpenProblem::BeingRestored)
    }

    /// Takes the lock exclusively, to replace the database. `None`: the database is in use.
    pub(super) fn alone(database: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::lock(database, File::try_lock)
    }

    /// Whether somebody holds it exclusively. Creates nothing.
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
        let file = open_or_create(&path).map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    let mut write = OpenOptions::new();
    let opened = match write.write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            give_to_owner_of_folder(&file, path);
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => write.create_new(false).open(path),
        Err(error) => Err(error),
    };
    match opened {
        // Created by a server under another user; read access is enough to lock it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
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
        // What a child process holds between fork and exec.
        let copy = in_use.lock.try_clone().unwrap();
        assert!(InUse::is_held_alone(&database));
        drop(in_use);
        assert!(InUse::alone(&database).unwrap().is_some());
        drop(copy);
    }
}
