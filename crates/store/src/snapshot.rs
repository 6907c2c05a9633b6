//! The snapshot: the few rows that every request needs. An entry lives for at most a second, and the epoch check
//! refuses a write that rests on an outdated one, so a stale entry can delay a reader but never mislead a writer.
//! Absence is not remembered, so new rows are found at once; except for access keys, because an unknown key must take
//! as long as a known one.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use directory::application::ClientPrincipal;
use directory::port::{Clock, Evidence};
use directory::{AccessKey, Account, AccountCode, ClientId, DomainName, Principal};
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;

/// Entries of each kind; more accounts are possible, but not all are busy at once.
const CAPACITY: usize = 16_384;

/// Longest life of an entry.
const LIFE: SignedDuration = SignedDuration::from_secs(1);

pub(crate) struct Snapshot {
    clock: Arc<dyn Clock>,
    pub(crate) principals: Kind<AccessKey, Option<Arc<Principal>>>,
    pub(crate) accounts: Kind<AccountCode, Arc<Account>>,
    pub(crate) domains: Kind<DomainName, Evidence>,
    pub(crate) clients: Kind<ClientId, Arc<ClientPrincipal>>,
    /// The time up to which requests may have been forgotten, in milliseconds. It only grows, and is read with every
    /// principal.
    pub(crate) forgotten: AtomicI64,
}

pub(crate) struct Kind<K, V>(Cache<K, (Timestamp, V)>);

impl Snapshot {
    pub(crate) fn new(clock: Arc<dyn Clock>, forgotten: i64) -> Self {
        Self {
            clock,
            principals: Kind::new(),
            accounts: Kind::new(),
            domains: Kind::new(),
            clients: Kind::new(),
            forgotten: AtomicI64::new(forgotten),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Drops all entries: after a change, and when the epoch check found an outdated one. Both are rare.
    pub(crate) fn clear(&self) {
        self.principals.0.clear();
        self.accounts.0.clear();
        self.domains.0.clear();
        self.clients.0.clear();
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kind<K, V> {
    fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// Finds an entry, or reads and keeps it; missing rows are not kept.
    pub(crate) async fn find_or_read<E>(
        &self,
        key: &K,
        now: Timestamp,
        read: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E> {
        if let Some(value) = self.find(key, now) {
            return Ok(Some(value));
        }
        let value = read.await?;
        if let Some(value) = &value {
            self.keep(key, value, now);
        }
        Ok(value)
    }

    pub(crate) fn find(&self, key: &K, now: Timestamp) -> Option<V> {
        let (read_at, value) = self.0.get(key)?;
        // After the clock is set back, an entry from the future is not trusted either.
        (read_at <= now && now.duration_since(read_at) < LIFE).then_some(value)
    }

    /// Keeps a value; `now` must have been taken before the read.
    pub(crate) fn keep(&self, key: &K, value: &V, now: Timestamp) {
        self.0.insert(key.clone(), (now, value.clone()));
    }
}
