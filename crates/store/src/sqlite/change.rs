//! Administrative changes in a transaction: all of a list or none, each told to the audit.

use directory::application::{Application, Binding};
use directory::audit::Actor;
use directory::change::{Change, ChangeRefused, Changed};
use directory::port::Creation;
use directory::{Account, AccountId, ApplicationId, BindingId, Role, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use secrecy::ExposeSecret;

use super::row::{self, millis};
use super::writer::Batch;
use crate::audit::Entry;

/// What a change did: the account it concerns, and what the audit calls its target.
struct Made {
    account: Option<AccountId>,
    target: String,
    detail: String,
}

type Attempt = rusqlite::Result<Result<Made, ChangeRefused>>;

pub(super) fn run(
    batch: &mut Batch<'_>,
    changes: Vec<Change>,
    actor: &Actor,
    now: Timestamp,
) -> rusqlite::Result<Changed> {
    // Others share the transaction: what is undone is only this list.
    batch.connection.execute_batch("SAVEPOINT changes")?;
    let head = batch.head;
    for (index, change) in changes.into_iter().enumerate() {
        if let Err(why) = one(batch, change, actor, now)? {
            batch.connection.execute_batch("ROLLBACK TO changes; RELEASE changes")?;
            batch.head = head;
            batch.forget_epochs();
            return Ok(Changed::Refused { index, why });
        }
    }
    batch.connection.execute_batch("RELEASE changes")?;
    Ok(Changed::Done)
}

fn one(
    batch: &mut Batch<'_>,
    change: Change,
    actor: &Actor,
    now: Timestamp,
) -> rusqlite::Result<Result<(), ChangeRefused>> {
    let (action, takes_away) = (change.action(), change.takes_away());
    // The one change whose event the hot path writes itself.
    if let Change::AddUser(user) = &change {
        return Ok(match super::create_users::insert_user(batch, user, actor)? {
            Creation::Created => Ok(()),
            Creation::AddressTaken => Err(ChangeRefused::AlreadyThere),
        });
    }
    let made = match make(batch, change, now) {
        Ok(made) => made,
        Err(error) => match error.sqlite_error().map(|error| error.extended_code) {
            Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Err(ChangeRefused::AlreadyThere)
            }
            Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Err(ChangeRefused::NotThere),
            _ => return Err(error),
        },
    };
    let made = match made {
        Ok(made) => made,
        Err(refused) => return Ok(Err(refused)),
    };
    if takes_away && let Some(account) = made.account {
        batch.bump_epoch(account)?;
    }
    batch.record(&Entry {
        at: millis(now),
        account: made.account.as_ref().map(|account| &account.as_bytes()[..]),
        actor: actor.name(),
        action,
        target: &made.target,
        detail: &made.detail,
    })?;
    Ok(Ok(()))
}

fn make(batch: &mut Batch<'_>, change: Change, now: Timestamp) -> Attempt {
    let connection = batch.connection;
    match change {
        Change::AddAccount(account) => add_account(connection, &account),
        Change::DisableAccount(id) => {
            update(
                connection,
                "UPDATE accounts SET disabled_at = ?2 WHERE id = ?1",
                params![id.as_bytes(), millis(now)],
            )?;
            found(connection, "SELECT id, code FROM accounts WHERE id = ?1", id.as_bytes())
        }
        Change::AddDomain(domain) => {
            update(
                connection,
                "INSERT INTO domains (id, name, account, created_at) VALUES (?1, ?2, ?3, ?4)",
                params![
                    domain.id.as_bytes(),
                    domain.name.as_str(),
                    domain.account.as_bytes(),
                    millis(domain.created_at)
                ],
            )?;
            made(domain.account, domain.name.to_string(), String::new())
        }
        Change::RemoveDomain(id) => {
            let domain = found(connection, "SELECT account, name FROM domains WHERE id = ?1", id.as_bytes())?;
            update(connection, "DELETE FROM domains WHERE id = ?1", params![id.as_bytes()])?;
            Ok(domain)
        }
        Change::AddRole(role) => add_role(connection, &role),
        Change::SetRole(user, role) => {
            let bytes = role.as_ref().map(|role| role.as_bytes());
            update(connection, "UPDATE users SET role = ?2 WHERE id = ?1", params![user.as_bytes(), bytes])?;
            user_made(connection, user, role.map_or_else(|| "none".to_owned(), |role| role.to_string()))
        }
        Change::AddUser(_) => unreachable_add_user(),
        Change::SetPassword(user, password) => {
            update(
                connection,
                "UPDATE users SET password = ?2, must_change_password = 0 WHERE id = ?1",
                params![user.as_bytes(), password.expose()],
            )?;
            let revoked = revoke_all(connection, user, now)?;
            user_made(connection, user, format!("revoked bindings: {revoked}"))
        }
        Change::DisableUser(user) => {
            update(
                connection,
                "UPDATE users SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1",
                params![user.as_bytes(), millis(now)],
            )?;
            let revoked = revoke_all(connection, user, now)?;
            user_made(connection, user, format!("revoked bindings: {revoked}"))
        }
        Change::EnableUser(user) => {
            update(
                connection,
                "UPDATE users SET disabled_at = NULL WHERE id = ?1",
                params![user.as_bytes()],
            )?;
            user_made(connection, user, String::new())
        }
        Change::AddApplication(application) => add_application(batch, &application),
        Change::DisableApplication(id) => disable_application(batch, id, now),
        Change::AddBinding(binding) => add_binding(batch, &binding),
        Change::RevokeBinding(id) => revoke_binding(connection, id, now),
    }
}

/// `one` has dealt with it; were that ever forgotten, the transaction fails and says so.
fn unreachable_add_user() -> Attempt {
    Err(row::unreadable(0, "a user is added by the hot path"))
}

fn made(account: AccountId, target: String, detail: String) -> Attempt {
    Ok(Ok(Made { account: Some(account), target, detail }))
}

fn update(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(values)
}

/// Reads (account, target) of a row that must be there.
fn found(connection: &Connection, sql: &str, id: &[u8; 16]) -> Attempt {
    let row = connection
        .prepare_cached(sql)?
        .query_row([id], |row| Ok((AccountId::from_bytes(row.get(0)?), row.get(1)?)))
        .optional()?;
    match row {
        Some((account, target)) => made(account, target, String::new()),
        None => Ok(Err(ChangeRefused::NotThere)),
    }
}

fn user_made(connection: &Connection, user: UserId, detail: String) -> Attempt {
    let user = found(connection, "SELECT account, address FROM users WHERE id = ?1", user.as_bytes())?;
    Ok(user.map(|user| Made { detail, ..user }))
}

fn revoke_all(connection: &Connection, user: UserId, now: Timestamp) -> rusqlite::Result<usize> {
    let sql = "UPDATE bindings SET revoked_at = ?2 WHERE user = ?1 AND revoked_at IS NULL";
    update(connection, sql, params![user.as_bytes(), millis(now)])
}

fn add_account(connection: &Connection, account: &Account) -> Attempt {
    let policy = serde_json::to_string(&account.password_policy)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    update(
        connection,
        "INSERT INTO accounts (id, code, name, parent, password_policy, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            account.id.as_bytes(),
            account.code.as_str(),
            account.name,
            account.above.first().map(|parent| parent.as_bytes()),
            policy,
            millis(account.created_at),
        ],
    )?;
    made(account.id, account.code.to_string(), account.name.clone())
}

fn add_role(connection: &Connection, role: &Role) -> Attempt {
    let Some(account) = role.account else { return Ok(Err(ChangeRefused::AlreadyThere)) };
    let permissions = row::permissions(role);
    update(
        connection,
        "INSERT INTO roles (id, account, name, permissions, partner) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![role.id.as_bytes(), account.as_bytes(), role.name, permissions, role.partner],
    )?;
    made(account, role.name.clone(), permissions)
}

fn add_application(batch: &Batch<'_>, application: &Application) -> Attempt {
    let id = application.id.as_bytes();
    let key = application.app_key.expose_secret().as_bytes();
    let sealed = batch.vault.seal(batch.entropy, "applications.app_key", id, key).map_err(sealing)?;
    update(
        batch.connection,
        "INSERT INTO applications (id, account, app_id, name, app_key_sealed, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            id,
            application.account.as_bytes(),
            application.app_id,
            application.name,
            sealed,
            millis(application.created_at)
        ],
    )?;
    made(application.account, application.app_id.clone(), application.name.clone())
}

/// Users of other accounts may hold bindings to it: their accounts lose something too.
fn disable_application(batch: &mut Batch<'_>, id: ApplicationId, now: Timestamp) -> Attempt {
    let sql = "UPDATE applications SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1";
    update(batch.connection, sql, params![id.as_bytes(), millis(now)])?;
    let accounts: Vec<[u8; 16]> = batch
        .connection
        .prepare_cached(
            "SELECT DISTINCT u.account FROM bindings b JOIN users u ON u.id = b.user WHERE b.application = ?1",
        )?
        .query_map([id.as_bytes()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for account in accounts {
        batch.bump_epoch(AccountId::from_bytes(account))?;
    }
    found(batch.connection, "SELECT account, app_id FROM applications WHERE id = ?1", id.as_bytes())
}

fn add_binding(batch: &Batch<'_>, binding: &Binding) -> Attempt {
    let id = binding.id.as_bytes();
    let sealed = batch
        .vault
        .seal(batch.entropy, "bindings.secret", id, binding.secret.expose_secret())
        .map_err(sealing)?;
    update(
        batch.connection,
        "INSERT INTO bindings (id, access_key, secret_sealed, user, application, expires_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id,
            binding.access_key.as_str(),
            sealed,
            binding.user.as_bytes(),
            binding.application.as_bytes(),
            binding.expires_at.map(millis),
            millis(binding.created_at),
        ],
    )?;
    binding_made(batch.connection, binding.id)
}

fn revoke_binding(connection: &Connection, id: BindingId, now: Timestamp) -> Attempt {
    let sql = "UPDATE bindings SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
    update(connection, sql, params![id.as_bytes(), millis(now)])?;
    binding_made(connection, id)
}

fn binding_made(connection: &Connection, id: BindingId) -> Attempt {
    let sql = "SELECT u.account, u.address FROM bindings b JOIN users u ON u.id = b.user WHERE b.id = ?1";
    Ok(found(connection, sql, id.as_bytes())?.map(|made| Made { detail: id.to_string(), ..made }))
}

fn sealing(error: crate::vault::VaultError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}
