//! Changes of users, their aliases, attributes and delegates.

use std::borrow::Cow;

use directory::attribute::Attribute;
use directory::audit::Actor;
use directory::change::{ChangeError, Delegate, Effect};
use directory::role::BuiltIn;
use directory::user::{Update, User};
use directory::{DelegateId, EmailAddress, ProfileId, RoleId, UserId, roles};
use jiff::Timestamp;

use super::{Attempt, Judged, Made, groups, scim, sessions, there, user_made};
use crate::session::{Result, Session, values};
use crate::tables::row::millis;
use crate::tables::user_row::{INSERT, INSERTED};
use crate::tables::{read, words};

/// Inserts a user or an alias; `false`: its address is taken.
pub(super) fn insert(session: &dyn Session, user: &User) -> Result<bool> {
    // An array, because this is the hot path.
    let values: [_; INSERTED.len()] = std::array::from_fn(|column| INSERTED[column].1.value(user));
    Ok(session.execute(&INSERT, &values)? > 0)
}

/// Whether a user with this address was removed earlier.
pub(super) fn was_removed(session: &dyn Session, user: &User) -> Result<bool> {
    let sql = "SELECT 1 FROM tombstones WHERE address_key = ?1 LIMIT 1";
    Ok(session.one(sql, values![user.address.key()], |_| Ok(()))?.is_some())
}

/// Adds a user or an alias, unless its address is taken.
pub(super) fn add(session: &dyn Session, user: &User) -> Attempt {
    if !insert(session, user)? {
        return Ok(Err(ChangeError::AddressTaken));
    }
    let detail = added(user, was_removed(session, user)?);
    let mut made = Made::new(user.account, user.address.as_str(), detail);
    made.counts.push((user.account, user.address.domain().to_owned(), 1));
    Ok(Ok(made))
}

/// Adds an alias, which changes its user.
pub(super) fn add_alias(session: &dyn Session, alias: &User, now: Timestamp) -> Attempt {
    if let Some(primary) = alias.alias_of {
        there!(changeable(session, primary)?);
        touch(session, primary, now)?;
    }
    add(session, alias)
}

/// The detail of a new user in the audit. `removed`: a user with its address was removed earlier.
pub(crate) fn added(user: &User, removed: bool) -> Cow<'static, str> {
    let password = match (&user.password, user.must_change_password) {
        _ if user.alias_of.is_some() => "",
        (None, false) => "without password",
        (None, true) => "without password, must change it",
        (Some(_), false) => "with password",
        (Some(_), true) => "with password, must change it",
    };
    if !(user.disabled || user.locked || removed) {
        return password.into();
    }
    let mut detail = password.to_owned();
    for (applies, text) in [
        (user.disabled, "; disabled"),
        (user.locked, "; locked"),
        (removed, "; the address was removed earlier, and gets none of its old rights"),
    ] {
        if applies {
            detail.push_str(text);
        }
    }
    detail.into()
}

/// A user that can be changed.
pub(super) fn changeable(session: &dyn Session, id: UserId) -> Result<Judged<User>> {
    Ok(match read::users::by_id(session, id)? {
        Some(user) if user.reserved => Err(ChangeError::Reserved),
        found => found.ok_or(ChangeError::NotFound),
    })
}

/// Whether the user could call, and so may have been judged already: it has a role, or had key pairs.
fn could_call(user: &User, revoked: usize) -> bool {
    revoked > 0 || user.role.is_some()
}

/// Whether the user is the last Super Administrator of its account. The operator may remove it, because the operator
/// can create another one.
fn is_last(session: &dyn Session, user: &User, actor: &Actor) -> Result<bool> {
    let role = BuiltIn::SuperAdministrator.id();
    if *actor == Actor::Operator || user.role != Some(role) || user.is_blocked() {
        return Ok(false);
    }
    let another: Option<i64> = session.one("SELECT 1 FROM users WHERE role = ?1 AND account = ?2 AND id <> ?3 AND disabled_at IS NULL AND locked = 0
                                   AND purge_at IS NULL LIMIT 1", values![role.as_bytes(), user.account.as_bytes(), user.id.as_bytes()], |row| row.get(0))?;
    Ok(another.is_none())
}

/// Sets or removes a user's role. A promotion ends what others may hold in the user's name, or they would be promoted
/// too: key pairs, sessions, and a password that somebody else set.
pub(super) fn set_role(
    session: &dyn Session,
    id: UserId,
    role: Option<RoleId>,
    actor: &Actor,
    now: Timestamp,
) -> Attempt {
    let before = there!(changeable(session, id)?);
    if before.role != role && is_last(session, &before, actor)? {
        return Ok(Err(ChangeError::LastSuperAdministrator));
    }
    let bytes = role.as_ref().map(|role| role.as_bytes());
    session.execute("UPDATE users SET role = ?2 WHERE id = ?1", values![id.as_bytes(), bytes])?;
    let mut detail = role.map_or_else(|| "none".to_owned(), |role| role.to_string());
    let read = |id: Option<RoleId>| match id {
        Some(id) => read::clients::role_by_id(session, id),
        None => Ok(None),
    };
    if roles::promotes(read(before.role)?.as_ref(), read(role)?.as_ref()) {
        let revoked = revoke_all(session, id, now)?;
        let sql = "UPDATE users SET must_change_password = 1
                   WHERE id = ?1 AND password IS NOT NULL AND password_own = 0 AND must_change_password = 0";
        let forced = session.execute(sql, values![id.as_bytes()])?;
        if revoked > 0 {
            detail.push_str(&format!("; revoked bindings: {revoked}"));
        }
        if forced > 0 {
            detail.push_str("; the password must be changed");
        }
    }
    Ok(user_made(session, id, detail)?.map(Made::taking))
}

pub(super) fn update(
    session: &dyn Session,
    id: UserId,
    update: &Update,
    actor: &Actor,
    now: Timestamp,
) -> Attempt {
    let before = there!(changeable(session, id)?);
    if (update.locked == Some(true) || update.disabled == Some(true)) && is_last(session, &before, actor)? {
        return Ok(Err(ChangeError::LastSuperAdministrator));
    }
    if let Some(password) = &update.password {
        set_password(session, &before, password.expose(), update.history, now)?;
    }
    session.execute("UPDATE users SET
             name = coalesce(?2, name),
             must_change_password = coalesce(?3, must_change_password),
             password_never_expires = coalesce(?4, password_never_expires),
             locked = coalesce(?5, locked),
             failed_logins = CASE WHEN ?5 = 0 THEN 0 ELSE failed_logins END,
             locked_until = CASE WHEN ?5 = 0 THEN NULL ELSE locked_until END,
             disabled_at = CASE WHEN ?6 = 1 THEN coalesce(disabled_at, ?10) WHEN ?6 = 0 THEN NULL ELSE disabled_at END,
             allow_smtp = coalesce(?7, allow_smtp),
             allow_pop = coalesce(?8, allow_pop),
             archive_start = coalesce(?9, archive_start),
             updated_at = ?10
         WHERE id = ?1",
        values![
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
    let revoked = if update.takes_away() { revoke_all(session, id, now)? } else { 0 };
    if update.password.is_some() {
        sessions::end_all(session, id)?;
    }
    let mut detail = update.detail();
    if revoked > 0 {
        detail.push_str(&format!("; revoked bindings: {revoked}"));
    }
    let after = there!(changeable(session, id)?);
    if after.name != before.name {
        words::remove(session, &before, Some(&after))?;
    }
    let mut made = Made::new(after.account, after.address.as_str(), detail);
    if update.takes_away() && could_call(&before, revoked) {
        made = made.taking();
    }
    Ok(Ok(Made { effect: Effect::User(Box::new(after)), ..made }))
}

/// Sets the password and stores the previous one in the history.
pub(super) fn set_password(
    session: &dyn Session,
    user: &User,
    hash: &str,
    history: u8,
    now: Timestamp,
) -> Result<()> {
    if let Some(before) = user.password.as_ref().filter(|_| history > 1) {
        session.execute("INSERT INTO password_history (user_id, set_at, seq, hash)
             VALUES (?1, ?2, 1 + coalesce((SELECT max(seq) FROM password_history WHERE user_id = ?1), 0), ?3)",
            values![
                user.id.as_bytes(),
                millis(user.password_changed_at.unwrap_or(user.created_at)),
                before.expose()
            ],
        )?;
    }
    // The current password counts as one of the remembered ones.
    session.execute(
        "DELETE FROM password_history WHERE user_id = ?1
             AND seq <= (SELECT max(seq) FROM password_history WHERE user_id = ?1) - ?2",
        values![user.id.as_bytes(), i64::from(history.max(1)) - 1],
    )?;
    session.execute("UPDATE users SET password = ?2, password_changed_at = ?3, password_own = 0, failed_logins = 0, locked_until = NULL
         WHERE id = ?1",
        values![user.id.as_bytes(), hash, millis(now)],
    )?;
    Ok(())
}

pub(super) fn revoke_all(session: &dyn Session, user: UserId, now: Timestamp) -> Result<usize> {
    sessions::end_all(session, user)?;
    let sql = "UPDATE bindings SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL";
    session.execute(sql, values![user.as_bytes(), millis(now)])
}

/// Records the time of a change in the row of a user.
pub(super) fn touch(session: &dyn Session, id: UserId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE users SET updated_at = ?2 WHERE id = ?1";
    session.execute(sql, values![id.as_bytes(), millis(now)]).map(|_| ())
}

/// Gives a user another address. Its id, password, role and key pairs stay, and its groups keep it under the new
/// address. The old address becomes an alias, or it is free at once and leaves a tombstone.
pub(super) fn rename(
    session: &dyn Session,
    id: UserId,
    to: &EmailAddress,
    alias: Option<UserId>,
    now: Timestamp,
) -> Attempt {
    let before = there!(changeable(session, id)?);
    if before.alias_of.is_some() {
        return Ok(Err(ChangeError::NotFound));
    }
    let taken = read::users::by_address(session, to)?.is_some_and(|other| other.id != id);
    if taken {
        return Ok(Err(ChangeError::AddressTaken));
    }
    session.execute(
        "UPDATE users SET address = ?2, address_key = ?3, updated_at = ?4 WHERE id = ?1",
        values![id.as_bytes(), to.as_str(), to.key(), millis(now)],
    )?;
    let mut detail = format!("before: {}", before.address);
    let mut made = Made::new(before.account, to.as_str(), "");
    if before.address.key() != to.key() {
        words::remove(session, &before, None)?;
        groups::follow(session, &before, to)?;
        if let Some(alias) = alias {
            let alias = User {
                name: before.name.clone(),
                alias_of: Some(id),
                ..User::new(alias, before.account, before.address.clone(), now)
            };
            insert(session, &alias)?;
            words::add(session, &[alias])?;
            detail.push_str(", kept as an alias");
        } else {
            bury(session, &before, now)?;
            made.counts.push((before.account, before.address.domain().to_owned(), -1));
        }
        made.counts.push((before.account, to.domain().to_owned(), 1));
    }
    let after = there!(changeable(session, id)?);
    Ok(Ok(Made { detail, effect: Effect::User(Box::new(after)), ..made }))
}

/// Removes a user with its aliases, or an alias. Each leaves a tombstone.
pub(super) fn remove(session: &dyn Session, id: UserId, actor: &Actor, now: Timestamp) -> Attempt {
    let gone = there!(changeable(session, id)?);
    if is_last(session, &gone, actor)? {
        return Ok(Err(ChangeError::LastSuperAdministrator));
    }
    let sql = "DELETE FROM binding_usage WHERE credential IN (SELECT id FROM bindings WHERE user_id = ?1)";
    session.execute(sql, values![id.as_bytes()])?;
    let revoked = session.execute("DELETE FROM bindings WHERE user_id = ?1", values![id.as_bytes()])?;
    let aliases = read::users::aliases(session, id)?;
    let mut made = Made::new(
        gone.account,
        gone.address.as_str(),
        match (gone.alias_of, aliases.len()) {
            (Some(_), _) => "an alias".to_owned(),
            (None, 0) => String::new(),
            (None, n) => format!("with {n} aliases"),
        },
    );
    if let Some(primary) = gone.alias_of {
        touch(session, primary, now)?;
    }
    for row in aliases.iter().chain([&gone]) {
        erase(session, row, now)?;
        made.counts.push((row.account, row.address.domain().to_owned(), -1));
    }
    Ok(Ok(if could_call(&gone, revoked) { made.taking() } else { made }))
}

/// Removes a row with all that names its address, and leaves a tombstone.
pub(super) fn erase(session: &dyn Session, row: &User, now: Timestamp) -> Result<()> {
    groups::leave_all(session, row, now)?;
    words::remove(session, row, None)?;
    bury(session, row, now)?;
    scim::forget_external_ids(session, row.id.as_bytes())?;
    session.execute("DELETE FROM users WHERE id = ?1", values![row.id.as_bytes()]).map(|_| ())
}

/// Leaves a tombstone of an address.
fn bury(session: &dyn Session, row: &User, now: Timestamp) -> Result<()> {
    session
        .execute(
            "INSERT INTO tombstones (address_key, removed_at, id, account) VALUES (?1, ?2, ?3, ?4)",
            values![row.address.key(), millis(now), row.id.as_bytes(), row.account.as_bytes()],
        )
        .map(|_| ())
}

pub(super) fn purge(
    session: &dyn Session,
    id: UserId,
    at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Attempt {
    let before = there!(changeable(session, id)?);
    if at.is_some() && is_last(session, &before, actor)? {
        return Ok(Err(ChangeError::LastSuperAdministrator));
    }
    session.execute(
        "UPDATE users SET purge_at = ?2, updated_at = ?3 WHERE id = ?1",
        values![id.as_bytes(), at.map(millis), millis(now)],
    )?;
    let revoked = if at.is_some() { revoke_all(session, id, now)? } else { 0 };
    let detail = at.map_or_else(String::new, |at| format!("to be removed at {at}"));
    let made = user_made(session, id, detail)?;
    Ok(made.map(|made| if at.is_some() && could_call(&before, revoked) { made.taking() } else { made }))
}

pub(super) fn set_profile(session: &dyn Session, id: UserId, profile: Option<ProfileId>) -> Attempt {
    there!(changeable(session, id)?);
    let bytes = profile.as_ref().map(|profile| profile.as_bytes());
    session.execute("UPDATE users SET profile = ?2 WHERE id = ?1", values![id.as_bytes(), bytes])?;
    user_made(session, id, profile.map_or_else(|| "none".to_owned(), |profile| profile.to_string()))
}

pub(super) fn set_attributes(
    session: &dyn Session,
    id: UserId,
    set: &[(Attribute, String)],
    now: Timestamp,
) -> Attempt {
    there!(changeable(session, id)?);
    for (attribute, value) in set {
        let (user, number) = (id.as_bytes(), attribute.number());
        if value.is_empty() {
            let sql = "DELETE FROM user_attributes WHERE user_id = ?1 AND attribute = ?2";
            session.execute(sql, values![user, number])?;
        } else {
            session.execute(
                "INSERT INTO user_attributes (user_id, attribute, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user_id, attribute) DO UPDATE SET value = excluded.value",
                values![user, number, value],
            )?;
        }
    }
    touch(session, id, now)?;
    let names: Vec<_> = set.iter().map(|(attribute, _)| attribute.name()).collect();
    user_made(session, id, names.join(", "))
}

pub(super) fn add_delegate(session: &dyn Session, delegate: &Delegate) -> Attempt {
    let Delegate { id, primary, delegate } = delegate;
    there!(changeable(session, *primary)?);
    session.execute(
        "INSERT INTO delegates (id, primary_user, delegate_user) VALUES (?1, ?2, ?3)",
        values![id.as_bytes(), primary.as_bytes(), delegate.as_bytes()],
    )?;
    delegate_made(session, *primary, *delegate)
}

pub(super) fn remove_delegate(session: &dyn Session, id: DelegateId) -> Attempt {
    let Some(delegate) = read::users::delegate(session, id)? else {
        return Ok(Err(ChangeError::NotFound));
    };
    session.execute("DELETE FROM delegates WHERE id = ?1", values![id.as_bytes()])?;
    delegate_made(session, delegate.primary, delegate.delegate)
}

fn delegate_made(session: &dyn Session, primary: UserId, delegate: UserId) -> Attempt {
    let readable = there!(changeable(session, delegate)?);
    user_made(session, primary, format!("reads {}", readable.address))
}
