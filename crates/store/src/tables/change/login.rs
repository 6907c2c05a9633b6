//! Login attempts, decided on the current row: concurrent attempts are decided one after the other.

use directory::application::Binding;
use directory::audit::Action;
use directory::change::Effect;
use directory::login::{Attempt as LogIn, AuthenticationProfile, Decision, Grant, Outcome, decide};
use directory::password::Policy;
use directory::user::{Attempts, PasswordHash, User};
use jiff::Timestamp;

use super::{Attempt, Made, keys, sessions, users};
use crate::session::{Result, Session, unreadable, values};
use crate::tables::batch::Batch;
use crate::tables::read;
use crate::tables::row::millis;

pub(super) fn attempt(batch: &mut Batch<'_>, log_in: &LogIn, now: Timestamp) -> Attempt {
    let session = batch.session;
    let user = match log_in.user {
        Some(id) => read::users::by_id(session, id)?,
        None => None,
    };
    let Some(user) = user else {
        return Ok(Ok(Made {
            account: None,
            target: log_in.address.clone(),
            detail: refusal(log_in, "unknown user"),
            action: Some(Action::LoginRefused),
            is_unrecorded: false,
            took_away: Vec::new(),
            counts: Vec::new(),
            effect: Effect::LogIn(Outcome::Refused),
        }));
    };
    // The verified hash must still be the stored one.
    let verified = log_in.verified.is_some() && log_in.verified == user.password;
    let Decision { mut outcome, attempts, mut why } =
        decide(&user, &policy(session, &user)?, verified, &log_in.grant, now);
    if attempts != user.attempts {
        set_attempts(session, &user, attempts)?;
    }
    let mut made = Made::new(user.account, user.address.as_str(), "");
    if outcome == Outcome::Granted {
        if let Some(rehashed) = &log_in.rehashed {
            rehash(session, &user, rehashed)?;
        }
        (outcome, why, made) = grant(batch, &user, &log_in.grant, now, made)?;
        if outcome == Outcome::Granted
            && !matches!(log_in.grant, Grant::Nothing | Grant::Bind { is_recorded: false })
        {
            let sql = "UPDATE users SET logged_in_at = ?2 WHERE id = ?1";
            session.execute(sql, values![user.id.as_bytes(), millis(now)])?;
        }
    }
    if outcome != Outcome::Granted {
        let (action, detail) = (Some(Action::LoginRefused), refusal(log_in, why));
        made = Made { action, detail, is_unrecorded: false, ..made };
    }
    Ok(Ok(Made { effect: Effect::LogIn(outcome), ..made }))
}

/// Where a login is, unless it is a call.
fn place(grant: &Grant) -> Option<&'static str> {
    match grant {
        Grant::Bind { .. } => Some("LDAP"),
        Grant::Session(_) => Some("console"),
        Grant::Binding(..) | Grant::Prolong(..) | Grant::Password(..) | Grant::Nothing => None,
    }
}

/// Why a login was refused, and where.
fn refusal(log_in: &LogIn, why: &str) -> String {
    match place(&log_in.grant) {
        Some(place) => format!("{place}: {why}"),
        None => why.to_owned(),
    }
}

fn policy(session: &dyn Session, user: &User) -> Result<Policy> {
    session.only(
        "SELECT password_policy FROM accounts WHERE id = ?1",
        values![user.account.as_bytes()],
        |row| {
            let policy = row.get::<&str>(0)?;
            serde_json::from_str(policy).map_err(|error| unreadable(0, error))
        },
    )
}

fn set_attempts(session: &dyn Session, user: &User, attempts: Attempts) -> Result<()> {
    session
        .execute(
            "UPDATE users SET failed_logins = ?2, locked_until = ?3 WHERE id = ?1",
            values![user.id.as_bytes(), attempts.failed, attempts.locked_until.map(millis)],
        )
        .map(|_| ())
}

/// A rehash is not a new password.
fn rehash(session: &dyn Session, user: &User, hash: &PasswordHash) -> Result<()> {
    session
        .execute("UPDATE users SET password = ?2 WHERE id = ?1", values![user.id.as_bytes(), hash.expose()])
        .map(|_| ())
}

fn grant(
    batch: &Batch<'_>,
    user: &User,
    grant: &Grant,
    now: Timestamp,
    made: Made,
) -> Result<(Outcome, &'static str, Made)> {
    let session = batch.session;
    let granted = |made: Made| Ok((Outcome::Granted, "", made));
    let made = Made { detail: place(grant).unwrap_or_default().to_owned(), ..made };
    match grant {
        Grant::Nothing => granted(Made { action: Some(Action::PasswordRefused), ..made }),
        Grant::Binding(binding, profile) => grant_binding(batch, user, binding, profile, now, made),
        // Nothing is written then, so the commit costs no forced write.
        Grant::Bind { is_recorded } => granted(Made { is_unrecorded: !is_recorded, ..made }),
        Grant::Session(new) => {
            sessions::insert(session, user.id, new)?;
            granted(made)
        }
        Grant::Prolong(binding, expires_at) => {
            let prolonged = session.execute(
                "UPDATE bindings SET expires_at = ?3 WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL",
                values![binding.as_bytes(), user.id.as_bytes(), expires_at.map(millis)],
            )?;
            if prolonged == 0 {
                return Ok((Outcome::Refused, "the key pair to be prolonged is revoked", made));
            }
            granted(Made { detail: format!("key pair {binding} prolonged"), ..made })
        }
        Grant::Password(hash, history) => {
            users::set_password(session, user, hash.expose(), *history, now)?;
            session.execute(
                "UPDATE users SET must_change_password = 0, password_own = 1, updated_at = ?2 WHERE id = ?1",
                values![user.id.as_bytes(), millis(now)],
            )?;
            let revoked = users::revoke_all(session, user.id, now)?;
            let made = Made { detail: format!("revoked bindings: {revoked}"), ..made };
            granted(if revoked > 0 || user.role.is_some() { made.taking() } else { made })
        }
    }
}

fn grant_binding(
    batch: &Batch<'_>,
    user: &User,
    binding: &Binding,
    profile: &AuthenticationProfile,
    now: Timestamp,
    made: Made,
) -> Result<(Outcome, &'static str, Made)> {
    let session = batch.session;
    let live: i64 = session.only(
        "SELECT count(*) FROM bindings WHERE user_id = ?1 AND application = ?2 AND revoked_at IS NULL
                                             AND (expires_at IS NULL OR expires_at > ?3)",
        values![user.id.as_bytes(), binding.application.as_bytes(), millis(now)],
        |row| row.get(0),
    )?;
    let mut made = Made { detail: format!("new key pair {}", binding.id), ..made };
    if live >= i64::from(profile.max_bindings) {
        // A pair that was never used is not missed: its answer was lost on the way.
        let Some(unused) = keys::oldest_unused(session, user.id, binding.application, now)? else {
            return Ok((Outcome::TooManyBindings, "as many key pairs as there may be", made));
        };
        keys::revoke(session, unused, now)?;
        made.detail.push_str(&format!("; ended {unused}, which was never used"));
        made = made.taking();
    }
    keys::insert_binding(batch, binding)?;
    Ok((Outcome::Granted, "", made))
}
