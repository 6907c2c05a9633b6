//! The audit: read, searched, verified.

use std::collections::BTreeMap;

use directory::AccountId;
use directory::audit::Event;
use directory::port::{AuditPage, AuditQuery, ChainReport};
use rusqlite::{Connection, Row, params};

use crate::audit::{Entry, Verifier};
use crate::sqlite::row::{millis, time, unreadable};
use crate::vault::Vault;

const EVENT: &str = "SELECT seq, at, account, actor, action, target, detail, hash FROM audit_events";

pub(in crate::sqlite) fn events(
    connection: &Connection,
    chain: i64,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Event>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(&format!("{EVENT} WHERE chain = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"))?
        .query_map(params![chain, after, limit], |row| event_at(row, chain))?
        .collect()
}

fn event_at(row: &Row<'_>, chain: i64) -> rusqlite::Result<Event> {
    Ok(Event {
        chain,
        seq: row.get(0)?,
        at: time(row, 1)?,
        account: row.get::<_, Option<[u8; 16]>>(2)?.map(AccountId::from_bytes),
        actor: row.get(3)?,
        action: row.get(4)?,
        target: row.get(5)?,
        detail: row.get(6)?,
        hash: row.get(7)?,
    })
}

/// Events looked at for one page.
const LOOKED_AT: i64 = 5_000;

/// A page of the events of an account. Events have no index on time or account, which would cost every write: within a
/// stretch in which the clock went forwards the first one is found by halving, then they are read in order.
pub(in crate::sqlite) fn of_account(
    connection: &Connection,
    account: AccountId,
    query: AuditQuery,
) -> rusqlite::Result<AuditPage> {
    let moment = connection.unchecked_transaction()?;
    let mut page = AuditPage { events: Vec::new(), next: None };
    let mut left = LOOKED_AT;
    let (from, to) = (millis(query.from), millis(query.to));
    for (chain, start, end) in stretches(&moment, query.after)? {
        let mut seq = first_at(&moment, chain, start, end, from)?;
        let mut rows = moment.prepare_cached(&format!(
            "{EVENT} WHERE chain = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq LIMIT ?4"
        ))?;
        let mut rows = rows.query(params![chain, seq, end, left])?;
        while let Some(row) = rows.next()? {
            seq = row.get(0)?;
            if row.get::<_, i64>(1)? > to {
                break;
            }
            left -= 1;
            if row.get::<_, Option<[u8; 16]>>(2)?.is_some_and(|of| of == *account.as_bytes()) {
                page.events.push(event_at(row, chain)?);
            }
            if page.events.len() >= query.limit || left == 0 {
                page.next = Some((chain, seq));
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// The stretches of chains (chain, first, behind the last) in which the clock went forwards, behind an event.
fn stretches(connection: &Connection, after: (i64, i64)) -> rusqlite::Result<Vec<(i64, i64, i64)>> {
    let mut stretches: Vec<(i64, i64, i64)> = Vec::new();
    let mut starts = connection.prepare_cached(
        "SELECT chain, 1, seq + 1 FROM audit_chains
         UNION ALL SELECT s.chain, s.seq, c.seq + 1 FROM audit_steps_back s JOIN audit_chains c ON c.chain = s.chain
         ORDER BY 1, 2",
    )?;
    for stretch in starts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
        let (chain, start, end): (i64, i64, i64) = stretch?;
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
fn first_at(connection: &Connection, chain: i64, start: i64, end: i64, from: i64) -> rusqlite::Result<i64> {
    let mut at = connection.prepare_cached("SELECT at FROM audit_events WHERE chain = ?1 AND seq = ?2")?;
    let (mut low, mut high) = (start, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if at.query_row([chain, middle], |row| row.get::<_, i64>(0))? < from {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Reads every event once, in order, in constant memory.
pub(in crate::sqlite) fn verify(
    connection: &Connection,
    vault: &Vault,
) -> rusqlite::Result<Vec<ChainReport>> {
    let moment = connection.unchecked_transaction()?;
    type Stored = (i64, Vec<u8>, Vec<u8>);
    let mut heads: BTreeMap<i64, Option<Stored>> = moment
        .prepare("SELECT chain, seq, hash, seal FROM audit_chains")?
        .query_map([], |row| Ok((row.get(0)?, Some((row.get(1)?, row.get(2)?, row.get(3)?)))))?
        .collect::<rusqlite::Result<_>>()?;
    // A chain whose head was taken away is still found by its events, and one in the middle by its number.
    let newest: i64 = moment.query_row(
        "SELECT max(coalesce((SELECT max(chain) FROM audit_events), 0), coalesce((SELECT max(chain) FROM audit_chains), 0))",
        [],
        |row| row.get(0),
    )?;
    for chain in 1..=newest {
        heads.entry(chain).or_default();
    }
    let mut events = moment.prepare(&format!("{EVENT} WHERE chain = ?1 ORDER BY seq"))?;
    let mut reports = Vec::new();
    for (chain, stored) in heads {
        let mut verifier = Verifier::new(chain);
        let mut rows = events.query([chain])?;
        while let Some(row) = rows.next()? {
            let text = |column| row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error));
            let account: Option<[u8; 16]> = row.get(2)?;
            let entry = Entry {
                at: row.get(1)?,
                account: account.as_ref().map(|account| &account[..]),
                actor: text(3)?,
                action: text(4)?,
                target: text(5)?,
                detail: text(6)?,
            };
            let hash = row.get_ref(7)?.as_blob().map_err(|error| unreadable(7, error))?;
            verifier.event(row.get(0)?, &entry, hash);
        }
        let stored = stored.as_ref().map(|(seq, hash, seal)| (*seq, hash.as_slice(), seal.as_slice()));
        reports.push(verifier.finish(stored, &vault.audit));
    }
    Ok(reports)
}
