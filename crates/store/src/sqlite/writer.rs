//! The one thread that writes. Whoever asks while a commit is being forced to disk is served by the next one: one
//! forced write for all who wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use directory::AccountId;
use directory::audit::Actor;
use directory::change::{Change, Changed};
use directory::port::{Entropy, StoreError, Write, Written};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use crate::audit::{Entry, Head};
use crate::vault::Vault;

/// Writes that may wait. More than this is a store that can't keep up: refuse, so that the caller learns of it.
const QUEUE: usize = 16_384;

/// Users in one transaction: bounds how long a single write waits for others.
const GROUP: usize = 2_048;

/// Requests forgotten in one go.
const FORGET_SLICE: i64 = 500;

/// Pages in the WAL before they are moved to the database: 16 MiB.
pub(super) const WAL_PAGES: i64 = 4_096;

/// The chain that this writer's events stand in.
const CHAIN: i64 = 1;

/// What the writer is asked to do.
pub(super) enum Work {
    Write(Vec<Write>),
    Apply { changes: Vec<Change>, actor: Actor, now: Timestamp },
    Forget { before: Timestamp },
    Ping,
}

/// What came of it.
pub(super) enum Outcome {
    Written(Vec<Written>),
    Changed(Changed),
    Forgotten(usize),
    Ready,
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// The thread's handle. Dropping it lets the thread finish what waits, and waits for that.
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        vault: Arc<Vault>,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = crossbeam_channel::bounded(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, &vault, &*entropy, &jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues the work; the outcome comes when it is durable.
    pub(super) async fn run(&self, work: Work) -> Result<Outcome, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(Job { work, reply }).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        outcome.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::failed("the writer has stopped")
}

fn serve(connection: &Connection, vault: &Vault, entropy: &dyn Entropy, jobs: &Receiver<Job>) {
    if let Err(error) = allocate_wal(connection) {
        tracing::warn!(%error, "could not allocate the write-ahead log; the first writes will be slower");
    }
    while let Ok(first) = jobs.recv() {
        let mut size = first.work.size();
        let mut group = vec![first.work];
        let mut replies = vec![first.reply];
        while size < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            size += job.work.size();
            group.push(job.work);
            replies.push(job.reply);
        }
        match commit(connection, vault, entropy, group) {
            // Who no longer waits for the answer has given up, not been forgotten: the write stands.
            Ok(outcomes) => {
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(Ok(outcome));
                }
            }
            Err(error) => {
                tracing::error!(%error, writes = replies.len(), "a transaction failed and was rolled back");
                let cause = error.to_string();
                for reply in replies {
                    let _ = reply.send(Err(StoreError::failed(cause.clone())));
                }
            }
        }
    }
}

impl Work {
    fn size(&self) -> usize {
        match self {
            Work::Write(requests) => requests.iter().map(|request| request.changes.len().max(1)).sum(),
            Work::Apply { changes, .. } => changes.len(),
            Work::Forget { .. } => usize::try_from(FORGET_SLICE).unwrap_or(1),
            Work::Ping => 0,
        }
    }
}

/// Gives the write-ahead log its size: a forced write into a file that has it already is several times faster than
/// into one that grows. The room is written by a transaction too large for the cache, and taken back.
fn allocate_wal(connection: &Connection) -> rusqlite::Result<()> {
    let cache: i64 = connection.pragma_query_value(None, "cache_size", |row| row.get(0))?;
    connection.pragma_update(None, "cache_size", 16)?;
    let spill = connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; CREATE TABLE room (room BLOB); INSERT INTO room VALUES (zeroblob({}));",
        WAL_PAGES * 4_096
    ));
    let back = connection.execute_batch("ROLLBACK");
    connection.pragma_update(None, "cache_size", cache)?;
    spill.and(back)
}

/// Runs a group in one transaction.
fn commit(
    connection: &Connection,
    vault: &Vault,
    entropy: &dyn Entropy,
    group: Vec<Work>,
) -> rusqlite::Result<Vec<Outcome>> {
    // The lock is taken at once: what is read below still holds when it is written upon.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let outcomes = run(connection, vault, entropy, group)
        .and_then(|outcomes| connection.execute_batch("COMMIT").map(|()| outcomes));
    if outcomes.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    outcomes
}

fn run(
    connection: &Connection,
    vault: &Vault,
    entropy: &dyn Entropy,
    group: Vec<Work>,
) -> rusqlite::Result<Vec<Outcome>> {
    let mut batch = Batch::begin(connection, vault, entropy)?;
    let outcomes = group.into_iter().map(|work| match work {
        Work::Write(requests) => requests
            .into_iter()
            .map(|request| super::write::run(&mut batch, request))
            .collect::<rusqlite::Result<_>>()
            .map(Outcome::Written),
        Work::Apply { changes, actor, now } => {
            super::change::run(&mut batch, changes, &actor, now).map(Outcome::Changed)
        }
        Work::Forget { before } => batch.forget(before).map(Outcome::Forgotten),
        Work::Ping => Ok(Outcome::Ready),
    });
    let outcomes = outcomes.collect::<rusqlite::Result<_>>()?;
    batch.end()?;
    Ok(outcomes)
}

/// A transaction under way: what its writes share.
pub(super) struct Batch<'c> {
    pub(super) connection: &'c Connection,
    pub(super) vault: &'c Vault,
    pub(super) entropy: &'c dyn Entropy,
    epochs: HashMap<AccountId, Option<u64>>,
    pub(super) head: Head,
    stored_head: Head,
    insert_event: CachedStatement<'c>,
    last_event_at: i64,
    counts: HashMap<AccountId, HashMap<String, i64>>,
    pub(super) hot: super::write::Statements<'c>,
}

/// What a batch has to go back to when a part of it is undone.
pub(super) struct Before {
    head: Head,
    counts: HashMap<AccountId, HashMap<String, i64>>,
}

impl<'c> Batch<'c> {
    fn begin(
        connection: &'c Connection,
        vault: &'c Vault,
        entropy: &'c dyn Entropy,
    ) -> rusqlite::Result<Self> {
        let head = connection
            .prepare_cached("SELECT seq, hash FROM audit_chains WHERE chain = ?1")?
            .query_row([CHAIN], |row| Ok(Head { chain: CHAIN, seq: row.get(0)?, hash: row.get(1)? }))
            .optional()?
            .unwrap_or(Head::empty(CHAIN));
        Ok(Self {
            connection,
            vault,
            entropy,
            epochs: HashMap::new(),
            head,
            stored_head: head,
            insert_event: connection.prepare_cached(
                "INSERT INTO audit_events (chain, seq, at, account, actor, action, target, detail, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            last_event_at: connection
                .prepare_cached("SELECT at FROM audit_events WHERE chain = ?1 AND seq = ?2")?
                .query_row(params![CHAIN, head.seq], |row| row.get(0))
                .optional()?
                .unwrap_or(i64::MIN),
            counts: HashMap::new(),
            hot: super::write::Statements::prepare(connection)?,
        })
    }

    /// Writes an event behind the head of the chain.
    pub(super) fn record(&mut self, entry: &Entry<'_>) -> rusqlite::Result<()> {
        let head = self.head.then(entry);
        let Entry { at, account, actor, action, target, detail } = entry;
        let event = params![head.chain, head.seq, at, account, actor, action, target, detail, head.hash];
        self.insert_event.execute(event)?;
        if *at < self.last_event_at {
            self.connection
                .prepare_cached("INSERT INTO audit_steps_back (chain, seq) VALUES (?1, ?2)")?
                .execute(params![head.chain, head.seq])?;
        }
        self.last_event_at = *at;
        self.head = head;
        Ok(())
    }

    /// The epoch of an account; `None` when it is gone or shut out.
    pub(super) fn epoch(&mut self, account: AccountId) -> rusqlite::Result<Option<u64>> {
        if let Some(epoch) = self.epochs.get(&account) {
            return Ok(*epoch);
        }
        let epoch = self
            .connection
            .prepare_cached("SELECT epoch FROM accounts WHERE id = ?1 AND disabled_at IS NULL")?
            .query_row([account.as_bytes()], |row| row.get::<_, i64>(0))
            .optional()?
            .and_then(|epoch| u64::try_from(epoch).ok());
        self.epochs.insert(account, epoch);
        Ok(epoch)
    }

    /// Users came or went.
    pub(super) fn count(&mut self, account: AccountId, domain: &str, users: i64) {
        let domains = self.counts.entry(account).or_default();
        match domains.get_mut(domain) {
            Some(count) => *count += users,
            None => {
                domains.insert(domain.to_owned(), users);
            }
        }
    }

    /// What to go back to when what follows is undone.
    pub(super) fn remember(&self) -> Before {
        Before { head: self.head, counts: self.counts.clone() }
    }

    /// After a rollback to a savepoint, what was read since may never have been.
    pub(super) fn go_back(&mut self, before: Before) {
        self.head = before.head;
        self.counts = before.counts;
        self.epochs.clear();
    }

    /// Something is taken away in the account: what was judged before must not be written after.
    pub(super) fn bump_epoch(&mut self, account: AccountId) -> rusqlite::Result<()> {
        self.epochs.clear();
        self.connection
            .prepare_cached("UPDATE accounts SET epoch = epoch + 1 WHERE id = ?1")?
            .execute([account.as_bytes()])
            .map(|_| ())
    }

    /// Forgets the oldest requests, as far as they ran before the time. Rows stand in the order in which they ran: the
    /// slice is found without an index on time.
    fn forget(&mut self, before: Timestamp) -> rusqlite::Result<usize> {
        self.connection
            .prepare_cached(
                "DELETE FROM requests WHERE seq IN (SELECT seq FROM requests ORDER BY seq LIMIT ?1) AND ran_at < ?2",
            )?
            .execute(params![FORGET_SLICE, super::row::millis(before)])
    }

    /// Writes the counts down, for what reads them within the transaction.
    pub(super) fn write_counts(&mut self) -> rusqlite::Result<()> {
        let mut add = self.connection.prepare_cached(
            "INSERT INTO user_counts (account, domain, users) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, domain) DO UPDATE SET users = users + excluded.users",
        )?;
        for (account, domains) in self.counts.drain() {
            for (domain, users) in domains {
                add.execute(params![account.as_bytes(), domain, users])?;
            }
        }
        Ok(())
    }

    fn end(mut self) -> rusqlite::Result<()> {
        self.write_counts()?;
        if self.head == self.stored_head {
            return Ok(());
        }
        let Head { chain, seq, hash } = self.head;
        self.connection
            .prepare_cached(
                "INSERT INTO audit_chains (chain, seq, hash, seal) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal",
            )?
            .execute(params![chain, seq, hash, self.head.seal(&self.vault.audit)])
            .map(|_| ())
    }
}
