//! Sessions of the console.

use std::sync::Arc;

use directory::session::{SessionPrincipal, SessionRow};
use directory::{Account, SessionId, UserId};

use super::{above, account_at};
use crate::session::{Result, Session, values};
use crate::tables::row::{role, time};

/// The principal of a token, as of one moment.
pub(crate) fn principal(session: &dyn Session, digest: &[u8; 32]) -> Result<Option<SessionPrincipal>> {
    let principal = session.one(
        "SELECT s.id, s.user_id, s.created_at, s.seen_at, u.address, u.name, u.role,
                r.account, r.name, r.permissions, r.partner,
                a.id, a.code, a.name, a.password_policy, a.epoch, a.created_at, a.settings
         FROM sessions s
         JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL AND u.locked = 0 AND u.purge_at IS NULL
         JOIN accounts a ON a.id = u.account AND a.disabled_at IS NULL
         LEFT JOIN roles r ON r.id = u.role WHERE s.digest = ?1",
        values![digest],
        |row| {
            let session = SessionRow {
                id: SessionId::from_bytes(row.get(0)?),
                user: UserId::from_bytes(row.get(1)?),
                created_at: time(row, 2)?,
                seen_at: time(row, 3)?,
            };
            let role = role(row, row.get(6)?, 7)?;
            Ok((session, row.get::<String>(4)?, row.get::<String>(5)?, role, account_at(row, 11)?))
        },
    )?;
    let Some((row, address, name, role, account)) = principal else { return Ok(None) };
    let account = Arc::new(Account { above: above(session, account.id)?, ..account });
    Ok(Some(SessionPrincipal { session: row, address, name, account, role }))
}
