//! A request in a transaction: evidence, once-only, changes, audit, answer.

use std::ops::ControlFlow;
use std::time::Instant;

use directory::change::ChangeError;
use directory::port::{Evidence, Recalled, RequestIds, RequestKey, Write, Written};

use super::batch::Batch;
use super::memory::{Memory, fingerprint};
use super::row::millis;
use super::work::{Payload, Work};
use crate::session::{Result, Session, Value, values};

/// Writes requests, each exactly once.
pub(crate) struct Requests(pub(crate) Vec<Write>);

impl Payload for Requests {
    type Output = Vec<Written>;

    fn size(&self) -> usize {
        self.0.iter().map(|request| request.changes.len().max(1)).sum()
    }

    fn note_times(&self, began: Instant, ended: Instant) {
        self.0.iter().filter_map(|request| request.times.as_ref()).for_each(|times| times.note(began, ended));
    }

    fn is_repeatable(&self) -> bool {
        self.0.iter().all(|request| request.once.is_some())
    }
}

impl Work for Requests {
    fn may_remove(&self) -> bool {
        !self.0.iter().flat_map(|request| &request.changes).all(super::change::only_adds)
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
    let once = request.once.as_ref().map(|(key, request_ids)| (key, *request_ids, fingerprint(key)));
    if let Some((key, request_ids, fingerprint)) = once {
        match batch.recall(key, request_ids, fingerprint)? {
            Recalled::Unknown => {}
            Recalled::Ran(answer) => return Ok(Written::Repeated(answer)),
            Recalled::OtherBody => return Ok(Written::RequestIdReused),
        }
    }
    let mut effects = Vec::with_capacity(request.changes.len());
    for change in &request.changes {
        effects.push(super::change::one(batch, change, &request.actor, request.now)?);
    }
    // It is judged again: the change was undone, and the request did not run.
    if effects.iter().any(|effect| matches!(effect, Err(ChangeError::Outdated))) {
        return Ok(Written::Stale);
    }
    if effects.iter().any(|effect| matches!(effect, Err(ChangeError::TooManyDeletions))) {
        return Ok(Written::NotNow(ChangeError::TooManyDeletions));
    }
    let answer = (request.render)(&effects);
    if let Some((key, request_ids, fingerprint)) = once {
        batch.remember_request(millis(request.now), key, fingerprint, variant(key, request_ids), &answer)?;
    }
    Ok(Written::Ran(answer))
}

/// The part of PostgreSQL's unique index besides the id: empty under the strict policy, so one id is one request; the
/// body's digest under the compatible policy. The index refuses a request that two nodes ran at the same time.
pub(crate) fn variant(key: &RequestKey, request_ids: RequestIds) -> &[u8] {
    match request_ids {
        RequestIds::Strict => &[],
        RequestIds::Compatible => &key.digest,
    }
}

impl Batch<'_> {
    /// The record of a request, which this transaction may have written.
    fn recall(&self, key: &RequestKey, request_ids: RequestIds, fingerprint: i64) -> Result<Recalled> {
        let Some((memory, news)) = &self.memory else { return recall(self.session, None, key, request_ids) };
        let rows = memory.rows(self.session, fingerprint)?.into_iter().chain(news.rows(fingerprint));
        recall_rows(self.session, rows, key, request_ids)
    }

    fn remember_request(
        &mut self,
        ran_at: i64,
        key: &RequestKey,
        fingerprint: i64,
        variant: &[u8],
        answer: &[u8],
    ) -> Result<()> {
        let RequestKey { credential, request_id, digest } = key;
        let row = self.memory.as_mut().map(|(_, news)| news.add(fingerprint));
        match row {
            Some(row) => self.session.execute(
                "INSERT INTO requests (ran_at, binding, request_id, variant, digest, answer, seq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                values![ran_at, credential, request_id, variant, digest, answer, row],
            ),
            None => self.session.execute(
                "INSERT INTO requests (ran_at, binding, request_id, variant, digest, answer)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                values![ran_at, credential, request_id, variant, digest, answer],
            ),
        }
        .map(|_| ())
    }
}

/// The stored record of a request, judged by the policy; found by a memory, or else by the index.
pub(crate) fn recall(
    session: &dyn Session,
    memory: Option<&Memory>,
    request: &RequestKey,
    request_ids: RequestIds,
) -> Result<Recalled> {
    if let Some(memory) = memory {
        return recall_rows(session, memory.rows(session, fingerprint(request))?, request, request_ids);
    }
    let sql = "SELECT digest, answer FROM requests WHERE binding = ?1 AND request_id = ?2";
    judge(session, sql, values![request.credential, request.request_id], request, request_ids)
}

/// The same, in these rows. They may be of other requests.
fn recall_rows(
    session: &dyn Session,
    rows: impl IntoIterator<Item = i64>,
    request: &RequestKey,
    request_ids: RequestIds,
) -> Result<Recalled> {
    let sql = "SELECT digest, answer FROM requests WHERE seq = ?1 AND binding = ?2 AND request_id = ?3";
    let mut recalled = Recalled::Unknown;
    for row in rows {
        match judge(session, sql, values![row, request.credential, request.request_id], request, request_ids)?
        {
            Recalled::Unknown => {}
            Recalled::OtherBody => recalled = Recalled::OtherBody,
            ran @ Recalled::Ran(_) => return Ok(ran),
        }
    }
    Ok(recalled)
}

/// Judges the rows of a statement, digest and answer.
fn judge(
    session: &dyn Session,
    sql: &str,
    values: &[Value<'_>],
    request: &RequestKey,
    request_ids: RequestIds,
) -> Result<Recalled> {
    let mut recalled = Recalled::Unknown;
    session.visit(sql, values, &mut |row| {
        recalled = judged(request, request_ids, row.get(0)?, || row.get(1))?.unwrap_or(Recalled::Unknown);
        Ok(match recalled {
            Recalled::Ran(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    })?;
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
