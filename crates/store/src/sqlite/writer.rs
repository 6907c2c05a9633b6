//! The one connection that writes.

use std::sync::Arc;

use directory::port::Entropy;
use rusqlite::Connection;

use super::checkpoint::Rest;
use super::damage::Damage;
use crate::session::{Result, Session};
use crate::tables::batch::{Batch, Chain};
use crate::vault::Vault;
use crate::work::{Commit, Job};

/// Pages in the WAL before all of them are moved to the database: 64 MiB.
pub(super) const WAL_PAGES: i64 = 16_384;

/// Pages that it has room for from the start: 16 MiB. A larger value slows startup; the log grows on demand.
const WAL_ROOM: i64 = 4_096;

/// The chain of this writer's events.
const CHAIN: i64 = 1;

pub(super) struct Writer {
    connection: Connection,
    rest: Rest,
    vault: Arc<Vault>,
    entropy: Arc<dyn Entropy>,
    damage: Arc<Damage>,
    /// Whether the pages of what is removed are wiped too.
    wipes: Option<bool>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        rest: Rest,
        vault: Arc<Vault>,
        entropy: Arc<dyn Entropy>,
        damage: Arc<Damage>,
    ) -> Self {
        Self { connection, rest, vault, entropy, damage, wipes: None }
    }
}

/// Gives the write-ahead log its size: a forced write into a file that has it already is several times faster than
/// into one that grows. The room is written by a transaction too large for the cache, and taken back.
fn allocate_wal(connection: &Connection) -> rusqlite::Result<()> {
    let cache: i64 = connection.pragma_query_value(None, "cache_size", |row| row.get(0))?;
    connection.pragma_update(None, "cache_size", 16)?;
    let spill = connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; CREATE TABLE room (room BLOB); INSERT INTO room VALUES (zeroblob({}));",
        WAL_ROOM * 4_096
    ));
    let back = connection.execute_batch("ROLLBACK");
    connection.pragma_update(None, "cache_size", cache)?;
    spill.and(back)
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
    /// What is removed is overwritten, in pages that become free too. Where nothing is removed but moved from page to page,
    /// only what stays on a page that is written anyway: that costs less.
    fn wipe(&mut self, pages: bool) -> rusqlite::Result<()> {
        if self.wipes != Some(pages) {
            self.connection.pragma_update(None, "secure_delete", if pages { "ON" } else { "FAST" })?;
            self.wipes = Some(pages);
        }
        Ok(())
    }

    fn transaction(&self, group: &mut [Box<dyn Job>]) -> Result<()> {
        let session: &dyn Session = &self.connection;
        // The lock is taken at once: what is read below still holds when it is written upon.
        session.batch("BEGIN IMMEDIATE")?;
        let mut run = || {
            let chain = Chain::read(session, CHAIN, "")?;
            let mut batch = Batch::begin(session, &self.vault, &*self.entropy, chain);
            group.iter_mut().try_for_each(|job| job.run(&mut batch))?;
            batch.end()?;
            session.batch("COMMIT")
        };
        let committed = run();
        if committed.is_err() && !self.connection.is_autocommit() {
            session.batch("ROLLBACK")?;
        }
        committed
    }
}
