//! A backup put in the place of a database: checked first, and nothing that was there is lost.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::backup::{check, close, copy, file_error};
use super::in_use::InUse;
use crate::backup::{BackupError, Restored, Step, whole};
use crate::draft::{Draft, sync_folder, with_suffix};
use crate::tables::read;
use crate::vault::{MasterKey, Vault};

/// What the engine keeps beside a database, and would apply to whatever stands there.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Copies a backup to where a database belongs. What is copied is checked as a whole before anything is touched: its
/// pages, its schema, whether the master key opens it, every chain of its audit. A database that is there already is
/// kept under a name with the time that is given, and is an error without one.
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
    let draft = Draft::of(database).map_err(|source| file_error((database.to_owned(), source)))?;
    let (copy, bytes) = copy(from, draft.path(), progress)?;
    progress(Step::Checking);
    let schema = check(&copy, from, "integrity_check")?;
    let events = verify(&copy, from, master)?;
    close(copy, from)?;
    let kept = replace.map(|at| move_away(database, at)).transpose()?.flatten();
    draft.name(database).map_err(|source| file_error((database.to_owned(), source)))?;
    Ok(Restored { bytes, schema, events, kept })
}

/// Opens the ring with the master key, and walks along every chain of the audit. Gives how many events there are.
fn verify(copy: &Connection, of: &Path, master: &MasterKey) -> Result<u64, BackupError> {
    let engine =
        |error: crate::session::Error| BackupError::Engine { path: of.to_owned(), source: error.source };
    let ring = read::ring(copy).map_err(engine)?;
    let vault =
        Vault::open(master, &ring).map_err(|source| BackupError::Vault { path: of.to_owned(), source })?;
    whole(of, &read::audit::verify(copy, &vault).map_err(engine)?)
}

/// Moves a database and what belongs to it to a name with the time.
fn move_away(database: &Path, at: Timestamp) -> Result<Option<PathBuf>, BackupError> {
    let kept = with_suffix(database, &at.strftime(".%Y%m%dT%H%M%SZ").to_string());
    if kept.exists() {
        return Err(BackupError::Exists(kept));
    }
    let mut moved = None;
    // The database first: should the machine stop in between, then none is there, and nobody goes on with one that
    // lost its log.
    for suffix in std::iter::once("").chain(BESIDE) {
        let (from, to) = (with_suffix(database, suffix), with_suffix(&kept, suffix));
        if from.exists() {
            std::fs::rename(&from, to).map_err(|source| file_error((from, source)))?;
            moved = Some(kept.clone());
        }
    }
    sync_folder(database).map_err(|source| file_error((database.to_owned(), source)))?;
    Ok(moved)
}
