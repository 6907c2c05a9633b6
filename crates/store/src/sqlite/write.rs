//! A request in a transaction: evidence, once-only, changes, audit, answer.

use directory::audit::Actor;
use directory::change::{CREATED, ChangeRefused, Effect};
use directory::port::{Evidence, Recalled, RequestIds, RequestKey, Write, Written};
use directory::user::User;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Statement, params};

use super::row::millis;
use super::writer::Batch;
use crate::audit::Entry;

/// The statements of the hot path, prepared once a transaction.
pub(super) struct Statements<'c> {
    find_request: CachedStatement<'c>,
    insert_request: CachedStatement<'c>,
    insert_user: CachedStatement<'c>,
    find_tombstone: CachedStatement<'c>,
}

pub(super) const FIND_REQUEST: &str =
    "SELECT digest, answer FROM requests WHERE binding = ?1 AND request_id = ?2";

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find_request: connection.prepare_cached(FIND_REQUEST)?,
            insert_request: connection.prepare_cached(
                "INSERT INTO requests (ran_at, binding, request_id, digest, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            insert_user: connection.prepare_cached(
                "INSERT INTO users (id, account, address, address_key, name, password, must_change_password, role,
                                    address_type, source, alias_of, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (address_key) DO NOTHING",
            )?,
            find_tombstone: connection.prepare_cached("SELECT max(removed_at) FROM tombstones WHERE address_key = ?1")?,
        })
    }
}

pub(super) fn run(batch: &mut Batch<'_>, request: Write) -> rusqlite::Result<Written> {
    for Evidence { account, epoch } in &request.evidence {
        if batch.epoch(*account)? != Some(*epoch) {
            return Ok(Written::Stale);
        }
    }
    if let Some((key, request_ids)) = &request.once {
        match recall(&mut batch.hot.find_request, key, *request_ids)? {
            Recalled::Unknown => {}
            Recalled::Ran(answer) => return Ok(Written::Repeated(answer)),
            Recalled::OtherBody => return Ok(Written::RequestIdReused),
        }
    }
    let mut effects = Vec::with_capacity(request.changes.len());
    for change in request.changes {
        effects.push(super::change::one(batch, change, &request.actor, request.now)?);
    }
    let answer = (request.render)(&effects);
    if let Some((RequestKey { credential, request_id, digest }, _)) = &request.once {
        batch.hot.insert_request.execute(params![
            millis(request.now),
            credential,
            request_id,
            digest,
            answer
        ])?;
    }
    Ok(Written::Ran(answer))
}

/// What is remembered of a request, judged by the policy.
pub(super) fn recall(
    find: &mut Statement<'_>,
    request: &RequestKey,
    request_ids: RequestIds,
) -> rusqlite::Result<Recalled> {
    let mut rows = find.query(params![request.credential, request.request_id])?;
    let mut other_body = false;
    while let Some(row) = rows.next()? {
        if row.get_ref(0)?.as_blob().is_ok_and(|digest| digest == request.digest) {
            return Ok(Recalled::Ran(row.get(1)?));
        }
        other_body = true;
    }
    Ok(if other_body && request_ids == RequestIds::Strict { Recalled::OtherBody } else { Recalled::Unknown })
}

/// Inserts a user or an alias, unless its address is taken, and tells the audit.
pub(super) fn insert_user(
    batch: &mut Batch<'_>,
    user: &User,
    actor: &Actor,
) -> rusqlite::Result<Result<Effect, ChangeRefused>> {
    let inserted = batch.hot.insert_user.execute(params![
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
    ])?;
    if inserted == 0 {
        return Ok(Err(ChangeRefused::AddressTaken));
    }
    batch.count(user.account, user.address.domain(), 1);
    let buried: Option<i64> =
        batch.hot.find_tombstone.query_row([user.address.key()], |row| row.get(0)).optional()?.flatten();
    let detail = detail(user);
    let reborn =
        buried.map(|_| format!("{detail}; the address was removed earlier, and gets none of its old rights"));
    batch.record(&Entry {
        at: millis(user.created_at),
        account: Some(user.account.as_bytes()),
        actor: actor.name(),
        action: if user.alias_of.is_some() { "alias.added" } else { CREATED },
        target: user.address.as_str(),
        detail: reborn.as_deref().unwrap_or(detail),
    })?;
    Ok(Ok(Effect::Done))
}

fn detail(user: &User) -> &'static str {
    match (&user.password, user.must_change_password) {
        _ if user.alias_of.is_some() => "",
        (None, false) => "without password",
        (None, true) => "without password, must change it",
        (Some(_), false) => "with password",
        (Some(_), true) => "with password, must change it",
    }
}
