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
}

impl Replication {
    /// Whether a failover can lose commits that were acknowledged: there is a standby, and no commit waits for one.
    pub fn is_asynchronous(&self) -> bool {
        self.standbys > 0 && self.waits_for.is_empty()
    }
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

    /// How the database is replicated; `None`: the engine has one copy.
    fn replication(&self) -> Pending<'_, Option<Replication>>;

    /// Keys for other crates.
    fn keys(&self) -> &Keys;
}
