//! `[backup]`: backups that the server makes.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Backups that the server makes. `[ours]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The folder for them; it must exist, so that a disk that is not mounted is an error.
    pub folder: PathBuf,
    /// Hours from one backup to the next.
    #[serde(default = "default_every_hours")]
    pub every_hours: u32,
    /// Number of backups to keep. Older ones are deleted after a new one was made and checked.
    #[serde(default = "default_keep")]
    pub keep: usize,
}

fn default_every_hours() -> u32 {
    24
}

fn default_keep() -> usize {
    14
}

impl Backup {
    /// In this folder; everything else by default.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), every_hours: default_every_hours(), keep: default_keep() }
    }

    /// Resolves a relative path against a folder.
    pub(super) fn below(self, folder: &Path) -> Self {
        Self { folder: folder.join(self.folder), ..self }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.every_hours == 0 || self.keep == 0 {
            return Err(ConfigError::Setting("backup.every_hours and backup.keep must be at least 1"));
        }
        Ok(())
    }

    /// From one backup to the next.
    pub fn every(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.every_hours))
    }
}
