//! Calls drawn from quotas, shared between nodes. SQLite has no such table, because it has one node.

use directory::port::Drawn;
use jiff::{SignedDuration, Timestamp};

use super::row::{millis, time};
use crate::session::{Result, Session, values};

/// How long the figures of a silent node are kept.
const GONE: SignedDuration = SignedDuration::from_mins(10);

pub(crate) fn share(
    session: &dyn Session,
    node: &[u8; 16],
    drawn: &[Drawn],
    now: Timestamp,
) -> Result<Vec<Drawn>> {
    session.batch("BEGIN")?;
    for Drawn { bucket, calls, until } in drawn {
        session.execute(
            "INSERT INTO quota_draws (bucket, node, calls, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (bucket, node) DO UPDATE SET calls = excluded.calls, until = excluded.until",
            values![bucket, node, calls, millis(*until)],
        )?;
    }
    let (at, gone) = (millis(now), millis(now) - GONE.as_millis() as i64);
    let sql = "DELETE FROM quota_draws WHERE until < ?3 OR (node = ?1 AND until <= ?2)";
    session.execute(sql, values![node, at, gone])?;
    let sql = "SELECT bucket, calls, until FROM quota_draws WHERE node <> ?1 AND until > ?2";
    let others = session.all(sql, values![node, at], |row| {
        Ok(Drawn { bucket: row.get(0)?, calls: row.get(1)?, until: time(row, 2)? })
    })?;
    session.batch("COMMIT")?;
    Ok(others)
}
