//! Domains, internal and on their way to it.

use directory::domains::{InboundType, PendingDomain};
use directory::port::{Listed, Position};
use directory::{AccountId, Domain, DomainId, DomainName, PendingDomainId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{all, rows};
use crate::sqlite::row::{parsed, time};

const DOMAIN: &str = "SELECT id, name, account, inbound_type, send_only, local, created_at FROM domains";
const PENDING: &str =
    "SELECT id, name, account, inbound_type, token, created_at, expires_at FROM pending_domains";
const UP: &str = "WHERE account = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
const DOWN: &str = "WHERE account = ?1 AND name < ?2 ORDER BY name DESC LIMIT ?3";

fn domain_at(row: &Row<'_>) -> rusqlite::Result<Domain> {
    Ok(Domain {
        id: DomainId::from_bytes(row.get(0)?),
        name: parsed(row, 1, DomainName::parse)?,
        account: AccountId::from_bytes(row.get(2)?),
        inbound_type: parsed(row, 3, InboundType::parse)?,
        send_only: row.get(4)?,
        local: row.get(5)?,
        created_at: time(row, 6)?,
    })
}

fn pending_at(row: &Row<'_>) -> rusqlite::Result<PendingDomain> {
    Ok(PendingDomain {
        id: PendingDomainId::from_bytes(row.get(0)?),
        name: parsed(row, 1, DomainName::parse)?,
        account: AccountId::from_bytes(row.get(2)?),
        inbound_type: parsed(row, 3, InboundType::parse)?,
        token: row.get(4)?,
        created_at: time(row, 5)?,
        expires_at: time(row, 6)?,
    })
}

pub(in crate::sqlite) fn every(connection: &Connection) -> rusqlite::Result<Vec<Domain>> {
    all(connection, &format!("{DOMAIN} ORDER BY name"), domain_at)
}

pub(in crate::sqlite) fn by_name(
    connection: &Connection,
    account: AccountId,
    name: &DomainName,
) -> rusqlite::Result<Option<Domain>> {
    connection
        .prepare_cached(&format!("{DOMAIN} WHERE account = ?1 AND name = ?2"))?
        .query_row(params![account.as_bytes(), name.as_str()], domain_at)
        .optional()
}

/// The account that manages a domain of this name.
pub(in crate::sqlite) fn manager(connection: &Connection, name: &str) -> rusqlite::Result<Option<AccountId>> {
    connection
        .prepare_cached("SELECT account FROM domains WHERE name = ?1")?
        .query_row([name], |row| row.get(0).map(AccountId::from_bytes))
        .optional()
}

pub(in crate::sqlite) fn pending(
    connection: &Connection,
    account: AccountId,
    name: &DomainName,
) -> rusqlite::Result<Option<PendingDomain>> {
    connection
        .prepare_cached(&format!("{PENDING} WHERE account = ?1 AND name = ?2"))?
        .query_row(params![account.as_bytes(), name.as_str()], pending_at)
        .optional()
}

pub(in crate::sqlite) fn pending_by_id(
    connection: &Connection,
    id: PendingDomainId,
) -> rusqlite::Result<Option<PendingDomain>> {
    connection
        .prepare_cached(&format!("{PENDING} WHERE id = ?1"))?
        .query_row([id.as_bytes()], pending_at)
        .optional()
}

pub(in crate::sqlite) fn list(
    connection: &Connection,
    account: AccountId,
    from: &Position,
    limit: usize,
) -> rusqlite::Result<Listed<Domain>> {
    let total = "SELECT count(*) FROM domains WHERE account = ?1";
    page(connection, (DOMAIN, total), account, from, limit, domain_at)
}

pub(in crate::sqlite) fn list_pending(
    connection: &Connection,
    account: AccountId,
    from: &Position,
    limit: usize,
) -> rusqlite::Result<Listed<PendingDomain>> {
    let total = "SELECT count(*) FROM pending_domains WHERE account = ?1";
    page(connection, (PENDING, total), account, from, limit, pending_at)
}

/// A page by a range of the index over names. The total is counted: an account has few domains.
fn page<T>(
    connection: &Connection,
    (select, count): (&str, &str),
    account: AccountId,
    from: &Position,
    limit: usize,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Listed<T>> {
    let moment = connection.unchecked_transaction()?;
    let (key, order) = match from {
        Position::Start => ("", UP),
        Position::After(key) => (key.as_str(), UP),
        Position::Before(key) => (key.as_str(), DOWN),
    };
    let mut found: Vec<T> = moment
        .prepare_cached(&format!("{select} {order}"))?
        .query_map(params![account.as_bytes(), key, rows(limit)], read)?
        .collect::<rusqlite::Result<_>>()?;
    if order == DOWN {
        found.reverse();
    }
    let total: i64 = moment.prepare_cached(count)?.query_row([account.as_bytes()], |row| row.get(0))?;
    Ok(Listed { rows: found, total: u64::try_from(total).unwrap_or(0) })
}

/// The statements of the lists, for their plans.
#[cfg(test)]
pub(super) fn lists() -> Vec<String> {
    let lists = [(DOMAIN, UP), (DOMAIN, DOWN), (PENDING, UP), (PENDING, DOWN)];
    lists.map(|(select, order)| format!("{select} {order}")).into()
}
