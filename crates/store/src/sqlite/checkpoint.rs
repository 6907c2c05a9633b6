//! Moves the write-ahead log into the database beside the writer, so that nobody waits for it. SQLite's own way is to let
//! the commit that fills the log move all of it: for tens of milliseconds nothing else is written.
//!
//! A thread moves what has gathered while the writer goes on; the writer then moves the little that has come since, and
//! with everything moved, the next commit restarts the log in the existing file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use rusqlite::Connection;

/// Pages in the log at which a move begins: half of its room, so that the rest lasts until it is done.
const BEGIN: i32 = super::writer::WAL_PAGES as i32 / 2;

/// The writer's side.
pub(super) struct Rest(Arc<State>);

struct State {
    /// Pages at which the next move begins.
    next: AtomicI32,
    /// Whether there is only a rest left to be moved.
    rest: AtomicBool,
}

/// The thread. To be dropped after the writer's connection is closed: this waits for the thread's end, and the next program
/// that opens the database finds it without a log.
pub(super) struct Mover {
    thread: Option<JoinHandle<()>>,
    /// The thread lives as long as this. The writer's hook goes while its connection is being closed: two connections that
    /// are closed at the same time each take the other one for open, and then neither removes the log.
    wake: Option<Sender<()>>,
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread.
pub(super) fn start(writer: &mut Connection, mover: Connection) -> rusqlite::Result<(Rest, Mover)> {
    let state = Arc::new(State { next: AtomicI32::new(BEGIN), rest: AtomicBool::new(false) });
    let (wake, woken) = crossbeam_channel::bounded(1);
    let watch = Arc::clone(&state);
    let held = Sender::clone(&wake);
    // Off, because the hook below takes its place.
    writer.pragma_update(None, "wal_autocheckpoint", 0)?;
    writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
        if pages >= watch.next.load(Ordering::Relaxed) {
            // Full: it is awake already.
            let _ = wake.try_send(());
        }
        Ok(())
    }))?;
    let shared = Arc::clone(&state);
    let thread = std::thread::Builder::new().name("store-checkpoint".to_owned());
    let thread = thread.spawn(move || {
        for () in woken {
            match move_pages(&mover) {
                Ok((pages, _)) => {
                    // Where a reader holds on to the log it grows on; then this is done again only for what is worth it.
                    shared.next.store(pages.saturating_add(BEGIN), Ordering::Relaxed);
                    shared.rest.store(true, Ordering::Relaxed);
                }
                Err(error) => tracing::warn!(%error, "could not checkpoint the write-ahead log; it grows"),
            }
        }
        // The writer is closed. Should another program have the database open, then nobody may close it for long.
        if let Err(error) = move_pages(&mover) {
            tracing::warn!(%error, "could not checkpoint the write-ahead log at shutdown: it belongs to the database");
        }
    });
    if let Err(error) = &thread {
        // Without the thread the log only grows: better to write as SQLite does.
        tracing::warn!(%error, "could not start the checkpoint thread");
        writer.pragma_update(None, "wal_autocheckpoint", super::writer::WAL_PAGES)?;
    }
    Ok((Rest(state), Mover { thread: thread.ok(), wake: Some(held) }))
}

impl Rest {
    /// Between two transactions: moves what has come since the thread moved the bulk.
    pub(super) fn move_if_due(&self, writer: &Connection) {
        if !self.0.rest.swap(false, Ordering::Relaxed) {
            return;
        }
        match move_pages(writer) {
            // Everything is moved: the next commit restarts the log.
            Ok((pages, moved)) if moved >= pages => self.0.next.store(BEGIN, Ordering::Relaxed),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the rest of could not checkpoint the write-ahead log; it grows");
            }
        }
    }
}

/// Moves what can be moved without waiting for anybody: pages in the log, and how many of them were moved.
fn move_pages(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open_writer;

    #[test]
    fn the_log_goes_with_the_last_connection_which_is_the_movers() {
        let folder = tempfile::tempdir().unwrap();
        let (database, log) = (folder.path().join("matricula.db"), folder.path().join("matricula.db-wal"));
        std::fs::write(&database, "").unwrap();
        let mut writer = open_writer(&database).unwrap();
        let (rest, mover) = start(&mut writer, open_writer(&database).unwrap()).unwrap();
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        drop((rest, writer));
        // It waits for more until it is dropped.
        assert_eq!(mover.wake.as_ref().unwrap().send(()), Ok(()));
        assert!(log.exists());
        drop(mover);
        assert!(!log.exists());
    }
}
