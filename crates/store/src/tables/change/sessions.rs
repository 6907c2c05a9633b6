//! Sessions of the console.

use directory::session::{Session as New, SessionLimits};
use directory::{SessionId, UserId};
use jiff::Timestamp;

use super::{Attempt, found, update as execute};
use crate::session::{Result, Session, values};
use crate::tables::row::millis;

pub(super) fn insert(session: &dyn Session, user: UserId, new: &New) -> Result<()> {
    let sql = "INSERT INTO sessions (id, digest, user_id, created_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?4)";
    execute(session, sql, values![new.id.as_bytes(), new.digest, user.as_bytes(), millis(new.created_at)])
        .map(|_| ())
}

pub(super) fn end(session: &dyn Session, id: SessionId) -> Attempt {
    let sql = "SELECT u.account, u.address FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?1";
    let made = found(session, sql, id.as_bytes())?;
    execute(session, "DELETE FROM sessions WHERE id = ?1", values![id.as_bytes()])?;
    Ok(made)
}

pub(super) fn end_all(session: &dyn Session, user: UserId) -> Result<()> {
    execute(session, "DELETE FROM sessions WHERE user_id = ?1", values![user.as_bytes()]).map(|_| ())
}

/// Notes that a session was used, and forgets those that are over. Sessions are few: nobody needs an index to find them.
pub(crate) fn touch(
    session: &dyn Session,
    id: SessionId,
    now: Timestamp,
    limits: SessionLimits,
) -> Result<()> {
    let sql = "UPDATE sessions SET seen_at = ?2 WHERE id = ?1 AND seen_at < ?2";
    execute(session, sql, values![id.as_bytes(), millis(now)])?;
    let before = |life| now.checked_sub(life).map_or(i64::MIN, millis);
    let sql = "DELETE FROM sessions WHERE seen_at < ?1 OR created_at < ?2";
    execute(session, sql, values![before(limits.idle), before(limits.whole)]).map(|_| ())
}
