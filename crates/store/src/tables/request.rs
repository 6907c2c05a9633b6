//! A request in a transaction: evidence, once-only, changes, audit, answer.

use std::ops::ControlFlow;

use directory::change::Change;
use directory::port::{Evidence, Recalled, RequestIds, RequestKey, Write, Written};

use super::batch::Batch;
use super::row::millis;
use super::work::{Payload, Work};
use crate::session::{Result, Session, values};

/// Writes requests, each exactly once.
pub(crate) struct Requests(pub(crate) Vec<Write>);

impl Payload for Requests {
    type Output = Vec<Written>;

    fn size(&self) -> usize {
        self.0.iter().map(|request| request.changes.len().max(1)).sum()
    }

    fn is_repeatable(&self) -> bool {
        self.0.iter().all(|request| request.once.is_some())
    }
}

impl Work for Requests {
    fn may_remove(&self) -> bool {
        let mut changes = self.0.iter().flat_map(|request| &request.changes);
        changes.any(|change| !matches!(change, Change::AddUser(_) | Change::AddAlias(_)))
    }

    fn run(&self, batch: &mut Batch<'_>) -> Result<Vec<Written>> {
        self.0.iter().map(|request| write(batch, request)).collect()
    }
}

fn write(batch: &mut Batch<'_>, request: &Write) -> Result<Written> {
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

/// The part of the unique index besides the id: empty under the strict policy, so one id is one request; the body's
/// digest under the compatible policy. The index refuses a request that two nodes ran at the same time.
pub(crate) fn variant(key: &RequestKey, request_ids: RequestIds) -> &[u8] {
    match request_ids {
        RequestIds::Strict => &[],
        RequestIds::Compatible => &key.digest,
    }
}

/// The stored record of a request, judged by the policy.
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

/// Compares a stored request with the same id; `None`: it is another request.
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
