//! How an account gets a domain. Who manages what is looked at in the transaction: of two that want the same, one is first.

use directory::change::{ChangeRefused, Effect};
use directory::domains::{DomainChange, PendingDomain, Registered};
use directory::{AccountId, Domain, DomainId, DomainName, PendingDomainId};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Attempt, Made, accounts, there, update as execute};
use crate::sqlite::read::domains as read;
use crate::sqlite::row::millis;

pub(super) fn make(connection: &Connection, change: DomainChange, now: Timestamp) -> Attempt {
    match change {
        DomainChange::Register(pending, id) => register(connection, pending, id, now),
        DomainChange::Verify { pending, id, inbound_type } => {
            let pending = there!(found(connection, pending)?);
            if pending.live(now).is_err() {
                return Ok(Err(ChangeRefused::VerificationExpired));
            }
            there!(above(connection, pending.account, &pending.name)?);
            let domain = Domain { inbound_type, ..Domain::new(id, pending.account, pending.name, now) };
            internal(connection, domain)
        }
        DomainChange::Drop(id) => {
            let pending = there!(found(connection, id)?);
            execute(connection, "DELETE FROM pending_domains WHERE id = ?1", params![id.as_bytes()])?;
            Ok(Ok(made(pending)))
        }
    }
}

fn found(
    connection: &Connection,
    id: PendingDomainId,
) -> rusqlite::Result<Result<PendingDomain, ChangeRefused>> {
    Ok(read::pending_by_id(connection, id)?.ok_or(ChangeRefused::NotThere))
}

/// Whether the nearest managed domain above is the account's own; there may be none.
fn above(
    connection: &Connection,
    account: AccountId,
    name: &DomainName,
) -> rusqlite::Result<Result<bool, ChangeRefused>> {
    if read::manager(connection, name.as_str())?.is_some() {
        return Ok(Err(ChangeRefused::DomainManaged));
    }
    for parent in name.parents() {
        match read::manager(connection, parent)? {
            Some(manager) if manager == account => return Ok(Ok(true)),
            Some(_) => return Ok(Err(ChangeRefused::DomainBelowAnothers)),
            None => {}
        }
    }
    Ok(Ok(false))
}

fn made(pending: PendingDomain) -> Made {
    let detail = format!("can be verified until {}", pending.expires_at);
    let made = Made::new(pending.account, pending.name.as_str(), detail);
    Made { effect: Effect::Domain(Box::new(Registered::Pending(pending))), ..made }
}

fn register(connection: &Connection, pending: PendingDomain, id: DomainId, now: Timestamp) -> Attempt {
    if there!(above(connection, pending.account, &pending.name)?) {
        let inbound_type = pending.inbound_type;
        let domain = Domain { inbound_type, ..Domain::new(id, pending.account, pending.name, now) };
        let made = internal(connection, domain)?;
        let detail = "below a domain of the account".to_owned();
        return Ok(made.map(|made| Made { action: Some("domain.added"), detail, ..made }));
    }
    // A registration that has expired makes room for a new one, with a new token.
    execute(
        connection,
        "DELETE FROM pending_domains WHERE account = ?1 AND name = ?2 AND expires_at <= ?3",
        params![pending.account.as_bytes(), pending.name.as_str(), millis(now)],
    )?;
    execute(
        connection,
        "INSERT INTO pending_domains (id, account, name, inbound_type, token, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            pending.id.as_bytes(),
            pending.account.as_bytes(),
            pending.name.as_str(),
            pending.inbound_type.as_str(),
            pending.token,
            millis(pending.created_at),
            millis(pending.expires_at),
        ],
    )?;
    Ok(Ok(made(pending)))
}

fn internal(connection: &Connection, domain: Domain) -> Attempt {
    let made = there!(accounts::add_domain(connection, &domain)?);
    execute(
        connection,
        "DELETE FROM pending_domains WHERE account = ?1 AND name = ?2",
        params![domain.account.as_bytes(), domain.name.as_str()],
    )?;
    Ok(Ok(Made { effect: Effect::Domain(Box::new(Registered::Internal(domain))), ..made }))
}
