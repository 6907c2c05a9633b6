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

    /// Keys for other crates.
    fn keys(&self) -> &Keys;
}
