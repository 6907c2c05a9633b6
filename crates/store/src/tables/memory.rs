//! Where the requests that ran are, for an engine with one writer: rows by the fingerprint of their request id.
//!
//! Request ids are random, so an index over them costs each request a page of the log that no other request shares. Here
//! the newest requests are in memory only. When they are many, they move into the index `request_index` in the order of
//! fingerprints, so that one page takes many of them. Rows are always what decides: a fingerprint only tells where to look.
//!
//! The row of a request, its place here and the place in the index never disagree: the writer changes this memory after
//! the transaction is committed, and at a start it is read from the rows that are not in the index yet. A row that another
//! process wrote is read before the next transaction looks for a request.

use std::collections::{BTreeSet, HashSet};
use std::hash::BuildHasher as _;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use directory::port::RequestKey;
use hashbrown::{DefaultHashBuilder, HashTable};
use sha2::{Digest as _, Sha256};

use crate::session::{Result, Session, values};

/// Requests in memory before they move into the index; at most twice as many are there, in some 30 bytes each. [ours]
pub(crate) const GENERATION: usize = 1 << 17;

/// Entries that move with a transaction, for each one that it adds: so a generation has moved before the next one is full.
const MOVED_FOR_EACH: usize = 2;

/// Entries that move with a transaction at least.
const MOVED_AT_LEAST: usize = 16;

/// A request: its fingerprint and its row.
type Entry = (i64, i64);

pub(crate) struct Memory {
    generation: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest requests.
    fresh: Fresh,
    /// The generation before, in the order of fingerprints, which moves into the index.
    moving: Vec<Entry>,
    /// How many of it are in the index.
    moved: usize,
    /// The newest row of it.
    moving_to: i64,
    /// The newest row.
    newest: i64,
    /// Whether the index has, or had, entries.
    is_indexed: bool,
}

/// What a transaction changes, once it is committed.
pub(crate) struct News {
    /// The newest row.
    newest: i64,
    added: BTreeSet<Entry>,
    removed: Vec<Entry>,
    moved: Option<Moved>,
}

struct Moved {
    up_to: usize,
    is_all: bool,
}

/// Requests by their fingerprint. A fingerprint may have several rows. The table is seeded for each process, because callers
/// choose their request ids.
#[derive(Default)]
struct Fresh {
    entries: HashTable<Entry>,
    seed: DefaultHashBuilder,
}

impl Fresh {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn insert(&mut self, entry: Entry) {
        let Self { entries, seed } = self;
        entries.insert_unique(seed.hash_one(entry.0), entry, |other| seed.hash_one(other.0));
    }

    fn remove(&mut self, entry: &Entry) {
        if let Ok(found) = self.entries.find_entry(self.seed.hash_one(entry.0), |other| other == entry) {
            found.remove();
        }
    }

    fn rows(&self, fingerprint: i64) -> impl Iterator<Item = i64> + '_ {
        let near = self.entries.iter_hash(self.seed.hash_one(fingerprint));
        near.filter(move |(other, _)| *other == fingerprint).map(|(_, row)| *row)
    }

    /// All entries in order. It is empty afterwards, and keeps its room.
    fn take_sorted(&mut self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.entries.drain().collect();
        entries.sort_unstable();
        entries
    }
}

/// What finds a request. Collisions are found by the row.
pub(crate) fn fingerprint(key: &RequestKey) -> i64 {
    fingerprint_of(&key.credential, &key.request_id)
}

fn fingerprint_of(credential: &[u8; 16], request_id: &[u8; 16]) -> i64 {
    let digest = Sha256::new().chain_update(credential).chain_update(request_id).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_le_bytes(first)
}

impl State {
    /// The rows in memory that may be of a request.
    fn rows(&self, fingerprint: i64) -> impl Iterator<Item = i64> + '_ {
        let first = self.moving.partition_point(|(other, _)| *other < fingerprint);
        let moving = self.moving[first..].iter().take_while(move |(other, _)| *other == fingerprint);
        self.fresh.rows(fingerprint).chain(moving.map(|(_, row)| *row))
    }
}

impl Memory {
    /// Reads the requests that are not in the index. Whole generations of them, as after an upgrade, are put there.
    pub(crate) fn read(session: &dyn Session, generation: usize) -> Result<Self> {
        let up_to = session.one("SELECT seq FROM request_index_end WHERE id = 1", &[], |row| row.get(0))?;
        let some = session.one("SELECT 1 FROM request_index LIMIT 1", &[], |_| Ok(()))?;
        let state = State { newest: up_to.unwrap_or(0), is_indexed: some.is_some(), ..State::default() };
        let memory = Self { generation, state: Mutex::new(state) };
        while memory.read_some(session)? {
            let mut state = memory.state();
            if state.fresh.len() >= generation {
                let entries = state.fresh.take_sorted();
                session.batch("BEGIN IMMEDIATE")?;
                let written = entries.into_iter().try_for_each(|entry| index(session, entry));
                let written = written.and_then(|()| end_index(session, state.newest));
                session.batch(if written.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
                written?;
                state.is_indexed = true;
            }
        }
        Ok(memory)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request is certainly unknown, without a look at the database.
    pub(crate) fn lacks(&self, fingerprint: i64) -> bool {
        let state = self.state();
        !state.is_indexed && state.rows(fingerprint).next().is_none()
    }

    /// The rows that may be of a request.
    pub(crate) fn rows(&self, session: &dyn Session, fingerprint: i64) -> Result<Vec<i64>> {
        let (mut found, is_indexed) = {
            let state = self.state();
            (state.rows(fingerprint).collect::<Vec<_>>(), state.is_indexed)
        };
        if is_indexed {
            let sql = "SELECT seq FROM request_index WHERE fingerprint = ?1";
            session.visit(sql, values![fingerprint], &mut |row| {
                found.push(row.get(0)?);
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(found)
    }

    /// Begins a transaction that writes: reads the rows that another process wrote.
    pub(crate) fn begin(&self, session: &dyn Session) -> Result<News> {
        while self.read_some(session)? {}
        let newest = self.state().newest;
        Ok(News { newest, added: BTreeSet::new(), removed: Vec::new(), moved: None })
    }

    /// Reads rows that are not known, a generation at most, and whether there were some.
    fn read_some(&self, session: &dyn Session) -> Result<bool> {
        let newest =
            session.one("SELECT seq FROM requests ORDER BY seq DESC LIMIT 1", &[], |row| row.get(0))?;
        let mut state = self.state();
        let known = state.newest;
        if newest.is_none_or(|newest: i64| newest <= known) {
            return Ok(false);
        }
        let limit = i64::try_from(self.generation).unwrap_or(i64::MAX);
        let sql = "SELECT seq, binding, request_id FROM requests WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        session.visit(sql, values![known, limit], &mut |row| {
            let (seq, credential, request_id) = (row.get(0)?, row.get(1)?, row.get(2)?);
            state.fresh.insert((fingerprint_of(&credential, &request_id), seq));
            state.newest = seq;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(true)
    }

    /// Moves a part of a generation into the index, in a transaction that has the news.
    pub(crate) fn move_some(&self, session: &dyn Session, news: &mut News) -> Result<()> {
        // What is removed now may be a part of it.
        if news.added.is_empty() || !news.removed.is_empty() {
            return Ok(());
        }
        let count = (news.added.len() * MOVED_FOR_EACH).max(MOVED_AT_LEAST);
        // Written after the lock is given back: readers look for their requests meanwhile.
        let (entries, moved, moving_to) = {
            let state = self.state();
            if state.moving.is_empty() {
                return Ok(());
            }
            let up_to = state.moved.saturating_add(count).min(state.moving.len());
            let entries = state.moving[state.moved..up_to].to_vec();
            (entries, Moved { up_to, is_all: up_to == state.moving.len() }, state.moving_to)
        };
        entries.into_iter().try_for_each(|entry| index(session, entry))?;
        if moved.is_all {
            end_index(session, moving_to)?;
        }
        news.moved = Some(moved);
        Ok(())
    }

    /// Forgets requests whose rows are removed in a transaction that has the news.
    pub(crate) fn remove(
        &self,
        session: &dyn Session,
        news: &mut News,
        requests: Vec<([u8; 16], [u8; 16], i64)>,
    ) -> Result<()> {
        let is_indexed = self.state().is_indexed;
        for (credential, request_id, row) in requests {
            let entry = (fingerprint_of(&credential, &request_id), row);
            if is_indexed {
                let sql = "DELETE FROM request_index WHERE fingerprint = ?1 AND seq = ?2";
                session.execute(sql, values![entry.0, entry.1])?;
            }
            news.removed.push(entry);
        }
        Ok(())
    }

    /// Takes what a transaction changed, after it is committed.
    pub(crate) fn take(&self, news: News) {
        let mut state = self.state();
        if !news.removed.is_empty() {
            let removed: HashSet<_> = news.removed.iter().copied().collect();
            removed.iter().for_each(|entry| state.fresh.remove(entry));
            let is_left = |entry: &Entry| !removed.contains(entry);
            state.moved = state.moving[..state.moved].iter().filter(|entry| is_left(entry)).count();
            state.moving.retain(is_left);
        }
        news.added.into_iter().for_each(|entry| state.fresh.insert(entry));
        state.newest = news.newest;
        if let Some(Moved { up_to, is_all }) = news.moved {
            state.is_indexed = true;
            state.moved = up_to;
            if is_all {
                (state.moving, state.moved) = (Vec::new(), 0);
            }
        }
        if state.moving.is_empty() && state.fresh.len() >= self.generation {
            state.moving = state.fresh.take_sorted();
            state.moving_to = state.newest;
        }
    }
}

impl News {
    /// The rows of this transaction that may be of a request.
    pub(crate) fn rows(&self, fingerprint: i64) -> impl Iterator<Item = i64> + '_ {
        self.added.range((fingerprint, i64::MIN)..=(fingerprint, i64::MAX)).map(|(_, row)| *row)
    }

    /// Remembers a request that runs, and gives the row for it.
    pub(crate) fn add(&mut self, fingerprint: i64) -> i64 {
        self.newest += 1;
        self.added.insert((fingerprint, self.newest));
        self.newest
    }
}

/// After a crash, some of a generation are in the index and read again.
fn index(session: &dyn Session, (fingerprint, row): Entry) -> Result<()> {
    let sql = "INSERT INTO request_index (fingerprint, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    session.execute(sql, values![fingerprint, row]).map(|_| ())
}

/// Notes the newest row up to which all are in the index.
fn end_index(session: &dyn Session, row: i64) -> Result<()> {
    let sql = "INSERT INTO request_index_end (id, seq) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq";
    session.execute(sql, values![row]).map(|_| ())
}
