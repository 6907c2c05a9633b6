//! The snapshot: what few rows say and every request asks for. An entry lives for at most a second, and a write that
//! rests on an outdated one is refused by the epoch check, so that a stale entry can delay a reader but never mislead a
//! writer. Absence is not remembered, so that what is new is found by a miss; but for access keys it is, for as long: an
//! unknown key must cost no more time than a known one.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use directory::application::ClientPrincipal;
use directory::port::{Clock, Evidence};
use directory::{AccessKey, Account, AccountCode, ClientId, DomainName, Principal};
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;

/// Entries of each kind: more accounts than this are possible, but not all of them are busy at once.
const CAPACITY: usize = 16_384;

/// Oldest entry that is still given out.
const LIFE: SignedDuration = SignedDuration::from_secs(1);

pub(crate) struct Snapshot {
    clock: Arc<dyn Clock>,
    pub(crate) principals: Kind<AccessKey, Option<Arc<Principal>>>,
    pub(crate) accounts: Kind<AccountCode, Arc<Account>>,
    pub(crate) domains: Kind<DomainName, Evidence>,
    pub(crate) clients: Kind<ClientId, Arc<ClientPrincipal>>,
    /// Up to which date requests may have been forgotten, in milliseconds. It only grows, and is read with every principal.
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

    /// Forgets everything: after a change, and when the epoch check found something outdated. Both are rare.
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

    /// Finds, else reads and keeps; missing rows are not kept.
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
        // A clock that was set back makes an entry look as if it came from the future: then it is not trusted either.
        (read_at <= now && now.duration_since(read_at) < LIFE).then_some(value)
    }

    /// Keeps what was read when `now` was taken, which must be before the read.
    pub(crate) fn keep(&self, key: &K, value: &V, now: Timestamp) {
        self.0.insert(key.clone(), (now, value.clone()));
    }
}
