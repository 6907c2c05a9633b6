//! How an account gets a domain. Ownership is read in the transaction, so of two that want the same domain, the first
//! gets it.

use directory::audit::Action;
use directory::change::{ChangeError, Effect};
use directory::domains::{DomainChange, PendingDomain, RESERVED, Registered, reserved_users};
use directory::{AccountId, Domain, DomainId, DomainName, PendingDomainId, UserId};
use jiff::Timestamp;

use super::{Attempt, Judged, Made, there, users};
use crate::session::{Result, Session, values};
use crate::tables::batch::Batch;
use crate::tables::read::domains as read;
use crate::tables::read::users::by_keys as users_by_keys;
use crate::tables::row::millis;
use crate::tables::words;

/// A domain belongs to one account with all its addresses: lists of an account's users are ranges of the index over all
/// addresses, and nobody can take over a name with which another account's users still log in.
pub(super) fn add(batch: &Batch<'_>, domain: &Domain) -> Attempt {
    let session = batch.session;
    let foreign: Option<i64> = session.one(
        "SELECT 1 FROM user_counts WHERE domain = ?1 AND account <> ?2
             GROUP BY account HAVING sum(users) > 0 LIMIT 1",
        values![domain.name.as_str(), domain.account.as_bytes()],
        |row| row.get(0),
    )?;
    if foreign.is_some() {
        return Ok(Err(ChangeError::DomainHasUsers));
    }
    session.execute(
        "INSERT INTO domains (id, name, account, inbound_type, send_only, local, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            domain.id.as_bytes(),
            domain.name.as_str(),
            domain.account.as_bytes(),
            domain.inbound_type.as_str(),
            domain.send_only,
            domain.local,
            millis(domain.created_at)
        ],
    )?;
    let mut made = Made::new(domain.account, domain.name.as_str(), "");
    add_reserved_users(batch, domain, &mut made)?;
    Ok(Ok(made))
}

/// Adds the users that every domain has. A user or alias that has such an address already stays as it is. The event of
/// the domain names the new ones; they get no events.
fn add_reserved_users(batch: &Batch<'_>, domain: &Domain, made: &mut Made) -> Result<()> {
    let id = || UserId::at(domain.created_at, &batch.entropy.randomness());
    let mut added = Vec::new();
    for user in reserved_users(domain, id) {
        if let Ok(one) = users::add(batch.session, &user)? {
            made.counts.extend(one.counts);
            added.push(user);
        }
    }
    words::add(batch.session, &added)?;
    let addresses: Vec<_> = added.iter().map(|user| user.address.as_str()).collect();
    if !addresses.is_empty() {
        made.detail = format!("with {}", addresses.join(" and "));
    }
    Ok(())
}

/// The users of the domain stay, except those that it came with.
pub(super) fn remove(session: &dyn Session, id: DomainId, now: Timestamp) -> Attempt {
    let sql = "SELECT account, name FROM domains WHERE id = ?1";
    let mut made = there!(super::found(session, sql, id.as_bytes())?).taking();
    let keys = RESERVED.map(|(local, _)| format!("{}@{local}", made.target));
    for user in users_by_keys(session, &keys.each_ref().map(String::as_str))? {
        if user.reserved {
            users::erase(session, &user, now)?;
            made.counts.push((user.account, made.target.clone(), -1));
        }
    }
    session.execute("DELETE FROM domains WHERE id = ?1", values![id.as_bytes()])?;
    Ok(Ok(made))
}

pub(super) fn make(batch: &Batch<'_>, change: &DomainChange, now: Timestamp) -> Attempt {
    let session = batch.session;
    match change {
        DomainChange::Register(pending, id) => register(batch, pending.clone(), *id, now),
        DomainChange::Verify { pending, id, inbound_type } => {
            let pending = there!(found(session, *pending)?);
            if pending.live(now).is_err() {
                return Ok(Err(ChangeError::VerificationExpired));
            }
            there!(above(session, pending.account, &pending.name)?);
            let domain = Domain {
                inbound_type: *inbound_type,
                ..Domain::new(*id, pending.account, pending.name, now)
            };
            internal(batch, domain)
        }
        DomainChange::Provide { domain, by } => {
            there!(above(session, *by, &domain.name)?);
            internal(batch, domain.clone())
        }
        DomainChange::Drop(id) => {
            let pending = there!(found(session, *id)?);
            session.execute("DELETE FROM pending_domains WHERE id = ?1", values![id.as_bytes()])?;
            Ok(Ok(made(pending)))
        }
    }
}

fn found(session: &dyn Session, id: PendingDomainId) -> Result<Judged<PendingDomain>> {
    Ok(read::pending_by_id(session, id)?.ok_or(ChangeError::NotFound))
}

/// Whether the account manages the nearest managed domain above; `false`: no domain above is managed.
fn above(session: &dyn Session, account: AccountId, name: &DomainName) -> Result<Judged<bool>> {
    if read::manager(session, name.as_str())?.is_some() {
        return Ok(Err(ChangeError::DomainManaged));
    }
    for parent in name.parents() {
        match read::manager(session, parent)? {
            Some(manager) if manager == account => return Ok(Ok(true)),
            Some(_) => return Ok(Err(ChangeError::DomainBelowAnothers)),
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

fn register(batch: &Batch<'_>, pending: PendingDomain, id: DomainId, now: Timestamp) -> Attempt {
    let session = batch.session;
    if there!(above(session, pending.account, &pending.name)?) {
        let inbound_type = pending.inbound_type;
        let domain = Domain { inbound_type, ..Domain::new(id, pending.account, pending.name, now) };
        let mut made = there!(internal(batch, domain)?);
        made.action = Some(Action::DomainAdded);
        let separator = if made.detail.is_empty() { "" } else { "; " };
        made.detail = format!("below a domain of the account{separator}{}", made.detail);
        return Ok(Ok(made));
    }
    // An expired registration is replaced by a new one, with a new token.
    session.execute(
        "DELETE FROM pending_domains WHERE account = ?1 AND name = ?2 AND expires_at <= ?3",
        values![pending.account.as_bytes(), pending.name.as_str(), millis(now)],
    )?;
    session.execute(
        "INSERT INTO pending_domains (id, account, name, inbound_type, token, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
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

fn internal(batch: &Batch<'_>, domain: Domain) -> Attempt {
    let made = there!(add(batch, &domain)?);
    batch.session.execute(
        "DELETE FROM pending_domains WHERE account = ?1 AND name = ?2",
        values![domain.account.as_bytes(), domain.name.as_str()],
    )?;
    Ok(Ok(Made { effect: Effect::Domain(Box::new(Registered::Internal(domain))), ..made }))
}
