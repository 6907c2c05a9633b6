//! How an account gets a domain. Ownership is read in the transaction, so of two that want the same domain, the first
//! gets it.

use directory::audit::Action;
use directory::change::{ChangeError, Effect};
use directory::domains::{DomainChange, PendingDomain, Registered};
use directory::{AccountId, Domain, DomainId, DomainName, PendingDomainId};
use jiff::Timestamp;

use super::{Attempt, Judged, Made, accounts, there};
use crate::session::{Result, Session, values};
use crate::tables::read::domains as read;
use crate::tables::row::millis;

pub(super) fn make(session: &dyn Session, change: &DomainChange, now: Timestamp) -> Attempt {
    match change {
        DomainChange::Register(pending, id) => register(session, pending.clone(), *id, now),
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
            internal(session, domain)
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

fn register(session: &dyn Session, pending: PendingDomain, id: DomainId, now: Timestamp) -> Attempt {
    if there!(above(session, pending.account, &pending.name)?) {
        let inbound_type = pending.inbound_type;
        let domain = Domain { inbound_type, ..Domain::new(id, pending.account, pending.name, now) };
        let made = internal(session, domain)?;
        let detail = "below a domain of the account".to_owned();
        return Ok(made.map(|made| Made { action: Some(Action::DomainAdded), detail, ..made }));
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

fn internal(session: &dyn Session, domain: Domain) -> Attempt {
    let made = there!(accounts::add_domain(session, &domain)?);
    session.execute(
        "DELETE FROM pending_domains WHERE account = ?1 AND name = ?2",
        values![domain.account.as_bytes(), domain.name.as_str()],
    )?;
    Ok(Ok(Made { effect: Effect::Domain(Box::new(Registered::Internal(domain))), ..made }))
}
