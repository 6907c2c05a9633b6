//! Attempts to log in, decided on the row as it is now: however many come at once, they are decided one after the
//! other.

use directory::change::{Effect, REFUSED};
use directory::login::{Attempt as LogIn, Decision, Grant, Outcome, decide};
use directory::password::Policy;
use directory::user::{Attempts, PasswordHash, User};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Attempt, Made, keys, update as execute, users};
use crate::sqlite::read;
use crate::sqlite::row::{millis, unreadable};
use crate::sqlite::writer::Batch;

pub(super) fn attempt(batch: &mut Batch<'_>, log_in: LogIn, now: Timestamp) -> Attempt {
    let connection = batch.connection;
    let user = match log_in.user {
        Some(id) => read::users::by_id(connection, id)?,
        None => None,
    };
    let Some(user) = user else {
        return Ok(Ok(Made {
            account: None,
            target: log_in.address,
            detail: "unknown user".to_owned(),
            action: Some(REFUSED),
            took_away: Vec::new(),
            counts: Vec::new(),
            effect: Effect::LogIn(Outcome::Refused),
        }));
    };
    // What was verified must still be the password.
    let verified = log_in.verified.is_some() && log_in.verified == user.password;
    let Decision { mut outcome, attempts, mut why } =
        decide(&user, &policy(connection, &user)?, verified, &log_in.grant, now);
    if attempts != user.attempts {
        set_attempts(connection, &user, attempts)?;
    }
    let mut made = Made::new(user.account, user.address.as_str(), "");
    if outcome == Outcome::Granted {
        if let Some(rehashed) = &log_in.rehashed {
            rehash(connection, &user, rehashed)?;
        }
        (outcome, why, made) = grant(batch, &user, log_in.grant, now, made)?;
    }
    if outcome != Outcome::Granted {
        made = Made { action: Some(REFUSED), detail: why.to_owned(), ..made };
    }
    Ok(Ok(Made { effect: Effect::LogIn(outcome), ..made }))
}

fn policy(connection: &Connection, user: &User) -> rusqlite::Result<Policy> {
    connection.prepare_cached("SELECT password_policy FROM accounts WHERE id = ?1")?.query_row(
        [user.account.as_bytes()],
        |row| {
            let policy = row.get_ref(0)?.as_str().map_err(|error| unreadable(0, error))?;
            serde_json::from_str(policy).map_err(|error| unreadable(0, error))
        },
    )
}

fn set_attempts(connection: &Connection, user: &User, attempts: Attempts) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE users SET failed_logins = ?2, locked_until = ?3 WHERE id = ?1",
        params![user.id.as_bytes(), attempts.failed, attempts.locked_until.map(millis)],
    )
    .map(|_| ())
}

/// The same password at another cost is no new password.
fn rehash(connection: &Connection, user: &User, hash: &PasswordHash) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE users SET password = ?2 WHERE id = ?1",
        params![user.id.as_bytes(), hash.expose()],
    )
    .map(|_| ())
}

fn grant(
    batch: &Batch<'_>,
    user: &User,
    grant: Grant,
    now: Timestamp,
    made: Made,
) -> rusqlite::Result<(Outcome, &'static str, Made)> {
    let connection = batch.connection;
    let granted = |made: Made| Ok((Outcome::Granted, "", made));
    match grant {
        Grant::Nothing => granted(Made { action: Some("user.password_refused"), ..made }),
        Grant::Binding(binding, profile) => {
            let live: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM bindings WHERE user = ?1 AND application = ?2 AND revoked_at IS NULL
                                                     AND (expires_at IS NULL OR expires_at > ?3)",
                )?
                .query_row(
                    params![user.id.as_bytes(), binding.application.as_bytes(), millis(now)],
                    |row| row.get(0),
                )?;
            if live >= i64::from(profile.max_bindings) {
                return Ok((Outcome::TooManyBindings, "as many key pairs as there may be", made));
            }
            keys::insert_binding(batch, &binding)?;
            granted(Made { detail: format!("new key pair {}", binding.id), ..made })
        }
        Grant::Prolong(binding, expires_at) => {
            let prolonged = execute(
                connection,
                "UPDATE bindings SET expires_at = ?3 WHERE id = ?1 AND user = ?2 AND revoked_at IS NULL",
                params![binding.as_bytes(), user.id.as_bytes(), expires_at.map(millis)],
            )?;
            if prolonged == 0 {
                return Ok((Outcome::Refused, "the key pair to be prolonged is revoked", made));
            }
            granted(Made { detail: format!("key pair {binding} prolonged"), ..made })
        }
        Grant::Password(hash, history) => {
            users::set_password(connection, user, hash.expose(), history, now)?;
            execute(
                connection,
                "UPDATE users SET must_change_password = 0, updated_at = ?2 WHERE id = ?1",
                params![user.id.as_bytes(), millis(now)],
            )?;
            let revoked = users::revoke_all(connection, user.id, now)?;
            let made = Made { detail: format!("revoked bindings: {revoked}"), ..made };
            granted(if revoked > 0 || user.role.is_some() { made.taking() } else { made })
        }
    }
}
