//! Restores a backup: it is checked first, and nothing that existed is lost.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::backup::{check, close, copy, engine_error, file_error};
use super::in_use::InUse;
use crate::backup::{BackupError, Checked, Restored, Step, whole};
use crate::draft::{BESIDE, Draft, PART, has_no_second_names, second_name, sync_folder, with_suffix};
use crate::tables::read;
use crate::vault::{MasterKey, Vault};

/// Copies a backup to the location of a database. The copy is checked before anything is changed: its pages, its
/// schema, its master key, and every chain of its audit. An existing database is renamed with the given time, and is an
/// error without one.
pub(crate) fn restore(
    from: &Path,
    database: &Path,
    master: &MasterKey,
    replace: Option<Timestamp>,
    progress: &mut dyn FnMut(Step),
) -> Result<Restored, BackupError> {
    if !from.exists() {
        return Err(BackupError::Missing(from.to_owned()));
    }
    let alone = InUse::alone(database).map_err(file_error)?;
    let _alone = alone.ok_or_else(|| BackupError::InUse(database.to_owned()))?;
    if replace.is_none() {
        if database.exists() {
            return Err(BackupError::WouldReplace(database.to_owned()));
        }
        let left = BESIDE.iter().map(|suffix| with_suffix(database, suffix)).find(|path| path.exists());
        if let Some(left) = left {
            return Err(BackupError::Leftover(left));
        }
    }
    let failed = |source| file_error((database.to_owned(), source));
    let draft = Draft::of(database, PART).map_err(failed)?.for_owner_of_folder();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(|source| engine_error(from, source))?;
    let (copy, bytes) = copy(&source, from, draft.path(), progress)?;
    progress(Step::Checking);
    let schema = check(&copy, from, "integrity_check")?;
    let events = verify(&copy, from, master)?;
    close(copy, from)?;
    let kept = replace.map(|at| keep(database, at)).transpose()?.flatten();
    if database.exists() { draft.replace(database) } else { draft.name(database) }.map_err(failed)?;
    Ok(Restored { bytes, schema, events, kept })
}

/// Checks a backup where it is.
pub(crate) fn check_backup(from: &Path, master: &MasterKey) -> Result<Checked, BackupError> {
    let bytes = std::fs::metadata(from).map_err(|source| file_error((from.to_owned(), source)))?.len();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let backup = Connection::open_with_flags(from, flags).map_err(|source| engine_error(from, source))?;
    check(&backup, from, "quick_check")?;
    let events = verify(&backup, from, master)?;
    Ok(Checked { bytes, events: Some(events) })
}

/// Opens the ring with the master key, and verifies every chain of the audit. Gives the number of events.
fn verify(copy: &Connection, of: &Path, master: &MasterKey) -> Result<u64, BackupError> {
    let engine =
        |error: crate::session::Error| BackupError::Engine { path: of.to_owned(), source: error.source };
    let ring = read::ring(copy).map_err(engine)?;
    let vault =
        Vault::open(master, &ring).map_err(|source| BackupError::Vault { path: of.to_owned(), source })?;
    whole(of, &read::audit::verify(copy, &vault).map_err(engine)?)
}

/// Renames a database with the time. It also keeps its own name until the restored one replaces it in one step, so that
/// a database exists at any moment; except for one that is too corrupt to be complete without its log.
fn keep(database: &Path, at: Timestamp) -> Result<Option<PathBuf>, BackupError> {
    let kept = with_suffix(database, &at.strftime(".%Y%m%dT%H%M%SZ").to_string());
    if kept.exists() {
        return Err(BackupError::Exists(kept));
    }
    if !database.exists() {
        return move_away(database, &kept);
    }
    if !take_in_log(database)? {
        return move_away(database, &kept);
    }
    match second_name(database, &kept) {
        Ok(()) => Ok(Some(kept)),
        Err(error) if has_no_second_names(&error) => move_away(database, &kept),
        Err(source) => Err(file_error((kept, source))),
    }
}

/// Checkpoints the log of a database into it and deletes the log. `false`: it is too corrupt for that.
fn take_in_log(database: &Path) -> Result<bool, BackupError> {
    let moved = || {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // The first read rolls an interrupted transaction back.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    };
    let moved: rusqlite::Result<()> = moved();
    let log = with_suffix(database, "-wal").exists();
    match moved {
        Ok(()) if log => Err(BackupError::InUse(database.to_owned())),
        moved => Ok(moved.is_ok()),
    }
}

/// Renames a database and the files that belong to it.
fn move_away(database: &Path, kept: &Path) -> Result<Option<PathBuf>, BackupError> {
    let mut moved = None;
    // The database first: if the machine stops in between, the next start fails because it is missing, instead of using
    // it without its log.
    for suffix in std::iter::once("").chain(BESIDE) {
        let (from, to) = (with_suffix(database, suffix), with_suffix(kept, suffix));
        if from.exists() {
            std::fs::rename(&from, to).map_err(|source| file_error((from, source)))?;
            moved = Some(kept.to_owned());
        }
    }
    sync_folder(database).map_err(|source| file_error((database.to_owned(), source)))?;
    Ok(moved)
}
