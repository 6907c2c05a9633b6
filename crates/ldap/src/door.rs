//! What all connections share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth::PasswordHasher;
use directory::port::{Clock, Entropy, Store, StoreError};
use directory::{AccountId, UserId};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use crate::code::Code;
use crate::cookie::Cookies;
use crate::operation::{OPERATIONS, What};
use crate::tree::Tree;

/// How long a tree is used after it was read.
const TREE_LIFE: SignedDuration = SignedDuration::from_secs(1);

/// Most trees that are kept.
const TREES: usize = 10_000;

/// How often the binds of one user are recorded. `[ours]`
const RECORD_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Most users whose binds are remembered.
const RECORDED: usize = 100_000;

/// The limits of connections and operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest message, in bytes.
    pub message_bytes: usize,
    /// How long a connection may be idle.
    pub idle: Duration,
    /// Longest search.
    pub search: Duration,
    /// How long a client may take to read what is sent.
    pub answer: Duration,
    /// Most connections.
    pub connections: usize,
}

/// What all connections share.
pub struct Door {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) cookies: Cookies,
    /// The key of digests of passwords that were right. It is in no other place, and is new with every start.
    pub(crate) memory_key: [u8; 64],
    trees: Mutex<HashMap<AccountId, (Timestamp, Arc<Tree>)>>,
    recorded: Mutex<HashMap<UserId, Timestamp>>,
    only_base: Mutex<Option<(Timestamp, Option<String>)>>,
    counts: Counts,
}

/// More than the number of any result code.
const CODES: usize = 64;

/// Counts for the metrics.
struct Counts {
    connections: AtomicU64,
    refused: AtomicU64,
    /// By operation, and by the number of the result.
    operations: Vec<[AtomicU64; CODES]>,
}

/// The counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Open connections.
    pub connections: u64,
    /// Connections that were closed because there were too many.
    pub refused: u64,
    /// Operations by name and result, sorted.
    pub operations: Vec<((&'static str, &'static str), u64)>,
}

impl Door {
    /// A door to a directory.
    pub fn new(
        store: Arc<dyn Store>,
        hasher: Arc<PasswordHasher>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        limits: Limits,
    ) -> Self {
        let mut memory_key = [0; 64];
        entropy.fill(&mut memory_key);
        Self {
            cookies: Cookies::new(store.keys().body_digest.expose_secret()),
            store,
            hasher,
            clock,
            limits,
            memory_key,
            trees: Mutex::default(),
            recorded: Mutex::default(),
            counts: Counts {
                connections: AtomicU64::new(0),
                refused: AtomicU64::new(0),
                operations: OPERATIONS.iter().map(|_| [const { AtomicU64::new(0) }; CODES]).collect(),
            },
            only_base: Mutex::default(),
        }
    }

    /// The counts since the start.
    pub fn figures(&self) -> Figures {
        let mut operations = Vec::new();
        for (operation, counts) in OPERATIONS.iter().zip(&self.counts.operations) {
            for code in Code::ALL {
                let count = counts[usize::from(code.number())].load(Ordering::Relaxed);
                if count > 0 {
                    operations.push(((operation.name, code.name()), count));
                }
            }
        }
        Figures {
            connections: self.counts.connections.load(Ordering::Relaxed),
            refused: self.counts.refused.load(Ordering::Relaxed),
            operations,
        }
    }

    pub(crate) fn count(&self, what: What, code: Code) {
        self.counts.operations[what as usize][usize::from(code.number())].fetch_add(1, Ordering::Relaxed);
    }

    /// The tree of an account, at most a second old; `None`: it has none, or is disabled.
    pub(crate) async fn tree(&self, account: AccountId) -> Result<Option<Arc<Tree>>, StoreError> {
        let now = self.clock.now();
        {
            let trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, tree)) = trees.get(&account).filter(|(read, _)| is_recent(*read, now)) {
                return Ok(Some(Arc::clone(tree)));
            }
        }
        let tree = self.store.ldap_root(account).await?.and_then(Tree::of).map(Arc::new);
        if let Some(tree) = &tree {
            let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
            if trees.len() >= TREES {
                trees.clear();
            }
            trees.insert(account, (now, Arc::clone(tree)));
        }
        Ok(tree)
    }

    /// The base of the only account, if there is no other one, at most a second old: a client without a bind may know it.
    pub(crate) async fn only_base(&self) -> Result<Option<String>, StoreError> {
        let now = self.clock.now();
        {
            let kept = self.only_base.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, base)) = kept.as_ref().filter(|(read, _)| is_recent(*read, now)) {
                return Ok(base.clone());
            }
        }
        let base = match &self.store.list_accounts().await?[..] {
            [only] => self.tree(only.id).await?.map(|tree| tree.base_text.clone()),
            _ => None,
        };
        *self.only_base.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, base.clone()));
        Ok(base)
    }

    /// Whether a bind of a user is recorded: at most one in a minute.
    pub(crate) fn is_recorded(&self, user: UserId, now: Timestamp) -> bool {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let last = recorded.get(&user);
        last.is_none_or(|last| *last > now || now.duration_since(*last) >= RECORD_EVERY)
    }

    /// Notes that a bind was recorded.
    pub(crate) fn was_recorded(&self, user: UserId, now: Timestamp) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.len() >= RECORDED {
            recorded.clear();
        }
        recorded.insert(user, now);
    }
}

/// The place of a connection, which it leaves when it ends.
pub struct Place {
    pub(crate) door: Arc<Door>,
}

impl Place {
    /// Takes a place, before the handshake of TLS; `None`: there are too many connections.
    pub fn take(door: &Arc<Door>) -> Option<Self> {
        let open = door.counts.connections.fetch_add(1, Ordering::Relaxed);
        let place = Self { door: Arc::clone(door) };
        if open >= door.limits.connections as u64 {
            door.counts.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.counts.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether what was read at a time is recent; after the clock is set back, what is from the future is not.
fn is_recent(read: Timestamp, now: Timestamp) -> bool {
    read <= now && now.duration_since(read) < TREE_LIFE
}
