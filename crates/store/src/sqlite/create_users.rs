//! create-user in a transaction: evidence, once-only, users, audit, answer.

use directory::audit::Actor;
use directory::change::CREATED;
use directory::port::{CreateUsers, Created, Creation, Evidence, Recalled, RequestIds, RequestKey};
use rusqlite::{CachedStatement, Connection, Statement, params};

use super::row::millis;
use super::writer::Batch;
use crate::audit::Entry;

/// The statements of the hot path, prepared once a transaction.
pub(super) struct Statements<'c> {
    find_request: CachedStatement<'c>,
    insert_request: CachedStatement<'c>,
    insert_user: CachedStatement<'c>,
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
                                    address_type, source, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (address_key) DO NOTHING",
            )?,
        })
    }
}

pub(super) fn run(batch: &mut Batch<'_>, request: CreateUsers) -> rusqlite::Result<Created> {
    for Evidence { account, epoch } in &request.evidence {
        if batch.epoch(*account)? != Some(*epoch) {
            return Ok(Created::Stale);
        }
    }
    match recall(&mut batch.create.find_request, &request.request, request.request_ids)? {
        Recalled::Unknown => {}
        Recalled::Ran(answer) => return Ok(Created::Repeated(answer)),
        Recalled::OtherBody => return Ok(Created::RequestIdReused),
    }
    let mut creations = Vec::with_capacity(request.users.len());
    for user in &request.users {
        creations.push(insert_user(batch, user, &request.actor)?);
    }
    let answer = (request.render)(&creations);
    let RequestKey { binding, request_id, digest } = &request.request;
    batch.create.insert_request.execute(params![
        millis(request.now),
        binding.as_bytes(),
        request_id,
        digest,
        answer
    ])?;
    Ok(Created::Ran(answer))
}

/// What is remembered of a request, judged by the policy.
pub(super) fn recall(
    find: &mut Statement<'_>,
    request: &RequestKey,
    request_ids: RequestIds,
) -> rusqlite::Result<Recalled> {
    let mut rows = find.query(params![request.binding.as_bytes(), request.request_id])?;
    let mut other_body = false;
    while let Some(row) = rows.next()? {
        if row.get_ref(0)?.as_blob().is_ok_and(|digest| digest == request.digest) {
            return Ok(Recalled::Ran(row.get(1)?));
        }
        other_body = true;
    }
    Ok(if other_body && request_ids == RequestIds::Strict { Recalled::OtherBody } else { Recalled::Unknown })
}

/// Inserts a user, unless its address is taken, and tells the audit.
pub(super) fn insert_user(
    batch: &mut Batch<'_>,
    user: &directory::user::User,
    actor: &Actor,
) -> rusqlite::Result<Creation> {
    let inserted = batch.create.insert_user.execute(params![
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
        millis(user.created_at),
    ])?;
    if inserted == 0 {
        return Ok(Creation::AddressTaken);
    }
    batch.record(&Entry {
        at: millis(user.created_at),
        account: Some(user.account.as_bytes()),
        actor: actor.name(),
        action: CREATED,
        target: user.address.as_str(),
        detail: detail(user),
    })?;
    Ok(Creation::Created)
}

fn detail(user: &directory::user::User) -> &'static str {
    match (&user.password, user.must_change_password) {
        (None, false) => "without password",
        (None, true) => "without password, must change it",
        (Some(_), false) => "with password",
        (Some(_), true) => "with password, must change it",
    }
}
