//! The audit: read, searched, verified.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use directory::AccountId;
use directory::audit::{Event, Found, Search};
use directory::port::{AuditPage, AuditQuery, ChainHead, ChainReport};

use crate::audit::{Entry, Verifier};
use crate::session::{Result, Row, Session, values};
use crate::tables::row::{millis, time};
use crate::vault::Vault;

const EVENT: &str = "SELECT seq, at, account, actor, action, target, detail, hash FROM audit_events";

pub(crate) fn events(session: &dyn Session, chain: i64, after: i64, limit: usize) -> Result<Vec<Event>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    session.all(
        &format!("{EVENT} WHERE chain = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"),
        values![chain, after, limit],
        |row| event_at(row, chain),
    )
}

/// The end of every chain.
pub(crate) fn heads(session: &dyn Session) -> Result<Vec<ChainHead>> {
    session.all("SELECT chain, seq, hash FROM audit_chains ORDER BY chain", &[], |row| {
        Ok(ChainHead { chain: row.get(0)?, events: row.get(1)?, head: row.get(2)? })
    })
}

fn event_at(row: Row<'_>, chain: i64) -> Result<Event> {
    Ok(Event {
        chain,
        seq: row.get(0)?,
        at: time(row, 1)?,
        account: row.get::<Option<[u8; 16]>>(2)?.map(AccountId::from_bytes),
        actor: row.get(3)?,
        action: row.get(4)?,
        target: row.get(5)?,
        detail: row.get(6)?,
        hash: row.get(7)?,
    })
}

/// Events read for one page, at most.
const LOOKED_AT: i64 = 5_000;

/// A page of an account's events. Events have no index on time or account, because it would slow down every write. In a
/// stretch in which the clock went forward, a binary search finds the first event; then they are read in order.
pub(crate) fn of_account(session: &dyn Session, account: AccountId, query: AuditQuery) -> Result<AuditPage> {
    let mut page = AuditPage { events: Vec::new(), next: None };
    let mut left = LOOKED_AT;
    let (from, to) = (millis(query.from), millis(query.to));
    for (chain, start, end) in stretches(session, query.after)? {
        let first = first_at(session, chain, start, end, from)?;
        let mut seq = first;
        let (mut full, most) = (false, left);
        session.visit(
            &format!("{EVENT} WHERE chain = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq LIMIT ?4"),
            values![chain, first, end, most],
            &mut |row| {
                seq = row.get(0)?;
                if row.get::<i64>(1)? > to {
                    return Ok(ControlFlow::Break(()));
                }
                left -= 1;
                if row.get::<Option<[u8; 16]>>(2)?.is_some_and(|of| of == *account.as_bytes()) {
                    page.events.push(event_at(row, chain)?);
                }
                full = page.events.len() >= query.limit || left == 0;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            },
        )?;
        if full {
            page.next = Some((chain, seq));
            break;
        }
    }
    page.events.sort_by_key(|event| event.at);
    Ok(page)
}

const DOWN: &str = "WHERE chain = ?1 AND seq < ?2 AND seq >= ?3 ORDER BY seq DESC LIMIT ?4";

/// Events read for one page of a search, at most: some hundredths of a second.
const SEARCHED: usize = 20_000;

/// Events read from a chain by one statement.
const SLICE: i64 = 256;

/// A reader that walks a chain backwards.
struct Backwards {
    chain: i64,
    /// The next slice ends before this event, and does not go before that one.
    before: i64,
    first: i64,
    /// Events read and not yet returned, newest last.
    read: Vec<Event>,
}

impl Backwards {
    /// The newest event not yet returned.
    fn newest(&mut self, session: &dyn Session) -> Result<Option<&Event>> {
        if self.read.is_empty() && self.before > self.first {
            let values = values![self.chain, self.before, self.first, SLICE];
            self.read = session.all(&format!("{EVENT} {DOWN}"), values, |row| event_at(row, self.chain))?;
            self.before = self.read.last().map_or(self.first, |oldest| oldest.seq);
            self.read.reverse();
        }
        Ok(self.read.last())
    }
}

/// Events of an account, newest of all chains first.
pub(crate) fn search(
    session: &dyn Session,
    account: AccountId,
    search: &Search,
    rest: Option<&[(i64, i64)]>,
    limit: usize,
) -> Result<Found> {
    let mut chains: Vec<Backwards> = Vec::new();
    for (chain, start, end) in stretches(session, (0, 0))? {
        // In a stretch in which the clock went forward, a binary search finds the events between two times.
        let from = search.from.map_or(Ok(start), |at| first_at(session, chain, start, end, millis(at)))?;
        let to = search
            .to
            .map_or(Ok(end), |at| first_at(session, chain, start, end, millis(at).saturating_add(1)))?;
        if from >= to {
            continue;
        }
        match chains.last_mut().filter(|before| before.chain == chain) {
            Some(before) => before.before = to,
            None => chains.push(Backwards { chain, before: to, first: from, read: Vec::new() }),
        }
    }
    if let Some(rest) = rest {
        for chain in &mut chains {
            let left = rest.iter().find(|(of, _)| *of == chain.chain).map_or(0, |(_, before)| *before);
            chain.before = chain.before.min(left);
        }
    }
    let mut found = Found::default();
    for _ in 0..SEARCHED {
        let mut newest: Option<(usize, jiff::Timestamp)> = None;
        for (index, chain) in chains.iter_mut().enumerate() {
            if let Some(event) = chain.newest(session)?
                && newest.is_none_or(|(_, at)| event.at > at)
            {
                newest = Some((index, event.at));
            }
        }
        let Some(event) = newest.and_then(|(index, _)| chains[index].read.pop()) else { return Ok(found) };
        if event.account == Some(account) && search.finds(&event) {
            found.events.push(event);
        }
        if found.events.len() == limit {
            break;
        }
    }
    let left =
        |chain: &Backwards| (chain.chain, chain.read.last().map_or(chain.before, |event| event.seq + 1));
    found.rest = Some(chains.iter().map(left).collect());
    Ok(found)
}

/// The stretches (chain, first, after the last) in which the clock went forward, after an event.
fn stretches(session: &dyn Session, after: (i64, i64)) -> Result<Vec<(i64, i64, i64)>> {
    let mut stretches: Vec<(i64, i64, i64)> = Vec::new();
    let sql = "SELECT chain, 1, seq + 1 FROM audit_chains
         UNION ALL
         SELECT s.chain, s.seq, c.seq + 1 FROM audit_steps_back s JOIN audit_chains c ON c.chain = s.chain
         ORDER BY 1, 2";
    for stretch in session.all(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
        let (chain, start, end): (i64, i64, i64) = stretch;
        if let Some(before) = stretches.last_mut().filter(|before| before.0 == chain) {
            before.2 = start;
        }
        stretches.push((chain, start, end));
    }
    let (chain, seq) = after;
    for stretch in &mut stretches {
        if stretch.0 == chain {
            stretch.1 = stretch.1.max(seq + 1);
        }
    }
    stretches.retain(|(of, start, end)| *of >= chain && start < end);
    Ok(stretches)
}

/// The first event of a stretch that is not before a time.
fn first_at(session: &dyn Session, chain: i64, start: i64, end: i64, from: i64) -> Result<i64> {
    let (mut low, mut high) = (start, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let sql = "SELECT at FROM audit_events WHERE chain = ?1 AND seq = ?2";
        if session.only(sql, values![chain, middle], |row| row.get::<i64>(0))? < from {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Reads every event once, in order, in constant memory.
pub(crate) fn verify(session: &dyn Session, vault: &Vault) -> Result<Vec<ChainReport>> {
    type Stored = (i64, Vec<u8>, Vec<u8>);
    let stored = session.all("SELECT chain, seq, hash, seal FROM audit_chains", &[], |row| {
        let stored: Stored = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((row.get(0)?, Some(stored)))
    });
    let mut heads: BTreeMap<i64, Option<Stored>> = stored?.into_iter().collect();
    // A chain whose head was deleted is still found by its events, and a gap by the numbers.
    let newest = |sql| session.only(sql, &[], |row| row.get::<i64>(0));
    let newest = newest("SELECT coalesce(max(chain), 0) FROM audit_events")?
        .max(newest("SELECT coalesce(max(chain), 0) FROM audit_chains")?);
    for chain in 1..=newest {
        heads.entry(chain).or_default();
    }
    let mut reports = Vec::new();
    for (chain, stored) in heads {
        let mut verifier = Verifier::new(chain);
        let sql = format!("{EVENT} WHERE chain = ?1 ORDER BY seq");
        session.visit(&sql, values![chain], &mut |row| {
            let account: Option<[u8; 16]> = row.get(2)?;
            let entry = Entry {
                at: row.get(1)?,
                account: account.as_ref().map(|account| &account[..]),
                actor: row.get(3)?,
                action: row.get(4)?,
                target: row.get(5)?,
                detail: row.get(6)?,
            };
            verifier.event(row.get(0)?, &entry, row.get(7)?);
            Ok(ControlFlow::Continue(()))
        })?;
        let stored = stored.as_ref().map(|(seq, hash, seal)| (*seq, hash.as_slice(), seal.as_slice()));
        reports.push(verifier.finish(stored, &vault.audit));
    }
    Ok(reports)
}
