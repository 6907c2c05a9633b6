//! An open transaction, and the state that its writes share.

use std::collections::HashMap;

use directory::AccountId;
use directory::port::Entropy;

use super::memory::{Memory, News};
use crate::audit::{Entry, Head};
use crate::session::{Result, Session, values};
use crate::vault::Vault;

pub(crate) struct Batch<'c> {
    pub(crate) session: &'c dyn Session,
    pub(crate) vault: &'c Vault,
    pub(crate) entropy: &'c dyn Entropy,
    epochs: HashMap<AccountId, Option<u64>>,
    chain: Chain,
    stored: Head,
    counts: HashMap<AccountId, HashMap<String, i64>>,
    /// Whether users were ever removed; `None`: look again.
    pub(super) removals: Option<bool>,
    /// The memory of requests of an engine that has one, and what this transaction changes of it.
    pub(super) memory: Option<(&'c Memory, News)>,
}

/// The end of a chain of the audit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    pub(crate) head: Head,
    /// The time of the newest event.
    pub(crate) at: i64,
}

/// The state of a batch before a part that may be rolled back.
pub(super) struct Before {
    chain: Chain,
    counts: HashMap<AccountId, HashMap<String, i64>>,
}

/// Concurrent requests are not written in the order of their times. An event gets the time of the event before it,
/// unless the clock was set back by more than this, in milliseconds.
const JITTER: i64 = 1_000;

impl Chain {
    /// The time that the audit records for an event at this time.
    pub(crate) fn time(&self, at: i64) -> i64 {
        if at < self.at && self.at - at <= JITTER { self.at } else { at }
    }

    /// Reads the end of a chain. `lock` ends the statement: on an engine with several writers it locks the row until
    /// the transaction ends.
    pub(crate) fn read(session: &dyn Session, chain: i64, lock: &str) -> Result<Self> {
        let sql = format!("SELECT seq, hash, at FROM audit_chains WHERE chain = ?1{lock}");
        let found = session.one(&sql, values![chain], |row| {
            Ok(Self { head: Head { chain, seq: row.get(0)?, hash: row.get(1)? }, at: row.get(2)? })
        })?;
        Ok(found.unwrap_or(Self { head: Head::empty(chain), at: i64::MIN }))
    }
}

impl<'c> Batch<'c> {
    pub(crate) fn begin(
        session: &'c dyn Session,
        vault: &'c Vault,
        entropy: &'c dyn Entropy,
        chain: Chain,
    ) -> Self {
        Self {
            session,
            vault,
            entropy,
            epochs: HashMap::new(),
            chain,
            stored: chain.head,
            counts: HashMap::new(),
            removals: None,
            memory: None,
        }
    }

    /// Finds requests by a memory instead of an index.
    pub(crate) fn with(self, memory: &'c Memory) -> Result<Self> {
        let news = memory.begin(self.session)?;
        Ok(Self { memory: Some((memory, news)), ..self })
    }

    /// Appends an event to the chain.
    pub(super) fn record(&mut self, entry: Entry<'_>) -> Result<()> {
        let entry = Entry { at: self.chain.time(entry.at), ..entry };
        let head = self.chain.head.then(&entry);
        let Entry { at, account, actor, action, target, detail } = &entry;
        self.session.execute(
            "INSERT INTO audit_events (chain, seq, at, account, actor, action, target, detail, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            values![head.chain, head.seq, at, account, actor, action, target, detail, head.hash],
        )?;
        if *at < self.chain.at {
            let sql = "INSERT INTO audit_steps_back (chain, seq) VALUES (?1, ?2)";
            self.session.execute(sql, values![head.chain, head.seq])?;
        }
        self.chain = Chain { head, at: *at };
        Ok(())
    }

    /// The epoch of an account; `None` if it is deleted or disabled.
    pub(super) fn epoch(&mut self, account: AccountId) -> Result<Option<u64>> {
        if let Some(epoch) = self.epochs.get(&account) {
            return Ok(*epoch);
        }
        let sql = "SELECT epoch FROM accounts WHERE id = ?1 AND disabled_at IS NULL";
        let epoch = self.session.one(sql, values![account.as_bytes()], |row| row.get::<u64>(0))?;
        self.epochs.insert(account, epoch);
        Ok(epoch)
    }

    /// Whether users were ever removed: where none was, no address needs to be looked up.
    pub(super) fn has_removals(&mut self) -> Result<bool> {
        if let Some(removals) = self.removals {
            return Ok(removals);
        }
        let found = self.session.one("SELECT 1 FROM tombstones LIMIT 1", &[], |_| Ok(()))?.is_some();
        self.removals = Some(found);
        Ok(found)
    }

    /// Counts users that were added or removed.
    pub(super) fn count(&mut self, account: AccountId, domain: &str, users: i64) {
        let domains = self.counts.entry(account).or_default();
        match domains.get_mut(domain) {
            Some(count) => *count += users,
            None => {
                domains.insert(domain.to_owned(), users);
            }
        }
    }

    /// The state to return to if the following part is rolled back.
    pub(super) fn remember(&self) -> Before {
        Before { chain: self.chain, counts: self.counts.clone() }
    }

    /// Restores the state after a rollback to a savepoint. Epochs read since may be wrong.
    pub(super) fn go_back(&mut self, before: Before) {
        self.chain = before.chain;
        self.counts = before.counts;
        self.epochs.clear();
    }

    /// Records that the account lost something: no judgement from before is written after it.
    pub(super) fn bump_epoch(&mut self, account: AccountId) -> Result<()> {
        self.epochs.clear();
        self.session.hold(account)?;
        let sql = "UPDATE accounts SET epoch = epoch + 1 WHERE id = ?1";
        self.session.execute(sql, values![account.as_bytes()]).map(|_| ())
    }

    /// Writes the counts, for changes that read them within the transaction.
    pub(super) fn write_counts(&mut self) -> Result<()> {
        for (account, domains) in self.counts.drain() {
            for (domain, users) in domains {
                self.session.execute(
                    "INSERT INTO user_counts (account, domain, chain, users) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (account, domain, chain) DO UPDATE SET users = user_counts.users + excluded.users",
                    values![account.as_bytes(), domain, self.chain.head.chain, users],
                )?;
            }
        }
        Ok(())
    }

    /// Writes counts, chain end, and a part of what the memory of requests has to write. The caller commits, and gives
    /// the news to the memory.
    pub(crate) fn end(mut self) -> Result<Option<News>> {
        self.write_counts()?;
        let mut news = None;
        if let Some((memory, mut new)) = self.memory.take() {
            memory.move_some(self.session, &mut new)?;
            news = Some(new);
        }
        let Chain { head, at } = self.chain;
        if head == self.stored {
            return Ok(news);
        }
        let sql = "INSERT INTO audit_chains (chain, seq, hash, seal, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (chain) DO UPDATE
                 SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal, at = excluded.at";
        let seal = head.seal(&self.vault.audit);
        self.session.execute(sql, values![head.chain, head.seq, head.hash, seal, at])?;
        Ok(news)
    }
}
