//! Reads: short ones by an index, on the hot path; long ones on a separate thread.

pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod domains;
pub(crate) mod groups;
pub(crate) mod ldap;
pub(crate) mod scim;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod users;

use std::sync::Arc;

use directory::application::{Application, Binding};
use directory::password::Policy;
use directory::port::{ApplicationRow, BindingRow, Evidence};
use directory::{
    AccessKey, Account, AccountCode, AccountId, ApplicationId, BindingId, DomainName, Principal, Role,
    RoleId, UserId,
};
use secrecy::{SecretBox, SecretString};

use super::row::{custom_role, optional_time, parsed, role, time};
use crate::session::{Result, Row, Session, Value, unreadable, values};
use crate::vault::{Vault, WrappedRing};

pub(crate) fn ring(session: &dyn Session) -> Result<WrappedRing> {
    session.all("SELECT purpose, wrapped FROM keys", &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The principal of an access key, as of one moment: parts from two moments would be a principal that never existed.
pub(crate) fn principal(
    session: &dyn Session,
    vault: &Vault,
    access_key: &AccessKey,
) -> Result<Option<Principal>> {
    let principal = session.one("SELECT b.id, b.secret_sealed, b.user_id, b.expires_at, b.created_at,
                    p.id, p.account, p.app_id, p.name, p.app_key_sealed, p.created_at,
                    u.address, u.role,
                    r.account, r.name, r.permissions, r.partner,
                    a.id, a.code, a.name, a.password_policy, a.epoch, a.created_at, a.settings
             FROM bindings b
             JOIN applications p ON p.id = b.application AND p.disabled_at IS NULL
             JOIN accounts o ON o.id = p.account AND o.disabled_at IS NULL
             JOIN users u ON u.id = b.user_id AND u.disabled_at IS NULL AND u.locked = 0 AND u.purge_at IS NULL
             JOIN accounts a ON a.id = u.account AND a.disabled_at IS NULL
             LEFT JOIN roles r ON r.id = u.role
             WHERE b.access_key = ?1 AND b.revoked_at IS NULL", values![access_key.as_str()], |row| {
            let id: [u8; 16] = row.get(0)?;
            let secret = vault
                .unseal(
                    "bindings.secret",
                    &id,
                    row.get::<&[u8]>(1)?,
                )
                .map_err(|error| unreadable(1, error))?;
            Ok(Principal {
                binding: Binding {
                    id: BindingId::from_bytes(id),
                    access_key: access_key.clone(),
                    secret: SecretBox::new(secret.as_slice().into()),
                    user: UserId::from_bytes(row.get(2)?),
                    application: ApplicationId::from_bytes(row.get(5)?),
                    expires_at: optional_time(row, 3)?,
                    created_at: time(row, 4)?,
                },
                application: application_at(row, 5, vault)?,
                address: row.get(11)?,
                role: role(row, row.get(12)?, 13)?,
                account: Arc::new(account_at(row, 17)?),
            })
        })?;
    match principal {
        Some(mut principal) => {
            let above = above(session, principal.account.id)?;
            principal.account = Arc::new(Account { above, ..Account::clone(&principal.account) });
            Ok(Some(principal))
        }
        None => Ok(None),
    }
}

/// An account from (id, code, name, password_policy, epoch, created_at, settings); the accounts above it are read separately.
pub(crate) fn account_at(row: Row<'_>, column: usize) -> Result<Account> {
    let policy: String = row.get(column + 3)?;
    let password_policy: Policy =
        serde_json::from_str(&policy).map_err(|error| unreadable(column + 3, error))?;
    let settings: String = row.get(column + 6)?;
    Ok(Account {
        id: AccountId::from_bytes(row.get(column)?),
        code: parsed(row, column + 1, AccountCode::parse)?,
        name: row.get(column + 2)?,
        above: Vec::new(),
        password_policy,
        settings: serde_json::from_str(&settings).map_err(|error| unreadable(column + 6, error))?,
        epoch: u64::try_from(row.get::<i64>(column + 4)?).map_err(|error| unreadable(column + 4, error))?,
        created_at: time(row, column + 5)?,
    })
}

/// The accounts above one, nearest first.
pub(crate) fn above(session: &dyn Session, account: AccountId) -> Result<Vec<AccountId>> {
    session.all("WITH RECURSIVE above (id, distance) AS (
                 SELECT parent, 1 FROM accounts WHERE id = ?1
                 UNION ALL
                 SELECT a.parent, distance + 1 FROM above JOIN accounts a ON a.id = above.id WHERE distance < 100
             )
             SELECT id FROM above WHERE id IS NOT NULL ORDER BY distance", values![account.as_bytes()], |row| row.get(0).map(AccountId::from_bytes))
}

pub(crate) fn account(session: &dyn Session, code: &AccountCode) -> Result<Option<Account>> {
    let account = session.one(
        "SELECT id, code, name, password_policy, epoch, created_at, settings
             FROM accounts WHERE code = ?1 AND disabled_at IS NULL",
        values![code.as_str()],
        |row| account_at(row, 0),
    )?;
    account.map(|account| above(session, account.id).map(|above| Account { above, ..account })).transpose()
}

pub(crate) fn account_by_id(session: &dyn Session, id: AccountId) -> Result<Option<Account>> {
    let account = session.one(
        "SELECT id, code, name, password_policy, epoch, created_at, settings
             FROM accounts WHERE id = ?1 AND disabled_at IS NULL",
        values![id.as_bytes()],
        |row| account_at(row, 0),
    )?;
    account.map(|account| above(session, account.id).map(|above| Account { above, ..account })).transpose()
}

/// The owner of a domain, with the owner's epoch of the same moment.
pub(crate) fn domain_owner(session: &dyn Session, name: &DomainName) -> Result<Option<Evidence>> {
    session.one(
        "SELECT a.id, a.epoch FROM domains d JOIN accounts a ON a.id = d.account AND a.disabled_at IS NULL
             WHERE d.name = ?1",
        values![name.as_str()],
        |row| {
            let epoch = u64::try_from(row.get::<i64>(1)?).map_err(|error| unreadable(1, error))?;
            Ok(Evidence { account: AccountId::from_bytes(row.get(0)?), epoch })
        },
    )
}

/// Values in one statement.
const SLICE: usize = 64;

/// A statement for [`SLICE`] values, after so many others, in place of `{}`.
#[cfg(test)]
fn for_slice(sql: &str, before: usize) -> String {
    with_places(sql, before, SLICE)
}

fn with_places(sql: &str, before: usize, count: usize) -> String {
    let places: Vec<_> = (1..=count).map(|n| format!("?{}", before + n)).collect();
    sql.replace("{}", &places.join(", "))
}

/// Runs a statement for any number of values, [`SLICE`] at a time in place of `{}`; `first` comes before them.
fn for_all<T>(
    session: &dyn Session,
    sql: &str,
    first: &[Value<'_>],
    all: &[Value<'_>],
    mut read: impl FnMut(Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    // One statement serves one value, another one any number of them: the last one is repeated.
    let places = match all.len() {
        0 => return Ok(Vec::new()),
        1 => 1,
        _ => SLICE,
    };
    let sql = with_places(sql, first.len(), places);
    let mut found = Vec::new();
    for some in all.chunks(places) {
        let full = some.iter().chain(std::iter::repeat_n(&some[some.len() - 1], places - some.len()));
        let values: Vec<Value<'_>> = first.iter().chain(full).copied().collect();
        found.extend(session.all(&sql, &values, &mut read)?);
    }
    Ok(found)
}

/// A number of rows, as SQLite counts them.
pub(crate) fn rows(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn accounts(session: &dyn Session) -> Result<Vec<Account>> {
    let sql = "SELECT id, code, name, password_policy, epoch, created_at, settings FROM accounts
               WHERE disabled_at IS NULL ORDER BY code";
    let mut accounts = session.all(sql, &[], |row| account_at(row, 0))?;
    for account in &mut accounts {
        account.above = above(session, account.id)?;
    }
    Ok(accounts)
}

pub(crate) fn roles(session: &dyn Session) -> Result<Vec<Role>> {
    session.all(
        "SELECT id, account, name, permissions, partner FROM roles ORDER BY lower(name), name",
        &[],
        |row| custom_role(row, RoleId::from_bytes(row.get(0)?), 1),
    )
}

/// An application from (id, account, app_id, name, app_key_sealed, created_at).
fn application_at(row: Row<'_>, column: usize, vault: &Vault) -> Result<Application> {
    let id: [u8; 16] = row.get(column)?;
    let sealed = row.get::<&[u8]>(column + 4)?;
    let key =
        vault.unseal("applications.app_key", &id, sealed).map_err(|error| unreadable(column + 4, error))?;
    Ok(Application {
        id: ApplicationId::from_bytes(id),
        account: AccountId::from_bytes(row.get(column + 1)?),
        app_id: row.get(column + 2)?,
        name: row.get(column + 3)?,
        app_key: SecretString::from(str::from_utf8(&key).map_err(|error| unreadable(column + 4, error))?),
        created_at: time(row, column + 5)?,
    })
}

pub(crate) fn application(session: &dyn Session, vault: &Vault, app_id: &str) -> Result<Option<Application>> {
    session.one(
        "SELECT p.id, p.account, p.app_id, p.name, p.app_key_sealed, p.created_at FROM applications p
             JOIN accounts o ON o.id = p.account AND o.disabled_at IS NULL
             WHERE p.app_id = ?1 AND p.disabled_at IS NULL",
        values![app_id],
        |row| application_at(row, 0, vault),
    )
}

/// Whether the ring of keys has sealed anything: then another ring is of no use.
pub(crate) fn has_sealed(session: &dyn Session) -> Result<bool> {
    Ok(session.one("SELECT 1 FROM applications LIMIT 1", &[], |_| Ok(()))?.is_some())
}

/// The applications of the account that an application belongs to, with their keys; that application first.
pub(crate) fn applications_beside(
    session: &dyn Session,
    vault: &Vault,
    app_id: &str,
    limit: usize,
) -> Result<Vec<Application>> {
    session.all(
        "SELECT p.id, p.account, p.app_id, p.name, p.app_key_sealed, p.created_at FROM applications p
             JOIN accounts o ON o.id = p.account AND o.disabled_at IS NULL
             WHERE p.account = (SELECT account FROM applications WHERE app_id = ?1) AND p.disabled_at IS NULL
             ORDER BY p.app_id <> ?1, p.id DESC LIMIT ?2",
        values![app_id, rows(limit)],
        |row| application_at(row, 0, vault),
    )
}

pub(crate) fn applications(session: &dyn Session) -> Result<Vec<ApplicationRow>> {
    let sql = "SELECT id, account, app_id, name, disabled_at, created_at FROM applications ORDER BY lower(name), name, app_id";
    session.all(sql, &[], |row| {
        Ok(ApplicationRow {
            id: ApplicationId::from_bytes(row.get(0)?),
            account: AccountId::from_bytes(row.get(1)?),
            app_id: row.get(2)?,
            name: row.get(3)?,
            disabled_at: optional_time(row, 4)?,
            created_at: time(row, 5)?,
        })
    })
}

pub(crate) fn bindings(session: &dyn Session, user: Option<UserId>) -> Result<Vec<BindingRow>> {
    let user = user.as_ref().map(|user| user.as_bytes());
    let (one, values) = match user {
        Some(user) => ("WHERE b.user_id = ?1", vec![Value::Bytes(user)]),
        None => ("", Vec::new()),
    };
    session.all(&format!("{BINDING} {one} ORDER BY b.id"), &values, binding_at)
}

const BINDING: &str =
    "SELECT b.id, b.access_key, b.user_id, u.address, p.app_id, b.expires_at, b.revoked_at, b.created_at
     FROM bindings b JOIN users u ON u.id = b.user_id JOIN applications p ON p.id = b.application";

fn binding_at(row: Row<'_>) -> Result<BindingRow> {
    Ok(BindingRow {
        id: BindingId::from_bytes(row.get(0)?),
        access_key: parsed(row, 1, AccessKey::parse)?,
        user: UserId::from_bytes(row.get(2)?),
        address: row.get(3)?,
        app_id: row.get(4)?,
        expires_at: optional_time(row, 5)?,
        revoked_at: optional_time(row, 6)?,
        created_at: time(row, 7)?,
    })
}

pub(crate) fn bindings_to(
    session: &dyn Session,
    application: ApplicationId,
    before: Option<BindingId>,
    limit: usize,
) -> Result<Vec<BindingRow>> {
    let before = before.unwrap_or(BindingId::from_bytes([255; 16]));
    session.all(
        &format!("{BINDING} WHERE b.application = ?1 AND b.revoked_at IS NULL AND b.id < ?2 ORDER BY b.id DESC LIMIT ?3"),
        values![application.as_bytes(), before.as_bytes(), rows(limit)],
        binding_at,
    )
}

pub(crate) fn binding_of(session: &dyn Session, access_key: &AccessKey) -> Result<Option<BindingRow>> {
    session.one(&format!("{BINDING} WHERE b.access_key = ?1"), values![access_key.as_str()], binding_at)
}

pub(crate) fn binding(session: &dyn Session, id: BindingId) -> Result<Option<BindingRow>> {
    session.one(&format!("{BINDING} WHERE b.id = ?1"), values![id.as_bytes()], binding_at)
}

#[cfg(test)]
mod tests;
