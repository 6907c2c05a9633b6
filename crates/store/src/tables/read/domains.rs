//! Domains, internal and pending.

use directory::domains::{InboundType, PendingDomain};
use directory::port::{Listed, Position};
use directory::{AccountId, Domain, DomainId, DomainName, PendingDomainId};

use super::rows;
use crate::session::{Result, Row, Session, values};
use crate::tables::row::{parsed, time};

const DOMAIN: &str = "SELECT id, name, account, inbound_type, send_only, local, created_at FROM domains";
const PENDING: &str =
    "SELECT id, name, account, inbound_type, token, created_at, expires_at FROM pending_domains";
const UP: &str = "WHERE account = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
const DOWN: &str = "WHERE account = ?1 AND name < ?2 ORDER BY name DESC LIMIT ?3";

fn domain_at(row: Row<'_>) -> Result<Domain> {
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

fn pending_at(row: Row<'_>) -> Result<PendingDomain> {
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

pub(crate) fn every(session: &dyn Session) -> Result<Vec<Domain>> {
    session.all(&format!("{DOMAIN} ORDER BY name"), &[], domain_at)
}

pub(crate) fn by_name(
    session: &dyn Session,
    account: AccountId,
    name: &DomainName,
) -> Result<Option<Domain>> {
    session.one(
        &format!("{DOMAIN} WHERE account = ?1 AND name = ?2"),
        values![account.as_bytes(), name.as_str()],
        domain_at,
    )
}

/// The account that manages a domain of this name.
pub(crate) fn manager(session: &dyn Session, name: &str) -> Result<Option<AccountId>> {
    session.one("SELECT account FROM domains WHERE name = ?1", values![name], |row| {
        row.get(0).map(AccountId::from_bytes)
    })
}

pub(crate) fn pending(
    session: &dyn Session,
    account: AccountId,
    name: &DomainName,
) -> Result<Option<PendingDomain>> {
    session.one(
        &format!("{PENDING} WHERE account = ?1 AND name = ?2"),
        values![account.as_bytes(), name.as_str()],
        pending_at,
    )
}

pub(crate) fn pending_by_id(session: &dyn Session, id: PendingDomainId) -> Result<Option<PendingDomain>> {
    session.one(&format!("{PENDING} WHERE id = ?1"), values![id.as_bytes()], pending_at)
}

pub(crate) fn list(
    session: &dyn Session,
    account: AccountId,
    from: &Position,
    limit: usize,
) -> Result<Listed<Domain>> {
    let total = "SELECT count(*) FROM domains WHERE account = ?1";
    page(session, (DOMAIN, total), account, from, limit, domain_at)
}

pub(crate) fn list_pending(
    session: &dyn Session,
    account: AccountId,
    from: &Position,
    limit: usize,
) -> Result<Listed<PendingDomain>> {
    let total = "SELECT count(*) FROM pending_domains WHERE account = ?1";
    page(session, (PENDING, total), account, from, limit, pending_at)
}

/// A page reads a range of the index over names. The total is counted, because an account has few domains.
fn page<T>(
    session: &dyn Session,
    (select, count): (&str, &str),
    account: AccountId,
    from: &Position,
    limit: usize,
    read: fn(Row<'_>) -> Result<T>,
) -> Result<Listed<T>> {
    let (key, order) = match from {
        Position::Start => ("", UP),
        Position::After(key) => (key.as_str(), UP),
        Position::Before(key) => (key.as_str(), DOWN),
    };
    let mut found: Vec<T> =
        session.all(&format!("{select} {order}"), values![account.as_bytes(), key, rows(limit)], read)?;
    if order == DOWN {
        found.reverse();
    }
    let total: i64 = session.only(count, values![account.as_bytes()], |row| row.get(0))?;
    Ok(Listed { rows: found, total: u64::try_from(total).unwrap_or(0) })
}

/// The statements of the lists, for the test of their plans.
#[cfg(test)]
pub(super) fn lists() -> Vec<String> {
    let lists = [(DOMAIN, UP), (DOMAIN, DOWN), (PENDING, UP), (PENDING, DOWN)];
    lists.map(|(select, order)| format!("{select} {order}")).into()
}
