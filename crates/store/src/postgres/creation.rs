//! The hot path: a group of requests that add users, in one transaction of two round trips: one statement over all of them
//! reads, one writes. Several lanes on several nodes do this at the same time. They contend for chains, accounts,
//! addresses and request ids; they lock them in this order, each kind sorted, so that they cannot deadlock.

mod find;
mod finish;
mod users;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use directory::audit::Actor;
use directory::change::{Change, ChangeError, Effect};
use directory::port::{CommitTimes, Evidence, Recalled, Render, RequestIds, RequestKey, Write, Written};
use directory::user::User;
use jiff::Timestamp;

use super::lane::{Lane, Progress, add_chain};
use super::session::Connection;
use crate::session::{Error, Kind, Result, Session};
use crate::tables::request::judged;
use crate::tables::work::Payload;
use crate::work::{Commit, Task};
use find::{Found, find};
use finish::finish;

/// A lane that adds users.
pub(super) struct Creation(pub(super) Lane);

/// Requests that only add users.
pub(super) struct Additions(pub(super) Vec<Addition>);

/// A request that only adds users.
pub(super) struct Addition {
    once: Option<(RequestKey, RequestIds)>,
    evidence: Vec<Evidence>,
    actor: Actor,
    now: Timestamp,
    users: Vec<User>,
    render: Render,
    times: Option<Arc<CommitTimes>>,
}

/// Takes the requests, if they only add users; gives them back otherwise.
pub(super) fn additions(requests: Vec<Write>) -> std::result::Result<Additions, Vec<Write>> {
    let adds = |change: &Change| matches!(change, Change::AddUser(_));
    if !requests.iter().all(|request| request.changes.iter().all(adds)) {
        return Err(requests);
    }
    let addition = |request: Write| {
        let Write { once, evidence, actor, now, changes, render, times } = request;
        let user = |change| if let Change::AddUser(user) = change { Some(user) } else { None };
        let users = changes.into_iter().filter_map(user).collect();
        Addition { once, evidence, actor, now, users, render, times }
    };
    Ok(Additions(requests.into_iter().map(addition).collect()))
}

impl Payload for Additions {
    type Output = Vec<Written>;

    fn size(&self) -> usize {
        self.0.iter().map(|request| request.users.len().max(1)).sum()
    }

    fn note_times(&self, began: Instant, ended: Instant) {
        self.0.iter().filter_map(|request| request.times.as_ref()).for_each(|times| times.note(began, ended));
    }

    fn is_repeatable(&self) -> bool {
        self.0.iter().all(|request| request.once.is_some())
    }
}

impl Commit for Creation {
    type Queued = Task<Additions>;

    fn commit(&mut self, group: &mut [Self::Queued]) -> Result<()> {
        let repeatable = group.iter().all(|task| task.payload.is_repeatable());
        let mut requests: Vec<(usize, &Addition)> =
            group.iter().flat_map(|task| &task.payload.0).enumerate().collect();
        // Events should be in the order of their times.
        requests.sort_by_key(|(_, request)| request.now);
        let written = self.0.transaction("users.create", repeatable, |lane, connection, progress| {
            if requests.is_empty() {
                return connection.batch("SELECT 1").map(|()| Vec::new());
            }
            create(lane, connection, &requests, progress)
        })?;
        let mut written = written.into_iter();
        for task in group {
            let output = written.by_ref().take(task.payload.0.len()).collect();
            task.set_output(output);
        }
        Ok(())
    }
}

/// The outcome of a request, before it is written.
enum Verdict<'r> {
    /// It does not run.
    Known(Written),
    /// It repeats the request at this place in the group.
    Repeats(usize),
    Runs(Vec<(&'r User, UserOutcome)>),
}

type UserOutcome = std::result::Result<Effect, ChangeError>;

/// Credential and request id.
type Id = ([u8; 16], [u8; 16]);

fn create(
    lane: &Lane,
    connection: &Connection,
    requests: &[(usize, &Addition)],
    progress: &Progress,
) -> Result<Vec<Written>> {
    let Some(found) = find(connection, lane.begin, requests)? else {
        // Other lanes hold all chains: add one, and run again with it.
        connection.batch("ROLLBACK")?;
        let session: &dyn Session = connection;
        let newest: i64 = session.only("SELECT max(chain) FROM audit_chains", &[], |row| row.get(0))?;
        add_chain(session, &lane.vault, newest + 1)?;
        return Err(Error::new(Kind::Conflict, "every chain was taken"));
    };
    let verdicts = judge(requests, &found)?;
    let written = finish(lane, connection, requests, &verdicts, &found, progress)?;
    let mut ordered: Vec<(usize, Written)> = requests.iter().map(|(place, _)| *place).zip(written).collect();
    ordered.sort_by_key(|(place, _)| *place);
    Ok(ordered.into_iter().map(|(_, written)| written).collect())
}

/// Judges each request by the database and by the requests before it in the group.
fn judge<'r>(requests: &[(usize, &'r Addition)], found: &Found) -> Result<Vec<Verdict<'r>>> {
    let mut earlier = HashMap::new();
    let mut taken: HashSet<&str> = found.taken.iter().map(String::as_str).collect();
    let mut verdicts = Vec::with_capacity(requests.len());
    for (place, (_, request)) in requests.iter().enumerate() {
        let holds = |Evidence { account, epoch }: &Evidence| found.epochs.get(account) == Some(epoch);
        if !request.evidence.iter().all(holds) {
            verdicts.push(Verdict::Known(Written::Stale));
            continue;
        }
        if let Some((key, request_ids)) = &request.once
            && let Some(verdict) = repeated(key, *request_ids, place, found, &mut earlier)?
        {
            verdicts.push(verdict);
            continue;
        }
        let users = request.users.iter().map(|user| match taken.insert(user.address.key()) {
            true => (user, Ok(Effect::Done)),
            false => (user, Err(ChangeError::AddressTaken)),
        });
        verdicts.push(Verdict::Runs(users.collect()));
    }
    Ok(verdicts)
}

/// The verdict on a request that ran before, in the database or in the group; `None`: it runs.
fn repeated<'r>(
    key: &RequestKey,
    request_ids: RequestIds,
    place: usize,
    found: &Found,
    earlier: &mut HashMap<Id, Vec<(usize, [u8; 32])>>,
) -> Result<Option<Verdict<'r>>> {
    let id = (key.credential, key.request_id);
    let mut other_body = false;
    for (digest, answer) in found.remembered.get(&id).into_iter().flatten() {
        match judged(key, request_ids, digest, || Ok(answer.clone()))? {
            Some(Recalled::Ran(answer)) => return Ok(Some(Verdict::Known(Written::Repeated(answer)))),
            Some(Recalled::OtherBody) => other_body = true,
            Some(Recalled::Unknown) | None => {}
        }
    }
    if other_body {
        return Ok(Some(Verdict::Known(Written::RequestIdReused)));
    }
    let earlier = earlier.entry(id).or_default();
    if let Some((place, _)) = earlier.iter().find(|(_, digest)| *digest == key.digest) {
        return Ok(Some(Verdict::Repeats(*place)));
    }
    if request_ids == RequestIds::Strict && !earlier.is_empty() {
        return Ok(Some(Verdict::Known(Written::RequestIdReused)));
    }
    earlier.push((place, key.digest));
    Ok(None)
}
