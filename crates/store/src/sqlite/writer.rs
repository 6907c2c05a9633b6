//! The connection that writes.

use std::sync::Arc;

use directory::port::Entropy;
use rusqlite::Connection;

use super::checkpoint::Rest;
use super::damage::Damage;
use crate::session::{Result, Session};
use crate::tables::batch::{Batch, Chain};
use crate::tables::memory::{Memory, News};
use crate::vault::Vault;
use crate::work::{Commit, Job};

/// Pages in the WAL before SQLite itself checkpoints: 64 MiB.
pub(super) const WAL_PAGES: i64 = 16_384;

/// Pages allocated at the start: 16 MiB. A larger value slows startup; the log grows on demand.
const WAL_ROOM: i64 = 4_096;

/// Pages in the writer's cache.
const CACHE_PAGES: i64 = 2_048;

/// The chain of this writer's events.
const CHAIN: i64 = 1;

pub(super) struct Writer {
    connection: Connection,
    rest: Rest,
    vault: Arc<Vault>,
    entropy: Arc<dyn Entropy>,
    memory: Arc<Memory>,
    damage: Arc<Damage>,
    /// Whether freed pages are overwritten too.
    wipes: Option<bool>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        rest: Rest,
        vault: Arc<Vault>,
        entropy: Arc<dyn Entropy>,
        memory: Arc<Memory>,
        damage: Arc<Damage>,
    ) -> Self {
        Self { connection, rest, vault, entropy, memory, damage, wipes: None }
    }
}

/// Allocates the write-ahead log: a forced write into a file that already has its size is several times faster than
/// into one that grows. A transaction too large for the cache writes the pages, and is rolled back.
fn allocate_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", 16)?;
    connection.pragma_update(None, "cache_spill", 16)?;
    let spill = connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; CREATE TABLE room (room BLOB); INSERT INTO room VALUES (zeroblob({}));",
        WAL_ROOM * 4_096
    ));
    let back = connection.execute_batch("ROLLBACK");
    set_cache(connection)?;
    spill.and(back)
}

/// Sets the size of the writer's cache: 8 MiB. At most commits SQLite walks through all of it, because a page that was moved
/// when siblings were balanced had a number beyond the end of the database for a moment. A transaction may have four times
/// as many pages before some go into the log early.
pub(super) fn set_cache(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", CACHE_PAGES)?;
    connection.pragma_update(None, "cache_spill", CACHE_PAGES * 4)
}

impl Commit for Writer {
    type Queued = Box<dyn Job>;

    fn tidy_up(&mut self) {
        self.rest.move_if_due(&self.connection);
    }

    fn prepare(&mut self) {
        if let Err(error) = allocate_wal(&self.connection) {
            tracing::warn!(%error, "could not allocate the write-ahead log; the first writes will be slower");
        }
    }

    fn commit(&mut self, group: &mut [Self::Queued]) -> Result<()> {
        let wiped = self.wipe(group.iter().any(|job| job.may_remove())).map_err(Into::into);
        self.damage.watch(wiped.and_then(|()| self.transaction(group)))
    }
}

impl Writer {
    /// Overwrites deleted content. `pages`: also in pages that become free; otherwise only in pages that are written
    /// anyway, which costs less.
    fn wipe(&mut self, pages: bool) -> rusqlite::Result<()> {
        if self.wipes != Some(pages) {
            self.connection.pragma_update(None, "secure_delete", if pages { "ON" } else { "FAST" })?;
            self.wipes = Some(pages);
        }
        Ok(())
    }

    fn transaction(&self, group: &mut [Box<dyn Job>]) -> Result<()> {
        let session: &dyn Session = &self.connection;
        // Takes the write lock at once, so that the reads below still hold when the writes depend on them.
        session.batch("BEGIN IMMEDIATE")?;
        let mut run = || -> Result<Option<News>> {
            let chain = Chain::read(session, CHAIN, "")?;
            let mut batch = Batch::begin(session, &self.vault, &*self.entropy, chain).with(&self.memory)?;
            group.iter_mut().try_for_each(|job| job.run(&mut batch))?;
            let news = batch.end()?;
            session.batch("COMMIT")?;
            Ok(news)
        };
        let committed = run();
        if committed.is_err() && !self.connection.is_autocommit() {
            session.batch("ROLLBACK")?;
        }
        if let Some(news) = committed? {
            self.memory.take(news);
        }
        Ok(())
    }
}
