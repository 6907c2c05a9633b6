//! Backup and restore of the configured database.

use std::path::Path;

pub use store::{BackedUp, BackupError, Restored, Step};
use thiserror::Error;

use crate::config::{Config, ConfigError};
use crate::system::System;

/// Why a backup could not be restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The master key cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The backup or its target cannot be used.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Copies the database to a new file, also while a server uses it. Needs no master key, and the copy contains none.
///
/// # Errors
/// When the database does not exist, the file already exists, or the copy is corrupt.
pub fn backup(config: &Config, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<BackedUp, BackupError> {
    config.store.backup(to, progress)
}

/// Checks a backup with the configured master key and restores it as the configured database. With `replace`, an
/// existing database is renamed with a date.
///
/// # Errors
/// When a server uses the database, it already exists, or the backup is corrupt.
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
