//! The state of a database, saved in memory and restored: for tests, while others have the database open.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::backup::engine_error;
use super::open_reader;
use crate::backup::BackupError;

/// The state of a database at a moment.
pub struct SavedState(Mutex<Connection>);

/// How long to wait for a writer.
const PAUSE: Duration = Duration::from_millis(1);

/// Saves the state.
pub(crate) fn save_state(path: &Path) -> Result<SavedState, BackupError> {
    let engine = |source| engine_error(path, source);
    let source = open_reader(path).map_err(engine)?;
    let mut memory = Connection::open_in_memory().map_err(engine)?;
    copy(&source, &mut memory).map_err(engine)?;
    Ok(SavedState(Mutex::new(memory)))
}

/// Restores the state; later changes are lost.
pub(crate) fn restore_state(path: &Path, kept: &SavedState) -> Result<(), BackupError> {
    let engine = |source| engine_error(path, source);
    let mut target = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(engine)?;
    let memory = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    copy(&memory, &mut target).map_err(engine)
}

/// In one step, and so atomically.
fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            // A writer is in the middle of a transaction.
            _ => {
                #[expect(clippy::disallowed_methods, reason = "the engine tells nobody that a lock is free")]
                std::thread::sleep(PAUSE);
            }
        }
    }
}
