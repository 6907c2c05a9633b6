//! Users: what is changed of them, their aliases, attributes and delegates, and how they go.

use directory::attribute::Attribute;
use directory::audit::Actor;
use directory::change::{ChangeRefused, Delegate, Effect};
use directory::role::BuiltIn;
use directory::user::{Update, User};
use directory::{DelegateId, ProfileId, RoleId, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Attempt, Made, groups, there, update as execute, user_made};
use crate::sqlite::read;
use crate::sqlite::row::millis;

fn user(connection: &Connection, id: UserId) -> rusqlite::Result<Result<User, ChangeRefused>> {
    Ok(read::users::by_id(connection, id)?.ok_or(ChangeRefused::NotThere))
}

/// Who could call, and may have been judged already: with a role, or with key pairs.
fn could_call(user: &User, revoked: usize) -> bool {
    revoked > 0 || user.role.is_some()
}

/// An account must not be left without anybody who may do everything in it; who has the machine can always make another.
fn is_last(connection: &Connection, user: &User, actor: &Actor) -> rusqlite::Result<bool> {
    let role = BuiltIn::SuperAdministrator.id();
    if *actor == Actor::Operator || user.role != Some(role) || user.is_shut_out() {
        return Ok(false);
    }
    let another: Option<i64> = connection
        .prepare_cached(
            "SELECT 1 FROM users WHERE role = ?1 AND account = ?2 AND id <> ?3 AND disabled_at IS NULL AND locked = 0
                                   AND purge_at IS NULL LIMIT 1",
        )?
        .query_row(params![role.as_bytes(), user.account.as_bytes(), user.id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(another.is_none())
}

pub(super) fn set_role(connection: &Connection, id: UserId, role: Option<RoleId>, actor: &Actor) -> Attempt {
    let before = there!(user(connection, id)?);
    if before.role != role && is_last(connection, &before, actor)? {
        return Ok(Err(ChangeRefused::LastSuperAdministrator));
    }
    let bytes = role.as_ref().map(|role| role.as_bytes());
    execute(connection, "UPDATE users SET role = ?2 WHERE id = ?1", params![id.as_bytes(), bytes])?;
    let detail = role.map_or_else(|| "none".to_owned(), |role| role.to_string());
    Ok(user_made(connection, id, detail)?.map(Made::taking))
}

pub(super) fn update(
    connection: &Connection,
    id: UserId,
    update: &Update,
    actor: &Actor,
    now: Timestamp,
) -> Attempt {
    let before = there!(user(connection, id)?);
    if (update.locked == Some(true) || update.disabled == Some(true)) && is_last(connection, &before, actor)?
    {
        return Ok(Err(ChangeRefused::LastSuperAdministrator));
    }
    if let Some(password) = &update.password {
        set_password(connection, &before, password.expose(), update.history, now)?;
    }
    execute(
        connection,
        "UPDATE users SET
             name = coalesce(?2, name),
             must_change_password = coalesce(?3, must_change_password),
             password_never_expires = coalesce(?4, password_never_expires),
             locked = coalesce(?5, locked),
             failed_logins = CASE WHEN ?5 = 0 THEN 0 ELSE failed_logins END,
             locked_until = CASE WHEN ?5 = 0 THEN NULL ELSE locked_until END,
             disabled_at = CASE ?6 WHEN 1 THEN coalesce(disabled_at, ?10) WHEN 0 THEN NULL ELSE disabled_at END,
             allow_smtp = coalesce(?7, allow_smtp),
             allow_pop = coalesce(?8, allow_pop),
             archive_start = coalesce(?9, archive_start),
             updated_at = ?10
         WHERE id = ?1",
        params![
            id.as_bytes(),
            update.name,
            update.must_change_password,
            update.password_never_expires,
            update.locked,
            update.disabled,
            update.allow_smtp,
            update.allow_pop,
            update.archive_start.map(millis),
            millis(now),
        ],
    )?;
    let revoked = if update.takes_away() { revoke_all(connection, id, now)? } else { 0 };
    let mut detail = update.detail();
    if revoked > 0 {
        detail.push_str(&format!("; revoked bindings: {revoked}"));
    }
    let after = there!(user(connection, id)?);
    let mut made = Made::new(after.account, after.address.as_str(), detail);
    if update.takes_away() && could_call(&before, revoked) {
        made = made.taking();
    }
    Ok(Ok(Made { effect: Effect::User(Box::new(after)), ..made }))
}

/// Sets the password and remembers the one before.
pub(super) fn set_password(
    connection: &Connection,
    user: &User,
    hash: &str,
    history: u8,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if let Some(before) = user.password.as_ref().filter(|_| history > 1) {
        execute(
            connection,
            "INSERT INTO password_history (user, set_at, seq, hash)
             VALUES (?1, ?2, 1 + coalesce((SELECT max(seq) FROM password_history WHERE user = ?1), 0), ?3)",
            params![
                user.id.as_bytes(),
                millis(user.password_changed_at.unwrap_or(user.created_at)),
                before.expose()
            ],
        )?;
    }
    // The present one is among those remembered.
    execute(
        connection,
        "DELETE FROM password_history WHERE user = ?1
             AND seq <= (SELECT max(seq) FROM password_history WHERE user = ?1) - ?2",
        params![user.id.as_bytes(), i64::from(history.max(1)) - 1],
    )?;
    execute(
        connection,
        "UPDATE users SET password = ?2, password_changed_at = ?3, failed_logins = 0, locked_until = NULL WHERE id = ?1",
        params![user.id.as_bytes(), hash, millis(now)],
    )?;
    Ok(())
}

pub(super) fn revoke_all(connection: &Connection, user: UserId, now: Timestamp) -> rusqlite::Result<usize> {
    let sql = "UPDATE bindings SET revoked_at = ?2 WHERE user = ?1 AND revoked_at IS NULL";
    execute(connection, sql, params![user.as_bytes(), millis(now)])
}

/// Removes a user with its aliases, or an alias. Each leaves a tombstone.
pub(super) fn remove(connection: &Connection, id: UserId, actor: &Actor, now: Timestamp) -> Attempt {
    let gone = there!(user(connection, id)?);
    if is_last(connection, &gone, actor)? {
        return Ok(Err(ChangeRefused::LastSuperAdministrator));
    }
    let revoked = execute(connection, "DELETE FROM bindings WHERE user = ?1", params![id.as_bytes()])?;
    let aliases = read::users::aliases(connection, id)?;
    let mut made = Made::new(
        gone.account,
        gone.address.as_str(),
        match (gone.alias_of, aliases.len()) {
            (Some(_), _) => "an alias".to_owned(),
            (None, 0) => String::new(),
            (None, n) => format!("with {n} aliases"),
        },
    );
    for row in aliases.iter().chain([&gone]) {
        groups::leave_all(connection, row)?;
        execute(
            connection,
            "INSERT INTO tombstones (address_key, removed_at, id, account) VALUES (?1, ?2, ?3, ?4)",
            params![row.address.key(), millis(now), row.id.as_bytes(), row.account.as_bytes()],
        )?;
        execute(connection, "DELETE FROM users WHERE id = ?1", params![row.id.as_bytes()])?;
        made.counts.push((row.account, row.address.domain().to_owned(), -1));
    }
    Ok(Ok(if could_call(&gone, revoked) { made.taking() } else { made }))
}

pub(super) fn purge(
    connection: &Connection,
    id: UserId,
    at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Attempt {
    let before = there!(user(connection, id)?);
    if at.is_some() && is_last(connection, &before, actor)? {
        return Ok(Err(ChangeRefused::LastSuperAdministrator));
    }
    execute(
        connection,
        "UPDATE users SET purge_at = ?2, updated_at = ?3 WHERE id = ?1",
        params![id.as_bytes(), at.map(millis), millis(now)],
    )?;
    let revoked = if at.is_some() { revoke_all(connection, id, now)? } else { 0 };
    let detail = at.map_or_else(String::new, |at| format!("to be removed at {at}"));
    let made = user_made(connection, id, detail)?;
    Ok(made.map(|made| if at.is_some() && could_call(&before, revoked) { made.taking() } else { made }))
}

pub(super) fn set_profile(connection: &Connection, id: UserId, profile: Option<ProfileId>) -> Attempt {
    let bytes = profile.as_ref().map(|profile| profile.as_bytes());
    execute(connection, "UPDATE users SET profile = ?2 WHERE id = ?1", params![id.as_bytes(), bytes])?;
    user_made(connection, id, profile.map_or_else(|| "none".to_owned(), |profile| profile.to_string()))
}

pub(super) fn set_attributes(connection: &Connection, id: UserId, set: &[(Attribute, String)]) -> Attempt {
    for (attribute, value) in set {
        let (user, number) = (id.as_bytes(), attribute.number());
        if value.is_empty() {
            let sql = "DELETE FROM user_attributes WHERE user = ?1 AND attribute = ?2";
            execute(connection, sql, params![user, number])?;
        } else {
            execute(
                connection,
                "INSERT INTO user_attributes (user, attribute, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user, attribute) DO UPDATE SET value = excluded.value",
                params![user, number, value],
            )?;
        }
    }
    let names: Vec<_> = set.iter().map(|(attribute, _)| attribute.name()).collect();
    user_made(connection, id, names.join(", "))
}

pub(super) fn add_delegate(connection: &Connection, delegate: &Delegate) -> Attempt {
    let Delegate { id, primary, delegate } = delegate;
    execute(
        connection,
        "INSERT INTO delegates (id, primary_user, delegate_user) VALUES (?1, ?2, ?3)",
        params![id.as_bytes(), primary.as_bytes(), delegate.as_bytes()],
    )?;
    delegate_made(connection, *primary, *delegate)
}

pub(super) fn remove_delegate(connection: &Connection, id: DelegateId) -> Attempt {
    let Some(delegate) = read::users::delegate(connection, id)? else {
        return Ok(Err(ChangeRefused::NotThere));
    };
    execute(connection, "DELETE FROM delegates WHERE id = ?1", params![id.as_bytes()])?;
    delegate_made(connection, delegate.primary, delegate.delegate)
}

fn delegate_made(connection: &Connection, primary: UserId, delegate: UserId) -> Attempt {
    let readable = there!(user(connection, delegate)?);
    user_made(connection, primary, format!("reads {}", readable.address))
}
