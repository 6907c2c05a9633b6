//! The storage port over an engine: each method is work for the engine's writer, or a read of its tables.

mod accounts;
mod applications;
mod audit;
mod callers;
mod domains;
mod groups;
mod ldap;
mod operation;
mod requests;
mod roles;
mod scim;
mod users;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use directory::port::{Figures, Replication, StoreError, Write, Written};

use crate::session::{Result, Session};
use crate::snapshot::Snapshot;
use crate::tables::memory::Memory;
use crate::tables::request::Requests;
use crate::tables::work::{Ping, Work};
use crate::vault::Vault;

/// What a commit must be before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commits {
    /// Flushed to the database's disk.
    #[default]
    OnDisk,
    /// Also on a synchronous standby; without one, writes are refused. Only PostgreSQL has standbys.
    OnStandby,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Whether a node serves with it: then it opens its connections to a server now, and keeps them.
    pub serves: bool,
    /// What a commit must be.
    pub commits: Commits,
}

/// An engine: how a database is read and written.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Whether several nodes may use the database.
    const SHARED: bool;

    /// A short read by an index.
    fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = std::result::Result<T, StoreError>> + Send;

    /// A long read, where no short one waits for it.
    fn scan<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = std::result::Result<T, StoreError>> + Send;

    /// A bounded read: too long for the calling thread, too short for a separate connection where that is expensive.
    fn look<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = std::result::Result<T, StoreError>> + Send {
        self.scan(read)
    }

    /// The memory that finds requests, if no index does.
    fn memory(&self) -> Option<Arc<Memory>> {
        None
    }

    /// Counts for the metrics.
    fn figures(&self) -> Figures;

    /// How the database is replicated, if it can be.
    fn replication(
        &self,
    ) -> impl Future<Output = std::result::Result<Option<Replication>, StoreError>> + Send {
        async { Ok(None) }
    }

    /// An error once the database was found to be corrupt.
    fn sound(&self) -> std::result::Result<(), StoreError> {
        Ok(())
    }

    /// Does work in a transaction.
    fn run<W: Work>(
        &self,
        work: W,
    ) -> impl Future<Output = std::result::Result<W::Output, StoreError>> + Send;

    /// Writes requests, each exactly once.
    fn write(
        &self,
        requests: Vec<Write>,
    ) -> impl Future<Output = std::result::Result<Vec<Written>, StoreError>> + Send {
        self.run(Requests(requests))
    }

    /// Shows that the writers work.
    fn ping(&self) -> impl Future<Output = std::result::Result<(), StoreError>> + Send {
        self.run(Ping)
    }
}

/// The storage port over one engine.
pub(crate) struct TableStore<E> {
    pub(crate) engine: E,
    pub(crate) vault: Arc<Vault>,
    pub(crate) snapshot: Snapshot,
    passed: Mutex<Passed>,
}

/// Slices in a row with nothing to forget, after which the rest waits for the next call.
const BARREN_SLICES: usize = 20;

/// Requests at the start of the table that ran while the clock was ahead.
#[derive(Clone, Copy)]
struct Passed {
    /// Row of the last one.
    seq: i64,
    /// The time of the earliest one, in milliseconds.
    until: i64,
}

impl Default for Passed {
    fn default() -> Self {
        Self { seq: i64::MIN, until: i64::MAX }
    }
}

impl<E> TableStore<E> {
    pub(crate) fn new(engine: E, vault: Arc<Vault>, snapshot: Snapshot) -> Self {
        Self { engine, vault, snapshot, passed: Mutex::default() }
    }

    fn hear_of_forgotten(&self, up_to: i64) {
        self.snapshot.forgotten.fetch_max(up_to, Ordering::Relaxed);
    }
}
