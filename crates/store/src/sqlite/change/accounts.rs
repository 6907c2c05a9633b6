//! Accounts, their domains, roles and authentication profiles.

use directory::change::ChangeRefused;
use directory::login::NamedProfile;
use directory::password::Policy;
use directory::{Account, AccountId, Domain, DomainId, ProfileId, Role, RoleId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Attempt, Made, found, update};
use crate::sqlite::row::{self, millis};

pub(super) fn add(connection: &Connection, account: &Account) -> Attempt {
    update(
        connection,
        "INSERT INTO accounts (id, code, name, parent, password_policy, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            account.id.as_bytes(),
            account.code.as_str(),
            account.name,
            account.above.first().map(|parent| parent.as_bytes()),
            json(&account.password_policy)?,
            millis(account.created_at),
        ],
    )?;
    Ok(Ok(Made::new(account.id, account.code.as_str(), account.name.as_str())))
}

fn json(policy: &Policy) -> rusqlite::Result<String> {
    serde_json::to_string(policy).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn account(connection: &Connection, id: AccountId, detail: String) -> Attempt {
    let account = found(connection, "SELECT id, code FROM accounts WHERE id = ?1", id.as_bytes())?;
    Ok(account.map(|account| Made { detail, ..account }))
}

pub(super) fn disable(connection: &Connection, id: AccountId, now: Timestamp) -> Attempt {
    let sql = "UPDATE accounts SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1";
    update(connection, sql, params![id.as_bytes(), millis(now)])?;
    Ok(account(connection, id, String::new())?.map(Made::taking))
}

pub(super) fn set_policy(connection: &Connection, id: AccountId, policy: &Policy) -> Attempt {
    let policy = json(policy)?;
    update(
        connection,
        "UPDATE accounts SET password_policy = ?2 WHERE id = ?1",
        params![id.as_bytes(), policy],
    )?;
    account(connection, id, policy)
}

pub(super) fn set_profile(connection: &Connection, id: AccountId, profile: Option<ProfileId>) -> Attempt {
    let bytes = profile.as_ref().map(|profile| profile.as_bytes());
    update(connection, "UPDATE accounts SET profile = ?2 WHERE id = ?1", params![id.as_bytes(), bytes])?;
    account(connection, id, profile.map_or_else(|| "none".to_owned(), |profile| profile.to_string()))
}

/// A domain lies in one account with all its addresses: lists of an account's users are ranges of the index over all
/// addresses, and nobody can take over a name that another account's users still log in with.
pub(super) fn add_domain(connection: &Connection, domain: &Domain) -> Attempt {
    let foreign: Option<i64> = connection
        .prepare_cached(
            "SELECT 1 FROM user_counts WHERE domain = ?1 AND account <> ?2 AND users > 0 LIMIT 1",
        )?
        .query_row(params![domain.name.as_str(), domain.account.as_bytes()], |row| row.get(0))
        .optional()?;
    if foreign.is_some() {
        return Ok(Err(ChangeRefused::DomainHasUsers));
    }
    update(
        connection,
        "INSERT INTO domains (id, name, account, inbound_type, send_only, local, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            domain.id.as_bytes(),
            domain.name.as_str(),
            domain.account.as_bytes(),
            domain.inbound_type.as_str(),
            domain.send_only,
            domain.local,
            millis(domain.created_at)
        ],
    )?;
    Ok(Ok(Made::new(domain.account, domain.name.as_str(), "")))
}

pub(super) fn remove_domain(connection: &Connection, id: DomainId) -> Attempt {
    let domain = found(connection, "SELECT account, name FROM domains WHERE id = ?1", id.as_bytes())?;
    update(connection, "DELETE FROM domains WHERE id = ?1", params![id.as_bytes()])?;
    Ok(domain.map(Made::taking))
}

pub(super) fn add_role(connection: &Connection, role: &Role) -> Attempt {
    let Some(account) = role.account else { return Ok(Err(ChangeRefused::AlreadyThere)) };
    let permissions = row::permissions(role);
    update(
        connection,
        "INSERT INTO roles (id, account, name, permissions, partner) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![role.id.as_bytes(), account.as_bytes(), role.name, permissions, role.partner],
    )?;
    Ok(Ok(Made::new(account, role.name.as_str(), permissions)))
}

pub(super) fn remove_role(connection: &Connection, id: RoleId) -> Attempt {
    let held: Option<i64> = connection
        .prepare_cached(
            "SELECT 1 FROM users WHERE role = ?1 UNION ALL SELECT 1 FROM clients WHERE role = ?1 AND disabled_at IS NULL
             LIMIT 1",
        )?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    if held.is_some() {
        return Ok(Err(ChangeRefused::RoleHeld));
    }
    let role = found(connection, "SELECT account, name FROM roles WHERE id = ?1", id.as_bytes())?;
    update(connection, "DELETE FROM roles WHERE id = ?1", params![id.as_bytes()])?;
    // Who judges now whether to hand the role out must learn that it is gone.
    Ok(role.map(Made::taking))
}

pub(super) fn add_profile(connection: &Connection, named: &NamedProfile) -> Attempt {
    let seconds = named.profile.binding_life.map(|life| life.as_secs());
    update(
        connection,
        "INSERT INTO authentication_profiles (id, account, name, binding_life, max_bindings) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            named.id.as_bytes(),
            named.account.as_bytes(),
            named.name,
            seconds,
            named.profile.max_bindings
        ],
    )?;
    let life = seconds.map_or_else(|| "never expire".to_owned(), |seconds| format!("live {seconds} seconds"));
    Ok(Ok(Made::new(named.account, named.name.as_str(), format!("key pairs {life}"))))
}
