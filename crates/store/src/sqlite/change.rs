//! Changes in a transaction: each as a whole or not at all, and told to the audit.

mod accounts;
mod domains;
mod groups;
mod keys;
mod login;
mod users;

use directory::audit::Actor;
use directory::change::{Change, ChangeRefused, Changed, Effect};
use directory::{AccountId, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql};

use super::row::{self, millis};
use super::writer::Batch;
use crate::audit::Entry;

/// What a change did.
struct Made {
    /// The account it concerns.
    account: Option<AccountId>,
    /// What the audit calls its target.
    target: String,
    /// What else the audit says.
    detail: String,
    /// What the audit calls the change, when that shows only now.
    action: Option<&'static str>,
    /// The accounts in which it took something away: what was judged before must not be written after it.
    took_away: Vec<AccountId>,
    /// Users that came (1) or went (-1), by account and domain.
    counts: Vec<(AccountId, String, i64)>,
    effect: Effect,
}

type Attempt = rusqlite::Result<Result<Made, ChangeRefused>>;

impl Made {
    fn new(account: AccountId, target: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            account: Some(account),
            target: target.into(),
            detail: detail.into(),
            action: None,
            took_away: Vec::new(),
            counts: Vec::new(),
            effect: Effect::Done,
        }
    }

    /// It took something away in its own account.
    fn taking(mut self) -> Self {
        self.took_away.extend(self.account);
        self
    }
}

/// Makes all changes of a list, or none.
pub(super) fn run(
    batch: &mut Batch<'_>,
    changes: Vec<Change>,
    actor: &Actor,
    now: Timestamp,
) -> rusqlite::Result<Changed> {
    // Others share the transaction: what is undone is only this list.
    batch.connection.execute_batch("SAVEPOINT changes")?;
    let before = batch.remember();
    for (index, change) in changes.into_iter().enumerate() {
        if let Err(why) = one(batch, change, actor, now)? {
            batch.connection.execute_batch("ROLLBACK TO changes; RELEASE changes")?;
            batch.go_back(before);
            return Ok(Changed::Refused { index, why });
        }
    }
    batch.connection.execute_batch("RELEASE changes")?;
    Ok(Changed::Done)
}

/// Makes one change, or leaves everything as it is.
pub(super) fn one(
    batch: &mut Batch<'_>,
    change: Change,
    actor: &Actor,
    now: Timestamp,
) -> rusqlite::Result<Result<Effect, ChangeRefused>> {
    // The one change whose statements and event the hot path writes itself: a single statement needs no savepoint.
    if let Change::AddUser(user) = &change {
        return super::write::insert_user(batch, user, actor);
    }
    if matches!(change, Change::AddDomain(_) | Change::Domain(_)) {
        // It looks at them; and before the savepoint, because what is written within may be undone.
        batch.write_counts()?;
    }
    let action = change.action();
    batch.connection.execute_batch("SAVEPOINT change")?;
    let attempt = match make(batch, change, actor, now) {
        Ok(attempt) => attempt,
        Err(error) => match error.sqlite_error().map(|error| error.extended_code) {
            Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Err(ChangeRefused::AlreadyThere)
            }
            Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Err(ChangeRefused::NotThere),
            _ => return Err(error),
        },
    };
    let made = match attempt {
        Ok(made) => made,
        Err(refused) => {
            batch.connection.execute_batch("ROLLBACK TO change; RELEASE change")?;
            return Ok(Err(refused));
        }
    };
    batch.connection.execute_batch("RELEASE change")?;
    for account in &made.took_away {
        batch.bump_epoch(*account)?;
    }
    for (account, domain, users) in &made.counts {
        batch.count(*account, domain, *users);
    }
    batch.record(&Entry {
        at: millis(now),
        account: made.account.as_ref().map(|account| &account.as_bytes()[..]),
        actor: actor.name(),
        action: made.action.unwrap_or(action),
        target: &made.target,
        detail: &made.detail,
    })?;
    Ok(Ok(made.effect))
}

fn make(batch: &mut Batch<'_>, change: Change, actor: &Actor, now: Timestamp) -> Attempt {
    let connection = batch.connection;
    match change {
        Change::AddAccount(account) => accounts::add(connection, &account),
        Change::DisableAccount(id) => accounts::disable(connection, id, now),
        Change::SetPolicy(id, policy) => accounts::set_policy(connection, id, &policy),
        Change::SetAccountProfile(id, profile) => accounts::set_profile(connection, id, profile),
        Change::AddDomain(domain) => accounts::add_domain(connection, &domain),
        Change::RemoveDomain(id) => accounts::remove_domain(connection, id),
        Change::AddRole(role) => accounts::add_role(connection, &role),
        Change::RemoveRole(id) => accounts::remove_role(connection, id),
        Change::AddProfile(profile) => accounts::add_profile(connection, &profile),
        Change::AddUser(_) => Err(row::unreadable(0, "a user is added by the hot path")),
        Change::SetRole(user, role) => users::set_role(connection, user, role, actor),
        Change::UpdateUser(user, update) => users::update(connection, user, &update, actor, now),
        Change::RemoveUser(user) => users::remove(connection, user, actor, now),
        Change::Purge(user, at) => users::purge(connection, user, at, actor, now),
        Change::SetProfile(user, profile) => users::set_profile(connection, user, profile),
        Change::SetAttributes(user, set) => users::set_attributes(connection, user, &set),
        Change::AddDelegate(delegate) => users::add_delegate(connection, &delegate),
        Change::RemoveDelegate(id) => users::remove_delegate(connection, id),
        Change::Domain(change) => domains::make(connection, change, now),
        Change::Group(change) => groups::make(connection, &change),
        Change::LogIn(attempt) => login::attempt(batch, *attempt, now),
        Change::AddApplication(application) => keys::add_application(batch, &application),
        Change::DisableApplication(id) => keys::disable_application(connection, id, now),
        Change::AddClient(client) => keys::add_client(connection, &client),
        Change::DisableClient(id) => keys::disable_client(connection, id, now),
        Change::AddBinding(binding) => keys::add_binding(batch, &binding),
        Change::RevokeBinding(id) => keys::revoke_binding(connection, id, now),
    }
}

/// Unwraps what was found, else refuses.
macro_rules! there {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        }
    };
}
use there;

fn update(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(values)
}

/// Reads (account, target) of a row that must be there.
fn found(connection: &Connection, sql: &str, id: &[u8; 16]) -> Attempt {
    let row = connection
        .prepare_cached(sql)?
        .query_row([id], |row| Ok((AccountId::from_bytes(row.get(0)?), row.get::<_, String>(1)?)))
        .optional()?;
    Ok(match row {
        Some((account, target)) => Ok(Made::new(account, target, "")),
        None => Err(ChangeRefused::NotThere),
    })
}

fn user_made(connection: &Connection, user: UserId, detail: impl Into<String>) -> Attempt {
    let user = found(connection, "SELECT account, address FROM users WHERE id = ?1", user.as_bytes())?;
    Ok(user.map(|user| Made { detail: detail.into(), ..user }))
}
