//! The last round trip: answers, events, counts, the end of the chain, and the commit.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use directory::AccountId;
use directory::audit::Action;
use directory::port::{RequestKey, Written};
use directory::user::User;
use futures_util::future::join5;

use super::{Addition, Parameter, UserOutcome, Verdict};
use crate::audit::{Entry, Head};
use crate::postgres::lane::{Lane, Progress, impossible};
use crate::postgres::session::Connection;
use crate::session::Result;
use crate::tables::batch::Chain;
use crate::tables::change::users::added;
use crate::tables::request::variant;
use crate::tables::row::millis;

const REMEMBER: &str = "INSERT INTO requests (ran_at, binding, request_id, variant, digest, answer)
    SELECT * FROM unnest(?1::bigint[], ?2::bytea[], ?3::bytea[], ?4::bytea[], ?5::bytea[], ?6::bytea[])";
const RECORD: &str = "INSERT INTO audit_events (chain, seq, at, account, actor, action, target, detail, hash)
    SELECT ?1, * FROM unnest(?2::bigint[], ?3::bigint[], ?4::bytea[], ?5::text[], ?6::text[], ?7::text[], ?8::text[],
        ?9::bytea[])";
const STEPPED_BACK: &str = "INSERT INTO audit_steps_back (chain, seq) SELECT ?1, * FROM unnest(?2::bigint[])";
const COUNT: &str = "INSERT INTO user_counts (account, domain, chain, users)
    SELECT account, domain, ?1, users FROM unnest(?2::bytea[], ?3::text[], ?4::bigint[]) AS n (account, domain, users)
    ON CONFLICT (account, domain, chain) DO UPDATE SET users = user_counts.users + excluded.users";
const CHAIN_ENDS: &str = "UPDATE audit_chains SET seq = ?2, hash = ?3, seal = ?4, at = ?5 WHERE chain = ?1";

pub(super) fn finish(
    lane: &Lane,
    connection: &Connection,
    requests: &[(usize, &Addition)],
    verdicts: &[Verdict<'_>],
    removed: &HashSet<String>,
    mut chain: Chain,
    progress: &Progress,
) -> Result<Vec<Written>> {
    let mut events = Events::default();
    let mut written: Vec<Written> = Vec::with_capacity(requests.len());
    for ((_, request), verdict) in requests.iter().zip(verdicts) {
        written.push(match verdict {
            Verdict::Known(written) => written.clone(),
            Verdict::Repeats(place) => match written.get(*place) {
                Some(Written::Ran(answer)) => Written::Repeated(answer.clone()),
                _ => return Err(impossible("a request like one that did not run")),
            },
            Verdict::Runs(users) => {
                for (user, _) in users.iter().filter(|(_, outcome)| outcome.is_ok()) {
                    events.record(&mut chain, request, user, removed.contains(user.address.key()));
                }
                let outcomes: Vec<UserOutcome> = users.iter().map(|(_, outcome)| outcome.clone()).collect();
                Written::Ran((request.render)(&outcomes))
            }
        });
    }
    commit(lane, connection, &events, &ran(requests, &written), &chain, progress)?;
    Ok(written)
}

/// The events and counts, column by column.
#[derive(Default)]
struct Events<'r> {
    seq: Vec<i64>,
    at: Vec<i64>,
    account: Vec<&'r [u8]>,
    actor: Vec<&'r str>,
    target: Vec<&'r str>,
    detail: Vec<Cow<'static, str>>,
    hash: Vec<[u8; 32]>,
    /// Numbers of the events that are earlier than the one before them.
    back: Vec<i64>,
    counts: HashMap<(AccountId, &'r str), i64>,
}

impl<'r> Events<'r> {
    /// Appends an event to the chain.
    fn record(&mut self, chain: &mut Chain, request: &'r Addition, user: &'r User, removed: bool) {
        let at = chain.time(millis(user.created_at));
        let detail = added(user, removed);
        let entry = Entry {
            at,
            account: Some(user.account.as_bytes()),
            actor: request.actor.name(),
            action: Action::UserCreated.as_str(),
            target: user.address.as_str(),
            detail: &detail,
        };
        let head = chain.head.then(&entry);
        if at < chain.at {
            self.back.push(head.seq);
        }
        *chain = Chain { head, at };
        self.seq.push(head.seq);
        self.at.push(at);
        self.account.push(user.account.as_bytes());
        self.actor.push(request.actor.name());
        self.target.push(user.address.as_str());
        self.hash.push(head.hash);
        self.detail.push(detail);
        *self.counts.entry((user.account, user.address.domain())).or_default() += 1;
    }
}

/// A request that ran once only, with its answer.
struct Ran<'r> {
    at: i64,
    key: &'r RequestKey,
    variant: &'r [u8],
    answer: &'r [u8],
}

/// The requests to remember; sorted, so that two lanes with the same requests first meet at the same one.
fn ran<'r>(requests: &[(usize, &'r Addition)], written: &'r [Written]) -> Vec<Ran<'r>> {
    let mut ran: Vec<Ran<'_>> = requests
        .iter()
        .zip(written)
        .filter_map(|((_, request), written)| match (written, &request.once) {
            (Written::Ran(answer), Some((key, request_ids))) => {
                Some(Ran { at: millis(request.now), key, variant: variant(key, *request_ids), answer })
            }
            _ => None,
        })
        .collect();
    ran.sort_unstable_by_key(|ran| (ran.key.credential, ran.key.request_id, ran.key.digest));
    ran
}

/// The counts of users, column by column.
struct Counts<'r> {
    accounts: Vec<&'r [u8]>,
    domains: Vec<&'r str>,
    users: Vec<i64>,
}

impl<'r> Counts<'r> {
    fn of(events: &'r Events<'r>) -> Self {
        let counts: Vec<_> = events.counts.iter().collect();
        Self {
            accounts: counts.iter().map(|((account, _), _)| &account.as_bytes()[..]).collect(),
            domains: counts.iter().map(|((_, domain), _)| *domain).collect(),
            users: counts.iter().map(|(_, users)| **users).collect(),
        }
    }
}

fn commit(
    lane: &Lane,
    connection: &Connection,
    events: &Events<'_>,
    ran: &[Ran<'_>],
    chain: &Chain,
    progress: &Progress,
) -> Result<()> {
    let times: Vec<i64> = ran.iter().map(|ran| ran.at).collect();
    let bytes = |of: for<'a> fn(&'a Ran<'_>) -> &'a [u8]| ran.iter().map(|ran| of(ran)).collect::<Vec<_>>();
    let credentials = bytes(|ran| &ran.key.credential);
    let request_ids = bytes(|ran| &ran.key.request_id);
    let (variants, digests) = (bytes(|ran| ran.variant), bytes(|ran| &ran.key.digest));
    let answers = bytes(|ran| ran.answer);
    let remember: [Parameter<'_>; 6] = [&times, &credentials, &request_ids, &variants, &digests, &answers];

    let Head { chain: number, seq, hash } = chain.head;
    let hashes: Vec<&[u8]> = events.hash.iter().map(|hash| &hash[..]).collect();
    let actions = vec![Action::UserCreated.as_str(); events.seq.len()];
    let Events { seq: numbers, at, account, actor, target, detail, .. } = events;
    let record: [Parameter<'_>; 9] =
        [&number, numbers, at, account, actor, &actions, target, detail, &hashes];
    let Counts { accounts, domains, users } = Counts::of(events);
    let count: [Parameter<'_>; 4] = [&number, &accounts, &domains, &users];
    let (hash, seal) = (&hash[..], &chain.head.seal(&lane.vault.audit)[..]);
    let end: [Parameter<'_>; 5] = [&number, &seq, &hash, &seal, &chain.at];

    let client = &connection.client;
    let (remember_sql, record_sql) = (connection.prepared(REMEMBER)?, connection.prepared(RECORD)?);
    let (count_sql, end_sql) = (connection.prepared(COUNT)?, connection.prepared(CHAIN_ENDS)?);
    if !events.back.is_empty() {
        let back = connection.prepared(STEPPED_BACK)?;
        connection.wait(client.execute(&back, &[&number, &events.back]))?;
    }
    progress.committing.set(true);
    let (remembered, recorded, counted, ended, committed) = connection.wait(async {
        Ok(join5(
            client.execute(&remember_sql, &remember),
            client.execute(&record_sql, &record),
            client.execute(&count_sql, &count),
            client.execute(&end_sql, &end),
            client.batch_execute("COMMIT"),
        )
        .await)
    })?;
    // After the first statement that fails, the server ignores the others and rolls back.
    remembered.and(recorded).and(counted).and(ended)?;
    committed?;
    Ok(())
}
