//! Sessions of the console.

use directory::session::{Session as New, SessionLimits};
use directory::{SessionId, UserId};
use jiff::Timestamp;

use super::{Attempt, found};
use crate::session::{Result, Session, values};
use crate::tables::batch::Batch;
use crate::tables::row::millis;
use crate::tables::work::{Payload, Work};

pub(super) fn insert(session: &dyn Session, user: UserId, new: &New) -> Result<()> {
    let sql = "INSERT INTO sessions (id, digest, user_id, created_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?4)";
    session
        .execute(sql, values![new.id.as_bytes(), new.digest, user.as_bytes(), millis(new.created_at)])
        .map(|_| ())
}

pub(super) fn end(session: &dyn Session, id: SessionId) -> Attempt {
    let sql = "SELECT u.account, u.address FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?1";
    let made = found(session, sql, id.as_bytes())?;
    session.execute("DELETE FROM sessions WHERE id = ?1", values![id.as_bytes()])?;
    Ok(made)
}

pub(super) fn end_all(session: &dyn Session, user: UserId) -> Result<()> {
    session.execute("DELETE FROM sessions WHERE user_id = ?1", values![user.as_bytes()]).map(|_| ())
}

/// Notes that a session was used, and deletes those that have expired. Sessions are few, so no index finds them.
pub(crate) struct Touch {
    pub(crate) session: SessionId,
    pub(crate) now: Timestamp,
    pub(crate) limits: SessionLimits,
}

impl Payload for Touch {
    type Output = ();

    fn size(&self) -> usize {
        1
    }
}

impl Work for Touch {
    fn run(&self, batch: &mut Batch<'_>) -> Result<()> {
        let sql = "UPDATE sessions SET seen_at = ?2 WHERE id = ?1 AND seen_at < ?2";
        batch.session.execute(sql, values![self.session.as_bytes(), millis(self.now)])?;
        let before = |life| self.now.checked_sub(life).map_or(i64::MIN, millis);
        let sql = "DELETE FROM sessions WHERE seen_at < ?1 OR created_at < ?2";
        let (idle, whole) = (before(self.limits.idle), before(self.limits.whole));
        batch.session.execute(sql, values![idle, whole]).map(|_| ())
    }
}
