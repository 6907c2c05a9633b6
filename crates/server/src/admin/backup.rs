//! Backups of a configuration's database.

use std::path::Path;

pub use store::{BackedUp, BackupError, Restored, Step};
use thiserror::Error;

use crate::config::{Config, ConfigError};
use crate::system::System;

/// Why a backup could not be restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The master key can't be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The backup, or the place for it.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Copies the database to a new file, also while a server is running on it. It needs no master key, and none is in
/// the copy.
///
/// # Errors
/// When there is no database, the file already exists, or the copy fails its check.
pub fn backup(config: &Config, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<BackedUp, BackupError> {
    config.store.backup(to, progress)
}

/// Puts a backup where the configuration has its database, after checking it with the configuration's master key. With
/// `replace`, an existing database is kept under a dated name.
///
/// # Errors
/// When a server runs on the database, it already exists, or the backup fails its check.
pub fn restore(
    config: &Config,
    from: &Path,
    replace: bool,
    system: &System,
    progress: &mut dyn FnMut(Step),
) -> Result<Restored, RestoreError> {
    let replace = replace.then(|| system.clock.now());
    Ok(config.store.restore(from, &config.master_key()?, replace, progress)?)
}
