//! Backups in a folder, made on a schedule and checked. The folder is the only record of them: a file is a backup made at
//! the time in its name.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use directory::port::Clock;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::{BackupError, Location, MasterKey};
use thiserror::Error;

use crate::config::{self, Config};

/// How long after a failure the next attempt waits, unless the schedule is shorter.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// The form of names: `matricula-20261130T120000Z.backup`.
const NAME: &str = "matricula-%Y%m%dT%H%M%SZ.backup";

/// What follows the time in the name of a backup that is not checked yet.
const UNCHECKED: &str = "unchecked";

/// A backup in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// The file.
    pub path: PathBuf,
    /// When it was begun.
    pub made: Timestamp,
    /// Its size.
    pub bytes: u64,
}

/// The backups in a folder, the oldest first. Other files are ignored.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> std::io::Result<Vec<BackupFile>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(made) = entry.file_name().to_str().and_then(time_of) {
            found.push(BackupFile { path: entry.path(), made, bytes: entry.metadata()?.len() });
        }
    }
    found.sort_by_key(|backup| backup.made);
    Ok(found)
}

/// The newest backup in the configured folder that was made at or before a time.
///
/// # Errors
/// When no folder is configured, it cannot be read, or it has no such backup.
pub fn newest(config: &Config, before: Timestamp) -> Result<BackupFile, NoBackup> {
    let folder = &config.backup.as_ref().ok_or(NoBackup::NoFolder)?.folder;
    let mut backups = list(folder).map_err(|source| NoBackup::Folder { folder: folder.clone(), source })?;
    backups.retain(|backup| backup.made <= before);
    backups.pop().ok_or_else(|| NoBackup::None { folder: folder.clone(), before })
}

/// Why there is no newest backup.
#[derive(Debug, Error)]
pub enum NoBackup {
    /// The configuration has no folder.
    #[error("no backup named: name a file, or configure [backup] with the folder of the backups")]
    NoFolder,
    /// The folder cannot be read.
    #[error("{folder}: {source}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The folder has none.
    #[error("{folder} has no backup that was made at or before {before:.0}")]
    None {
        /// The folder.
        folder: PathBuf,
        /// The latest time that was asked for.
        before: Timestamp,
    },
}

fn sync(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// The time in a name, if it is a backup's.
fn time_of(name: &str) -> Option<Timestamp> {
    let at = TimeZone::UTC.to_timestamp(DateTime::strptime(NAME, name).ok()?).ok()?;
    (name_at(at) == name).then_some(at)
}

fn name_at(at: Timestamp) -> String {
    at.strftime(NAME).to_string()
}

/// The schedule, and how it went.
pub(crate) struct Backups {
    settings: config::Backup,
    location: Location,
    master_key: MasterKey,
    /// Held while one is made.
    making: Mutex<()>,
    state: Mutex<State>,
}

/// How backups went.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The newest backup, made by this process or an earlier one.
    pub(crate) newest: Option<BackupFile>,
    /// Attempts of this process that failed.
    pub(crate) failures: u64,
    failed_at: Option<Timestamp>,
}

impl Backups {
    pub(crate) fn new(settings: config::Backup, location: Location, master_key: MasterKey) -> Self {
        Self { settings, location, master_key, making: Mutex::default(), state: Mutex::default() }
    }

    /// From one backup to the next.
    pub(crate) fn every(&self) -> SignedDuration {
        self.settings.every()
    }

    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_state(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Makes a backup if one is due. It blocks for as long as that takes. The outcome is in the log.
    pub(crate) fn make_if_due(&self, clock: &dyn Clock) {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: another call may have made one meanwhile.
        let now = clock.now();
        let config::Backup { folder, .. } = &self.settings;
        let waits = waits(self.state().failed_at, &self.settings, now);
        let newest = match list(folder) {
            // One from the future got its name by hand or while the clock was wrong.
            Ok(backups) => backups.into_iter().rfind(|backup| backup.made <= now),
            Err(error) => {
                if !waits {
                    self.fail(now, &format!("{}: {error}", folder.display()));
                }
                return;
            }
        };
        self.change_state(|state| state.newest.clone_from(&newest));
        if waits || !is_due(newest.map(|backup| backup.made), &self.settings, now) {
            return;
        }
        if let Err(error) = self.make(now) {
            self.fail(now, &error.to_string());
        }
    }

    fn fail(&self, now: Timestamp, error: &str) {
        tracing::error!(
            error,
            "no backup was made: the newest one gets older. It is tried again within an hour"
        );
        self.change_state(|state| {
            state.failures += 1;
            state.failed_at = Some(now);
        });
    }

    fn make(&self, now: Timestamp) -> Result<(), BackupError> {
        self.remove_unfinished();
        let path = self.settings.folder.join(name_at(now));
        // Only a checked file has the name of a backup.
        let unchecked = path.with_extension(UNCHECKED);
        self.location.backup(&unchecked, &mut |_| {})?;
        let checked = self.location.check_backup(&unchecked, &self.master_key)?;
        let failed = |source| BackupError::File { path: path.clone(), source };
        std::fs::rename(&unchecked, &path).and_then(|()| sync(&self.settings.folder)).map_err(failed)?;
        tracing::info!(
            file = %path.display(), bytes = checked.bytes, audit_events = checked.events, "backup made and checked"
        );
        let newest = BackupFile { path, made: now, bytes: checked.bytes };
        self.change_state(|state| {
            state.newest = Some(newest);
            state.failed_at = None;
        });
        self.remove_old();
        Ok(())
    }

    /// Deletes what killed processes left: their backups have other names than the one that follows.
    fn remove_unfinished(&self) {
        let entries = std::fs::read_dir(&self.settings.folder).into_iter().flatten().flatten();
        for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
            let Some((begin, rest)) = name.split_once('.') else { continue };
            if time_of(&format!("{begin}.backup")).is_none() || !rest.starts_with(UNCHECKED) {
                continue;
            }
            // What is left is tried again before the next backup.
            let unchecked = self.settings.folder.join(format!("{begin}.{UNCHECKED}"));
            let _ = store::remove_unfinished(&unchecked);
            let _ = std::fs::remove_file(unchecked);
        }
    }

    /// Deletes all but the newest. Only after a good one was made: a broken schedule must not delete the last good ones.
    fn remove_old(&self) {
        let backups = list(&self.settings.folder).unwrap_or_default();
        let old = backups.len().saturating_sub(self.settings.keep);
        for backup in &backups[..old] {
            let file = backup.path.display();
            match std::fs::remove_file(&backup.path) {
                Ok(()) => tracing::info!(%file, "old backup deleted"),
                Err(error) => tracing::warn!(%file, %error, "could not delete an old backup"),
            }
        }
    }
}

/// Whether a backup is due: the newest one is as old as the schedule says.
fn is_due(newest: Option<Timestamp>, settings: &config::Backup, now: Timestamp) -> bool {
    newest.is_none_or(|made| now.duration_since(made) >= settings.every())
}

/// Whether an attempt has failed just now.
fn waits(failed_at: Option<Timestamp>, settings: &config::Backup, now: Timestamp) -> bool {
    failed_at.is_some_and(|at| now.duration_since(at).abs() < AGAIN.min(settings.every()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_a_time() {
        let made = at("2026-11-30T12:05:09Z");
        assert_eq!(name_at(made), "matricula-20261130T120509Z.backup");
        assert_eq!(time_of(&name_at(made)), Some(made));
        for other in [
            "matricula-20261130T120509Z.backup.4711.part",
            "matricula-20261330T120509Z.backup",
            "matricula-2026113T120509Z.backup",
            "matricula.db",
        ] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_backup_is_due_by_the_newest_and_after_a_failure() {
        let settings = config::Backup { every_hours: 6, ..config::Backup::new("b") };
        let now = at("2026-11-30T12:00:00Z");
        let due = |newest: Option<&str>, failed: Option<&str>| {
            !waits(failed.map(at), &settings, now) && is_due(newest.map(at), &settings, now)
        };
        assert!(due(None, None));
        assert!(!due(Some("2026-11-30T06:00:01Z"), None));
        assert!(due(Some("2026-11-30T06:00:00Z"), None));
        assert!(!due(None, Some("2026-11-30T11:30:00Z")));
        assert!(due(None, Some("2026-11-30T11:00:00Z")));
    }
}
