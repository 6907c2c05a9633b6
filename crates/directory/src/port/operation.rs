//! Operation: nodes, quotas, health and keys.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretBox;

use super::Pending;

/// Keys that the store holds for other crates.
pub struct Keys {
    /// Seals the ids of users.
    pub secure_id: Arc<SecretBox<[u8; 64]>>,
    /// Digests bodies.
    pub body_digest: SecretBox<[u8; 64]>,
}

/// The calls of one caller in a window of its quota, as one node counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The caller: its kind and its id.
    pub bucket: [u8; 17],
    /// The number of calls.
    pub calls: u32,
    /// When the window ends.
    pub until: Timestamp,
}

/// How a database behind many nodes keeps a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    /// The standbys for which a commit waits (`synchronous_standby_names`); empty: it waits for none.
    pub waits_for: String,
    /// Connected standbys.
    pub standbys: u64,
    /// Settings of the database with which a crash can lose commits, such as `fsync`.
    pub unsafe_settings: Vec<String>,
    /// The time on the database's machine.
    pub now: Timestamp,
}

impl Replication {
    /// Whether a failover can lose commits that were acknowledged: there is a standby, and no commit waits for one.
    pub fn is_asynchronous(&self) -> bool {
        self.standbys > 0 && self.waits_for.is_empty()
    }
}

/// Upper bounds of the buckets of [`WriterFigures::durations`], in microseconds; the last bucket has none.
pub const COMMIT_BOUNDS: [u64; 11] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// What the store counts since its opening, for the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The writers.
    pub writers: Vec<WriterFigures>,
    /// Size of the database file, and of the log next to it, in bytes; `None`: the engine has no files here.
    pub bytes: Option<(u64, u64)>,
    /// Connections that read at the moment, and their limit; `None`: the engine reads without a limit.
    pub readers: Option<(usize, usize)>,
}

/// The counts of one writer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriterFigures {
    /// Its name.
    pub name: &'static str,
    /// Writes that wait for a transaction.
    pub waiting: usize,
    /// Writes that were committed. Divided by the transactions it is the size of a group.
    pub writes: u64,
    /// Committed transactions by duration, in the buckets of [`COMMIT_BOUNDS`].
    pub durations: [u64; COMMIT_BOUNDS.len() + 1],
    /// The sum of these durations, in microseconds.
    pub micros: u64,
    /// Transactions that failed.
    pub failed: u64,
}

/// What operation needs.
pub trait OperationStore: Send + Sync + 'static {
    /// Whether other nodes may use the same database.
    fn is_shared(&self) -> bool;

    /// Tells the other nodes what was drawn from quotas here, and gives what was drawn there. Kept only for a moment: it
    /// may be lost.
    fn share_quota(&self, node: [u8; 16], drawn: Vec<Drawn>, now: Timestamp) -> Pending<'_, Vec<Drawn>>;

    /// Drops the snapshot, after another database took the place of this one.
    fn forget_snapshot(&self);

    /// Succeeds if the store can read and write now.
    fn ready(&self) -> Pending<'_, ()>;

    /// Counts for the metrics.
    fn figures(&self) -> Figures;

    /// How the database is replicated; `None`: the engine has one copy.
    fn replication(&self) -> Pending<'_, Option<Replication>>;

    /// Keys for other crates.
    fn keys(&self) -> &Keys;
}
