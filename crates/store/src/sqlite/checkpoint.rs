//! Checkpoints the write-ahead log on a separate thread, so that no write waits for it. By default SQLite lets the
//! commit that fills the log move all of it, and for tens of milliseconds nothing else is written.
//!
//! The thread moves most pages while the writer goes on; the writer then moves the few that came since. When all are
//! moved, the next commit restarts the log in the existing file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use rusqlite::Connection;

/// Pages in the log at which a checkpoint begins: half of its allocated size, so that the rest lasts until it is done.
const BEGIN: i32 = super::writer::WAL_PAGES as i32 / 2;

/// The writer's side.
pub(super) struct Rest(Arc<State>);

struct State {
    /// Pages at which the next checkpoint begins.
    next: AtomicI32,
    /// Whether the thread has moved its part.
    rest: AtomicBool,
}

/// The thread. Drop it after the writer's connection: it waits for the thread's end, so that the next program finds the
/// database without a log.
pub(super) struct Mover {
    thread: Option<JoinHandle<()>>,
    /// The thread ends when this is dropped, after the writer's connection has closed: two connections that close at
    /// the same time each take the other for open, and neither deletes the log.
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
            // Full: the thread is already awake.
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
                    // While a reader holds the log, it grows; then a checkpoint only runs again after as many pages.
                    shared.next.store(pages.saturating_add(BEGIN), Ordering::Relaxed);
                    shared.rest.store(true, Ordering::Relaxed);
                }
                Err(error) => tracing::warn!(%error, "could not checkpoint the write-ahead log; it grows"),
            }
        }
        // The writer is closed. Another program may have the database open, so this must not block it for long.
        if let Err(error) = move_pages(&mover) {
            tracing::warn!(%error, "could not checkpoint the write-ahead log at shutdown: it belongs to the database");
        }
    });
    if let Err(error) = &thread {
        // Without the thread the log only grows, so fall back to SQLite's own checkpoints.
        tracing::warn!(%error, "could not start the checkpoint thread");
        writer.pragma_update(None, "wal_autocheckpoint", super::writer::WAL_PAGES)?;
    }
    Ok((Rest(state), Mover { thread: thread.ok(), wake: Some(held) }))
}

impl Rest {
    /// Runs between two transactions: moves the pages that came after the thread's part.
    pub(super) fn move_if_due(&self, writer: &Connection) {
        if !self.0.rest.swap(false, Ordering::Relaxed) {
            return;
        }
        match move_pages(writer) {
            // All pages are moved: the next commit restarts the log.
            Ok((pages, moved)) if moved >= pages => self.0.next.store(BEGIN, Ordering::Relaxed),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "could not checkpoint the rest of the write-ahead log; it grows");
            }
        }
    }
}

/// Checkpoints without waiting: gives the pages in the log, and how many of them were moved.
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
        // The thread waits for work until this is dropped.
        assert_eq!(mover.wake.as_ref().unwrap().send(()), Ok(()));
        assert!(log.exists());
        drop(mover);
        assert!(!log.exists());
    }
}
