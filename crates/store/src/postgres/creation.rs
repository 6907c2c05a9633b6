//! The hot path: a group of requests that add users, in one transaction of three flights of statements, each over all of
//! them at once. Several lanes on several nodes do this at the same time. What they meet at: the chain that each takes
//! for itself, the accounts that nobody may take anything away in meanwhile, the addresses, the request ids. They take
//! them in this order, and each kind sorted, so that none waits for another in a circle.

use std::collections::{HashMap, HashSet};

use directory::AccountId;
use directory::change::{CREATED, Change, ChangeError, Effect};
use directory::port::{Evidence, Recalled, RequestIds, RequestKey, Write, Written};
use directory::user::User;
use futures_util::future::{join, join5};
use tokio_postgres::types::ToSql;

use super::lane::{Lane, Progress, add_chain, impossible};
use super::session::Connection;
use crate::audit::{Entry, Head};
use crate::session::{Error, Kind, Result, Session};
use crate::tables::batch::Chain;
use crate::tables::request::{detail, judged, variant};
use crate::tables::row::millis;
use crate::work::{Commit, Outcome, Work};

const TAKE_CHAIN: &str =
    "SELECT chain, seq, hash, at FROM audit_chains WHERE chain > 1 ORDER BY chain LIMIT 1
    FOR UPDATE SKIP LOCKED";
const HOLD_ACCOUNTS: &str = "SELECT pg_advisory_xact_lock_shared(k) FROM unnest(?1::bigint[]) AS k";
const EPOCHS: &str = "SELECT id, epoch FROM accounts WHERE id = ANY(?1) AND disabled_at IS NULL";
const RECALL: &str = "SELECT binding, request_id, digest, answer FROM requests WHERE request_id = ANY(?1)";
const ADD_USERS: &str = "INSERT INTO users (id, account, address, address_key, name, password, must_change_password,
        role, address_type, source, created_at)
    SELECT * FROM unnest(?1::bytea[], ?2::bytea[], ?3::text[], ?4::text[], ?5::text[], ?6::text[], ?7::bigint[],
        ?8::bytea[], ?9::text[], ?10::text[], ?11::bigint[])
    ON CONFLICT (address_key) DO NOTHING RETURNING address_key";
const BURIED: &str = "SELECT DISTINCT address_key FROM tombstones WHERE address_key = ANY(?1)";
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

/// Adds users.
pub(super) struct Creation(pub(super) Lane);

impl Commit for Creation {
    fn commit(&mut self, group: &[Work]) -> Result<Vec<Outcome>> {
        let repeatable = group.iter().all(Work::is_repeatable);
        let mut requests: Vec<(usize, &Write)> = group.iter().flat_map(Work::requests).enumerate().collect();
        // Events should be in the order of their times.
        requests.sort_by_key(|(_, request)| request.now);
        let written = self.0.transaction("users.create", repeatable, |lane, connection, progress| {
            if requests.is_empty() {
                return connection.batch("SELECT 1").map(|()| Vec::new());
            }
            create(lane, connection, &requests, progress)
        })?;
        let mut written = written.into_iter();
        let mut outcome = |work: &Work| match work {
            Work::Write(requests) => Outcome::Written(written.by_ref().take(requests.len()).collect()),
            _ => Outcome::Ready,
        };
        Ok(group.iter().map(&mut outcome).collect())
    }
}

/// Whether the hot path takes this.
pub(super) fn takes(requests: &[Write]) -> bool {
    let adds = |change: &Change| matches!(change, Change::AddUser(user) if user.alias_of.is_none());
    requests.iter().all(|request| request.changes.iter().all(adds))
}

/// What becomes of a request.
enum Fate<'r> {
    Known(Written),
    /// As of the request at this place before it.
    Like(usize),
    Runs(Vec<(&'r User, Became)>),
}

type Became = std::result::Result<Effect, ChangeError>;

/// By what and with which number a request was made.
type Id = ([u8; 16], [u8; 16]);

/// The digest of a request's body, and its answer.
type Remembered = (Vec<u8>, Vec<u8>);

/// What is there before anything is written.
struct Found {
    chain: Chain,
    epochs: HashMap<AccountId, u64>,
    remembered: HashMap<Id, Vec<Remembered>>,
}

type Parameter<'p> = &'p (dyn ToSql + Sync);

fn create(
    lane: &Lane,
    connection: &Connection,
    requests: &[(usize, &Write)],
    progress: &Progress,
) -> Result<Vec<Written>> {
    let Some(found) = find(connection, requests)? else {
        // All chains are taken: there is to be one more.
        connection.batch("ROLLBACK")?;
        let session: &dyn Session = connection;
        let newest: i64 = session.only("SELECT max(chain) FROM audit_chains", &[], |row| row.get(0))?;
        add_chain(session, &lane.vault, newest + 1)?;
        return Err(Error::new(Kind::Conflict, "every chain was taken"));
    };
    let mut fates = fates(requests, &found)?;
    let buried = add_users(connection, &mut fates)?;
    let written = finish(lane, connection, requests, &fates, &buried, found.chain, progress)?;
    let mut ordered: Vec<(usize, Written)> = requests.iter().map(|(place, _)| *place).zip(written).collect();
    ordered.sort_by_key(|(place, _)| *place);
    Ok(ordered.into_iter().map(|(_, written)| written).collect())
}

/// The first flight: begins, takes what must not change meanwhile, and reads.
fn find(connection: &Connection, requests: &[(usize, &Write)]) -> Result<Option<Found>> {
    let mut accounts: Vec<AccountId> =
        requests.iter().flat_map(|(_, request)| &request.evidence).map(|evidence| evidence.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut locks: Vec<i64> = accounts.iter().map(|account| lock(*account)).collect();
    locks.sort_unstable();
    let accounts: Vec<&[u8]> = accounts.iter().map(|account| &account.as_bytes()[..]).collect();
    let keys = requests.iter().filter_map(|(_, request)| request.once.as_ref());
    let ids: Vec<&[u8]> = keys.map(|(key, _)| &key.request_id[..]).collect();

    let (take, hold) = (connection.prepared(TAKE_CHAIN)?, connection.prepared(HOLD_ACCOUNTS)?);
    let (epochs, recall) = (connection.prepared(EPOCHS)?, connection.prepared(RECALL)?);
    let client = &connection.client;
    let (began, chain, held, epochs, recalled) = connection.wait(async {
        Ok(join5(
            client.batch_execute("BEGIN"),
            client.query_opt(&take, &[]),
            client.query(&hold, &[&locks]),
            client.query(&epochs, &[&accounts]),
            client.query(&recall, &[&ids]),
        )
        .await)
    })?;
    began?;
    held?;
    let Some(chain) = chain? else { return Ok(None) };
    let mut found = Found {
        chain: Chain {
            head: Head { chain: chain.try_get(0)?, seq: chain.try_get(1)?, hash: fixed(chain.try_get(2)?)? },
            at: chain.try_get(3)?,
        },
        epochs: HashMap::new(),
        remembered: HashMap::new(),
    };
    for row in epochs? {
        let epoch: i64 = row.try_get(1)?;
        let account = AccountId::from_bytes(fixed(row.try_get(0)?)?);
        found.epochs.insert(account, u64::try_from(epoch).unwrap_or_default());
    }
    for row in recalled? {
        let key = (fixed(row.try_get(0)?)?, fixed(row.try_get(1)?)?);
        found.remembered.entry(key).or_default().push((row.try_get(2)?, row.try_get(3)?));
    }
    Ok(Some(found))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| impossible("an id or a hash has another length"))
}

/// The number under which an account is held. Two accounts may share one: then one waits without need.
pub(super) fn lock(account: AccountId) -> i64 {
    let bytes = account.as_bytes();
    let mut random = [0; 8];
    random.copy_from_slice(&bytes[8..]);
    i64::from_be_bytes(random)
}

/// Judges each request by what was found, and by those before it in the group.
fn fates<'r>(requests: &[(usize, &'r Write)], found: &Found) -> Result<Vec<Fate<'r>>> {
    let mut before: HashMap<Id, Vec<(usize, [u8; 32])>> = HashMap::new();
    let mut taken = HashSet::new();
    let mut fates = Vec::with_capacity(requests.len());
    for (place, (_, request)) in requests.iter().enumerate() {
        let holds = |Evidence { account, epoch }: &Evidence| found.epochs.get(account) == Some(epoch);
        if !request.evidence.iter().all(holds) {
            fates.push(Fate::Known(Written::Stale));
            continue;
        }
        if let Some((key, request_ids)) = &request.once {
            let id = (key.credential, key.request_id);
            if let Some(known) = recalled(key, *request_ids, found.remembered.get(&id))? {
                fates.push(Fate::Known(known));
                continue;
            }
            let earlier = before.entry(id).or_default();
            if let Some((place, _)) = earlier.iter().find(|(_, digest)| *digest == key.digest) {
                fates.push(Fate::Like(*place));
                continue;
            }
            if *request_ids == RequestIds::Strict && !earlier.is_empty() {
                fates.push(Fate::Known(Written::RequestIdReused));
                continue;
            }
            earlier.push((place, key.digest));
        }
        let users = request.changes.iter().filter_map(|change| match change {
            Change::AddUser(user) if taken.insert(user.address.key()) => Some((user, Ok(Effect::Done))),
            Change::AddUser(user) => Some((user, Err(ChangeError::AddressTaken))),
            _ => None,
        });
        fates.push(Fate::Runs(users.collect()));
    }
    Ok(fates)
}

fn recalled(
    key: &RequestKey,
    request_ids: RequestIds,
    remembered: Option<&Vec<Remembered>>,
) -> Result<Option<Written>> {
    let mut other = None;
    for (digest, answer) in remembered.into_iter().flatten() {
        match judged(key, request_ids, digest, || Ok(answer.clone()))? {
            Some(Recalled::Ran(answer)) => return Ok(Some(Written::Repeated(answer))),
            Some(_) => other = Some(Written::RequestIdReused),
            None => {}
        }
    }
    Ok(other)
}

/// The second flight: inserts the users whose addresses are free, and asks which addresses were removed earlier.
fn add_users(connection: &Connection, fates: &mut [Fate<'_>]) -> Result<HashSet<String>> {
    let mut users: Vec<&User> = fates
        .iter()
        .filter_map(|fate| if let Fate::Runs(users) = fate { Some(users) } else { None })
        .flatten()
        .filter_map(|(user, effect)| effect.is_ok().then_some(*user))
        .collect();
    if users.is_empty() {
        return Ok(HashSet::new());
    }
    users.sort_unstable_by_key(|user| user.address.key());
    let keys: Vec<&str> = users.iter().map(|user| user.address.key()).collect();
    let bytes = |of: fn(&User) -> &[u8]| users.iter().map(|user| of(user)).collect::<Vec<_>>();
    let text = |of: fn(&User) -> &str| users.iter().map(|user| of(user)).collect::<Vec<_>>();
    let passwords: Vec<Option<&str>> =
        users.iter().map(|user| user.password.as_ref().map(|password| password.expose())).collect();
    let must_change: Vec<i64> = users.iter().map(|user| i64::from(user.must_change_password)).collect();
    let roles: Vec<Option<&[u8]>> =
        users.iter().map(|user| user.role.as_ref().map(|role| &role.as_bytes()[..])).collect();
    let created: Vec<i64> = users.iter().map(|user| millis(user.created_at)).collect();
    let values: [Parameter<'_>; 11] = [
        &bytes(|user| user.id.as_bytes()),
        &bytes(|user| user.account.as_bytes()),
        &text(|user| user.address.as_str()),
        &keys,
        &text(|user| &user.name),
        &passwords,
        &must_change,
        &roles,
        &text(|user| user.address_type.as_str()),
        &text(|user| user.source.as_str()),
        &created,
    ];
    let (add, buried) = (connection.prepared(ADD_USERS)?, connection.prepared(BURIED)?);
    let (added, buried) = connection.wait(async {
        Ok(join(connection.client.query(&add, &values), connection.client.query(&buried, &[&keys])).await)
    })?;
    let text = |rows: Vec<tokio_postgres::Row>| -> Result<HashSet<String>> {
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    };
    let added = text(added?)?;
    for fate in fates {
        let Fate::Runs(users) = fate else { continue };
        for (user, effect) in users {
            if effect.is_ok() && !added.contains(user.address.key()) {
                *effect = Err(ChangeError::AddressTaken);
            }
        }
    }
    text(buried?)
}

/// What the last flight writes, column by column.
#[derive(Default)]
struct Columns<'r> {
    seq: Vec<i64>,
    at: Vec<i64>,
    account: Vec<&'r [u8]>,
    actor: Vec<&'r str>,
    target: Vec<&'r str>,
    detail: Vec<&'r str>,
    hash: Vec<[u8; 32]>,
    back: Vec<i64>,
    counts: HashMap<(AccountId, &'r str), i64>,
}

impl<'r> Columns<'r> {
    /// An event behind the end of the chain.
    fn record(&mut self, chain: &mut Chain, request: &'r Write, user: &'r User, reborn: bool) {
        let at = chain.time(millis(user.created_at));
        let entry = Entry {
            at,
            account: Some(user.account.as_bytes()),
            actor: request.actor.name(),
            action: CREATED,
            target: user.address.as_str(),
            detail: detail(user, reborn),
        };
        let head = chain.head.then(&entry);
        if at < chain.at {
            self.back.push(head.seq);
        }
        *chain = Chain { head, at };
        self.seq.push(head.seq);
        self.at.push(at);
        self.account.push(user.account.as_bytes());
        self.actor.push(entry.actor);
        self.target.push(entry.target);
        self.detail.push(entry.detail);
        self.hash.push(head.hash);
        *self.counts.entry((user.account, user.address.domain())).or_default() += 1;
    }
}

/// The last flight: answers, events, counts, the end of the chain, and the commit.
fn finish(
    lane: &Lane,
    connection: &Connection,
    requests: &[(usize, &Write)],
    fates: &[Fate<'_>],
    buried: &HashSet<String>,
    mut chain: Chain,
    progress: &Progress,
) -> Result<Vec<Written>> {
    let mut columns = Columns::default();
    let mut written: Vec<Written> = Vec::with_capacity(requests.len());
    let mut ran: Vec<(usize, &RequestKey, &[u8])> = Vec::new();
    for ((_, request), fate) in requests.iter().zip(fates) {
        written.push(match fate {
            Fate::Known(Written::Repeated(answer)) => Written::Repeated(answer.clone()),
            Fate::Known(Written::RequestIdReused) => Written::RequestIdReused,
            Fate::Known(_) => Written::Stale,
            Fate::Like(place) => match written.get(*place) {
                Some(Written::Ran(answer)) => Written::Repeated(answer.clone()),
                _ => return Err(impossible("a request like one that did not run")),
            },
            Fate::Runs(users) => {
                for (user, effect) in users {
                    if effect.is_ok() {
                        columns.record(&mut chain, request, user, buried.contains(user.address.key()));
                    }
                }
                let effects: Vec<Became> = users.iter().map(|(_, effect)| effect.clone()).collect();
                Written::Ran((request.render)(&effects))
            }
        });
    }
    let mut ran_at = Vec::new();
    for ((_, request), written) in requests.iter().zip(&written) {
        if let (Written::Ran(answer), Some((key, request_ids))) = (written, &request.once) {
            ran_at.push((millis(request.now), variant(key, *request_ids)));
            ran.push((ran_at.len() - 1, key, answer));
        }
    }
    // Sorted, so that two lanes with the same requests meet at the same one first.
    ran.sort_unstable_by_key(|(_, key, _)| (key.credential, key.request_id));
    let key = |of: fn(&RequestKey) -> &[u8]| ran.iter().map(|(_, key, _)| of(key)).collect::<Vec<_>>();
    let times: Vec<i64> = ran.iter().map(|(place, ..)| ran_at[*place].0).collect();
    let variants: Vec<&[u8]> = ran.iter().map(|(place, ..)| ran_at[*place].1).collect();
    let answers: Vec<&[u8]> = ran.iter().map(|(.., answer)| *answer).collect();
    let (ids, request_ids, digests) =
        (key(|key| &key.credential), key(|key| &key.request_id), key(|key| &key.digest));

    let hashes: Vec<&[u8]> = columns.hash.iter().map(|hash| &hash[..]).collect();
    let actions = vec![CREATED; columns.seq.len()];
    let mut counts: Vec<_> = columns.counts.iter().collect();
    counts.sort_unstable_by_key(|(key, _)| **key);
    let accounts: Vec<&[u8]> = counts.iter().map(|((account, _), _)| &account.as_bytes()[..]).collect();
    let domains: Vec<&str> = counts.iter().map(|((_, domain), _)| *domain).collect();
    let users: Vec<i64> = counts.iter().map(|(_, users)| **users).collect();
    let Head { chain: number, seq, hash } = chain.head;
    let (hash, seal) = (&hash[..], &chain.head.seal(&lane.vault.audit)[..]);

    let client = &connection.client;
    let (remember, record) = (connection.prepared(REMEMBER)?, connection.prepared(RECORD)?);
    let (count, ends) = (connection.prepared(COUNT)?, connection.prepared(CHAIN_ENDS)?);
    if !columns.back.is_empty() {
        let back = connection.prepared(STEPPED_BACK)?;
        connection.wait(client.execute(&back, &[&number, &columns.back]))?;
    }
    let event: [Parameter<'_>; 9] = [
        &number,
        &columns.seq,
        &columns.at,
        &columns.account,
        &columns.actor,
        &actions,
        &columns.target,
        &columns.detail,
        &hashes,
    ];
    let request: [Parameter<'_>; 6] = [&times, &ids, &request_ids, &variants, &digests, &answers];
    let counted: [Parameter<'_>; 4] = [&number, &accounts, &domains, &users];
    let end: [Parameter<'_>; 5] = [&number, &seq, &hash, &seal, &chain.at];
    progress.committing.set(true);
    let (remembered, recorded, counted, ended, committed) = connection.wait(async {
        Ok(join5(
            client.execute(&remember, &request),
            client.execute(&record, &event),
            client.execute(&count, &counted),
            client.execute(&ends, &end),
            client.batch_execute("COMMIT"),
        )
        .await)
    })?;
    // After the first that fails, the server does nothing more, and the commit is none.
    remembered.and(recorded).and(counted).and(ended)?;
    committed?;
    Ok(written)
}
