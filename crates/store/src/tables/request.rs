//! A request in a transaction: evidence, once-only, changes, audit, answer.

use std::ops::ControlFlow;

use directory::audit::Actor;
use directory::change::{CREATED, ChangeError, Effect};
use directory::port::{Evidence, Recalled, RequestIds, RequestKey, Write, Written};
use directory::user::User;

use super::batch::Batch;
use super::row::millis;
use crate::audit::Entry;
use crate::session::{Result, Session, values};

pub(crate) fn run(batch: &mut Batch<'_>, request: &Write) -> Result<Written> {
    for Evidence { account, epoch } in &request.evidence {
        if batch.epoch(*account)? != Some(*epoch) {
            return Ok(Written::Stale);
        }
    }
    if let Some((key, request_ids)) = &request.once {
        match recall(batch.session, key, *request_ids)? {
            Recalled::Unknown => {}
            Recalled::Ran(answer) => return Ok(Written::Repeated(answer)),
            Recalled::OtherBody => return Ok(Written::RequestIdReused),
        }
    }
    let mut effects = Vec::with_capacity(request.changes.len());
    for change in &request.changes {
        effects.push(super::change::one(batch, change, &request.actor, request.now)?);
    }
    let answer = (request.render)(&effects);
    if let Some((key, request_ids)) = &request.once {
        batch.session.execute(
            "INSERT INTO requests (ran_at, binding, request_id, variant, digest, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            values![
                millis(request.now),
                key.credential,
                key.request_id,
                variant(key, *request_ids),
                key.digest,
                answer
            ],
        )?;
    }
    Ok(Written::Ran(answer))
}

/// What, beside the id, must be there only once: nothing where an id stands for one request, the body where it may
/// stand for several. So the index refuses what two nodes that knew nothing of each other would both have run.
pub(crate) fn variant(key: &RequestKey, request_ids: RequestIds) -> &[u8] {
    match request_ids {
        RequestIds::Strict => &[],
        RequestIds::Compatible => &key.digest,
    }
}

/// What is remembered of a request, judged by the policy.
pub(crate) fn recall(
    session: &dyn Session,
    request: &RequestKey,
    request_ids: RequestIds,
) -> Result<Recalled> {
    let mut recalled = Recalled::Unknown;
    session.visit(
        "SELECT digest, answer FROM requests WHERE binding = ?1 AND request_id = ?2",
        values![request.credential, request.request_id],
        &mut |row| {
            recalled = judged(request, request_ids, row.get(0)?, || row.get(1))?.unwrap_or(Recalled::Unknown);
            Ok(match recalled {
                Recalled::Ran(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        },
    )?;
    Ok(recalled)
}

/// What one remembered request with the same id says of this one.
pub(crate) fn judged(
    request: &RequestKey,
    request_ids: RequestIds,
    digest: &[u8],
    answer: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Option<Recalled>> {
    Ok(match request_ids {
        _ if digest == request.digest => Some(Recalled::Ran(answer()?)),
        RequestIds::Strict => Some(Recalled::OtherBody),
        RequestIds::Compatible => None,
    })
}

/// Inserts a user or an alias, unless its address is taken, and tells the audit.
pub(super) fn insert_user(
    batch: &mut Batch<'_>,
    user: &User,
    actor: &Actor,
) -> Result<std::result::Result<Effect, ChangeError>> {
    let inserted = batch.session.execute(
        "INSERT INTO users (id, account, address, address_key, name, password, must_change_password, role,
                            address_type, source, alias_of, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (address_key) DO NOTHING",
        values![
            user.id.as_bytes(),
            user.account.as_bytes(),
            user.address.as_str(),
            user.address.key(),
            user.name,
            user.password.as_ref().map(|password| password.expose()),
            user.must_change_password,
            user.role.as_ref().map(|role| role.as_bytes()),
            user.address_type.as_str(),
            user.source.as_str(),
            user.alias_of.as_ref().map(|user| user.as_bytes()),
            millis(user.created_at),
        ],
    )?;
    if inserted == 0 {
        return Ok(Err(ChangeError::AddressTaken));
    }
    batch.count(user.account, user.address.domain(), 1);
    let buried = batch.session.one(
        "SELECT 1 FROM tombstones WHERE address_key = ?1 LIMIT 1",
        values![user.address.key()],
        |_| Ok(()),
    )?;
    batch.record(Entry {
        at: millis(user.created_at),
        account: Some(user.account.as_bytes()),
        actor: actor.name(),
        action: if user.alias_of.is_some() { "alias.added" } else { CREATED },
        target: user.address.as_str(),
        detail: detail(user, buried.is_some()),
    })?;
    Ok(Ok(Effect::Done))
}

/// What the audit says of a new user beside its address.
pub(crate) fn detail(user: &User, reborn: bool) -> &'static str {
    macro_rules! told {
        ($detail:literal) => {
            if reborn {
                concat!($detail, "; the address was removed earlier, and gets none of its old rights")
            } else {
                $detail
            }
        };
    }
    match (&user.password, user.must_change_password) {
        _ if user.alias_of.is_some() => told!(""),
        (None, false) => told!("without password"),
        (None, true) => told!("without password, must change it"),
        (Some(_), false) => told!("with password"),
        (Some(_), true) => told!("with password, must change it"),
    }
}
