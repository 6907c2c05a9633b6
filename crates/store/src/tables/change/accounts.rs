//! Accounts, their roles and authentication profiles.

use directory::change::ChangeError;
use directory::ldap::Base;
use directory::login::NamedProfile;
use directory::password::Policy;
use directory::settings::{Settings, SettingsUpdate};
use directory::{Account, AccountId, ProfileId, Role, RoleId};
use jiff::Timestamp;
use serde::Serialize;

use super::{Attempt, Made, found};
use crate::session::{Error, Kind, Result, Session, values};
use crate::tables::row::{self, millis};

pub(super) fn add(session: &dyn Session, account: &Account) -> Attempt {
    session.execute("INSERT INTO accounts (id, code, name, parent, password_policy, created_at, settings) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            account.id.as_bytes(),
            account.code.as_str(),
            account.name,
            account.above.first().map(|parent| parent.as_bytes()),
            json(&account.password_policy)?,
            millis(account.created_at),
            json(&account.settings)?,
        ],
    )?;
    Ok(Ok(Made::new(account.id, account.code.as_str(), account.name.as_str())))
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(Kind::Other, error))
}

/// The account, with this detail for the audit.
pub(super) fn account(session: &dyn Session, id: AccountId, detail: String) -> Attempt {
    let account = found(session, "SELECT id, code FROM accounts WHERE id = ?1", id.as_bytes())?;
    Ok(account.map(|account| Made { detail, ..account }))
}

pub(super) fn disable(session: &dyn Session, id: AccountId, now: Timestamp) -> Attempt {
    let sql = "UPDATE accounts SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1";
    session.execute(sql, values![id.as_bytes(), millis(now)])?;
    // Its applications stop too; users of other accounts may hold key pairs for them.
    let others: Vec<[u8; 16]> = session.all(
        "SELECT DISTINCT u.account FROM applications p JOIN bindings b ON b.application = p.id
         JOIN users u ON u.id = b.user_id WHERE p.account = ?1 AND u.account <> ?1",
        values![id.as_bytes()],
        |row| row.get(0),
    )?;
    Ok(account(session, id, String::new())?.map(|made| made.taking().and_in(others)))
}

pub(super) fn set_policy(session: &dyn Session, id: AccountId, policy: &Policy) -> Attempt {
    let policy = json(policy)?;
    session
        .execute("UPDATE accounts SET password_policy = ?2 WHERE id = ?1", values![id.as_bytes(), policy])?;
    account(session, id, policy)
}

/// Reads the settings in the transaction, so that of two changes neither is lost.
pub(super) fn set_settings(session: &dyn Session, id: AccountId, update: &SettingsUpdate) -> Attempt {
    let sql = "SELECT settings FROM accounts WHERE id = ?1";
    let stored: Option<String> = session.one(sql, values![id.as_bytes()], |row| row.get(0))?;
    let Some(stored) = stored else { return Ok(Err(ChangeError::NotFound)) };
    let mut settings: Settings =
        serde_json::from_str(&stored).map_err(|error| Error::new(Kind::Other, error))?;
    update.apply(&mut settings);
    let sql = "UPDATE accounts SET settings = ?2 WHERE id = ?1";
    session.execute(sql, values![id.as_bytes(), json(&settings)?])?;
    if let Some(name) = &update.name {
        session.execute("UPDATE accounts SET name = ?2 WHERE id = ?1", values![id.as_bytes(), name])?;
    }
    account(session, id, update.told())
}

/// Sets the base of an account for LDAP clients. It may be no other account's, now or by its domains.
pub(super) fn set_ldap_base(session: &dyn Session, id: AccountId, base: Option<&Base>) -> Attempt {
    let Some(base) = base else {
        session.execute("DELETE FROM ldap_bases WHERE account = ?1", values![id.as_bytes()])?;
        return account(session, id, "that of its first domain".to_owned());
    };
    let sql = "SELECT account FROM ldap_bases WHERE base_key = ?1";
    let owners: Vec<[u8; 16]> = session.all(sql, values![base.key], |row| row.get(0))?;
    // A domain that nobody has now may be another account's later, with the same base.
    let is_foreign = match &base.domain {
        Some(domain) => {
            let sql = "SELECT account FROM domains WHERE name = ?1";
            let owner = session.one(sql, values![domain.as_str()], |row| row.get::<[u8; 16]>(0))?;
            owner.is_none_or(|owner| owner != *id.as_bytes())
        }
        None => false,
    };
    if is_foreign || owners.iter().any(|owner| owner != id.as_bytes()) {
        return Ok(Err(ChangeError::BaseTaken));
    }
    session.execute(
        "INSERT INTO ldap_bases (account, base, base_key) VALUES (?1, ?2, ?3)
         ON CONFLICT (account) DO UPDATE SET base = excluded.base, base_key = excluded.base_key",
        values![id.as_bytes(), base.name, base.key],
    )?;
    account(session, id, base.name.clone())
}

pub(super) fn set_profile(session: &dyn Session, id: AccountId, profile: Option<ProfileId>) -> Attempt {
    let bytes = profile.as_ref().map(|profile| profile.as_bytes());
    session.execute("UPDATE accounts SET profile = ?2 WHERE id = ?1", values![id.as_bytes(), bytes])?;
    account(session, id, profile.map_or_else(|| "none".to_owned(), |profile| profile.to_string()))
}

pub(super) fn add_role(session: &dyn Session, role: &Role) -> Attempt {
    let Some(account) = role.account else { return Ok(Err(ChangeError::AlreadyExists)) };
    let permissions = row::permissions(role);
    session.execute(
        "INSERT INTO roles (id, account, name, permissions, partner) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![role.id.as_bytes(), account.as_bytes(), role.name, permissions, role.partner],
    )?;
    Ok(Ok(Made::new(account, role.name.as_str(), permissions)))
}

pub(super) fn remove_role(session: &dyn Session, id: RoleId) -> Attempt {
    let held: Option<i64> = session.one("SELECT 1 FROM users WHERE role = ?1 UNION ALL SELECT 1 FROM clients WHERE role = ?1 AND disabled_at IS NULL
             LIMIT 1", values![id.as_bytes()], |row| row.get(0))?;
    if held.is_some() {
        return Ok(Err(ChangeError::RoleHeld));
    }
    let role = found(session, "SELECT account, name FROM roles WHERE id = ?1", id.as_bytes())?;
    session.execute("DELETE FROM roles WHERE id = ?1", values![id.as_bytes()])?;
    // A judgement that would assign the role must fail.
    Ok(role.map(Made::taking))
}

pub(super) fn add_profile(session: &dyn Session, named: &NamedProfile) -> Attempt {
    let seconds = named.profile.binding_life.map(|life| life.as_secs());
    session.execute("INSERT INTO authentication_profiles (id, account, name, binding_life, max_bindings) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![
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
