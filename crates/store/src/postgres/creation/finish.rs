//! The last round trip: answers, events, counts, the end of the chain, and the commit.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use directory::AccountId;
use directory::audit::Action;
use directory::port::{RequestKey, Written};
use directory::user::User;
use futures_util::future::join;
use tokio_postgres::types::{ToSql, Type};

use super::find::Found;
use super::users::{self, Shape};
use super::{Addition, UserOutcome, Verdict};
use crate::audit::{Entry, Head};
use crate::postgres::lane::{Lane, Progress, impossible};
use crate::postgres::session::{Connection, Typed};
use crate::session::Result;
use crate::tables::batch::Chain;
use crate::tables::change::users::added;
use crate::tables::request::variant;
use crate::tables::row::millis;

/// The end of the chain, and its number.
const END: &str = "UPDATE audit_chains SET seq = ?2, hash = ?3, seal = ?4, at = ?5 WHERE chain = ?1";
const COUNT: &str = "INSERT INTO user_counts (account, domain, chain, users)
    SELECT n.account, n.domain, ?1, n.users FROM unnest(?6::bytea[], ?7::text[], ?8::bigint[]) AS n (account, domain, users)
    ON CONFLICT (account, domain, chain) DO UPDATE SET users = user_counts.users + excluded.users";
/// Events have consecutive numbers.
const RECORD: &str = "INSERT INTO audit_events (chain, seq, at, account, actor, action, target, detail, hash)
    SELECT ?1, ?9::bigint + e.n, e.at, e.account, e.actor, ?10::text, e.target, e.detail, e.hash
    FROM unnest(?11::bigint[], ?12::bytea[], ?13::text[], ?14::text[], ?15::text[], ?16::bytea[])
        WITH ORDINALITY AS e (at, account, actor, target, detail, hash, n)";
const REMEMBER: &str = "INSERT INTO requests (ran_at, binding, request_id, variant, digest, answer)
    SELECT * FROM unnest(?17::bigint[], ?18::bytea[], ?19::bytea[], ?20::bytea[], ?21::bytea[], ?22::bytea[])";
/// The first parameter of the users.
const USERS: usize = 23;
const STEPPED_BACK: &str = "INSERT INTO audit_steps_back (chain, seq) SELECT ?1, * FROM unnest(?2::bigint[])";

/// Writes everything in one statement, because each costs the server an answer. PostgreSQL runs the insert of users first,
/// then the parts before it from the last to the first. So addresses are locked before request ids, as in the lane of
/// changes. It does not promise that order; in another one two lanes could deadlock, which ends with a retry.
fn write(shape: Shape) -> String {
    let parts = [("ended", END), ("counted", COUNT), ("recorded", RECORD), ("remembered", REMEMBER)];
    let parts: Vec<_> = parts.iter().map(|(name, sql)| format!("{name} AS ({sql})")).collect();
    format!("WITH {} {}", parts.join(", "), users::insert(shape, USERS))
}

static WRITE_ALIKE: LazyLock<String> = LazyLock::new(|| write(Shape::Alike));
static WRITE_DIFFERENT: LazyLock<String> = LazyLock::new(|| write(Shape::Different));

pub(super) fn finish(
    lane: &Lane,
    connection: &Connection,
    requests: &[(usize, &Addition)],
    verdicts: &[Verdict<'_>],
    found: &Found,
    progress: &Progress,
) -> Result<Vec<Written>> {
    let (mut events, mut chain) = (Events::new(found.chain), found.chain);
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
                    events.record(&mut chain, request, user, found.removed.contains(user.address.key()));
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
    /// The number of the event before the first one.
    before: i64,
    at: Vec<i64>,
    account: Vec<&'r [u8]>,
    actor: Vec<&'r str>,
    target: Vec<&'r str>,
    detail: Vec<Cow<'static, str>>,
    hash: Vec<[u8; 32]>,
    /// Numbers of the events that are earlier than the one before them.
    back: Vec<i64>,
    counts: HashMap<(AccountId, &'r str), i64>,
    users: Vec<&'r User>,
}

impl<'r> Events<'r> {
    /// None yet, after the end of this chain.
    fn new(chain: Chain) -> Self {
        Self { before: chain.head.seq, ..Self::default() }
    }

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
        self.at.push(at);
        self.account.push(user.account.as_bytes());
        self.actor.push(request.actor.name());
        self.target.push(user.address.as_str());
        self.hash.push(head.hash);
        self.detail.push(detail);
        self.users.push(user);
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

    fn parameters(&self) -> [Typed<'_>; 3] {
        let Self { accounts, domains, users } = self;
        [(accounts, Type::BYTEA_ARRAY), (domains, Type::TEXT_ARRAY), (users, Type::INT8_ARRAY)]
    }
}

/// The requests to remember, column by column.
struct Remembered<'r> {
    times: Vec<i64>,
    credentials: Vec<&'r [u8]>,
    request_ids: Vec<&'r [u8]>,
    variants: Vec<&'r [u8]>,
    digests: Vec<&'r [u8]>,
    answers: Vec<&'r [u8]>,
}

impl<'r> Remembered<'r> {
    fn of(ran: &'r [Ran<'r>]) -> Self {
        Self {
            times: ran.iter().map(|ran| ran.at).collect(),
            credentials: ran.iter().map(|ran| &ran.key.credential[..]).collect(),
            request_ids: ran.iter().map(|ran| &ran.key.request_id[..]).collect(),
            variants: ran.iter().map(|ran| ran.variant).collect(),
            digests: ran.iter().map(|ran| &ran.key.digest[..]).collect(),
            answers: ran.iter().map(|ran| ran.answer).collect(),
        }
    }

    fn parameters(&self) -> [Typed<'_>; 6] {
        let Self { times, credentials, request_ids, variants, digests, answers } = self;
        let bytes = || Type::BYTEA_ARRAY;
        [
            (times, Type::INT8_ARRAY),
            (credentials, bytes()),
            (request_ids, bytes()),
            (variants, bytes()),
            (digests, bytes()),
            (answers, bytes()),
        ]
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
    let client = &connection.client;
    if ran.is_empty() && events.users.is_empty() {
        return connection.wait(client.batch_execute("COMMIT"));
    }
    let Head { chain: number, seq, hash } = chain.head;
    let (hash, seal) = (&hash[..], &chain.head.seal(&lane.vault.audit)[..]);
    let Events { before, at, account, actor, target, detail, .. } = events;
    let action = Action::UserCreated.as_str();
    let hashes: Vec<&[u8]> = events.hash.iter().map(|hash| &hash[..]).collect();
    let (counts, remembered) = (Counts::of(events), Remembered::of(ran));
    let mut sorted = events.users.clone();
    sorted.sort_unstable_by_key(|user| user.address.key());
    let shape = Shape::of(&sorted);
    let columns = users::columns(shape, &sorted);
    let (numbers, texts, bytes) = (Type::INT8_ARRAY, Type::TEXT_ARRAY, Type::BYTEA_ARRAY);
    let mut parameters: Vec<Typed<'_>> = vec![
        (&number, Type::INT8),
        (&seq, Type::INT8),
        (&hash, Type::BYTEA),
        (&seal, Type::BYTEA),
        (&chain.at, Type::INT8),
    ];
    parameters.extend(counts.parameters());
    parameters.extend::<[Typed<'_>; 8]>([
        (before, Type::INT8),
        (&action, Type::TEXT),
        (at, numbers.clone()),
        (account, bytes.clone()),
        (actor, texts.clone()),
        (target, texts.clone()),
        (detail, texts),
        (&hashes, bytes),
    ]);
    parameters.extend(remembered.parameters());
    parameters.extend(columns.iter().map(|(column, kind)| (&**column as &(dyn ToSql + Sync), kind.clone())));

    let write = connection.prepared(if shape == Shape::Alike { &WRITE_ALIKE } else { &WRITE_DIFFERENT })?;
    if !events.back.is_empty() {
        let back = connection.prepared(STEPPED_BACK)?;
        connection.wait(connection.run(&back, &[(&number, Type::INT8), (&events.back, numbers)]))?;
    }
    progress.committing.set(true);
    let (written, committed) = connection.wait(async {
        Ok(join(connection.run(&write, &parameters), client.batch_execute("COMMIT")).await)
    })?;
    // After a statement that fails, the server ignores the others and rolls back.
    written?;
    committed?;
    Ok(())
}
