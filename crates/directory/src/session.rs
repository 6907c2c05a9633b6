//! Console sessions: a user who has signed in with a browser. `[ours]`

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::role::Role;
use crate::{Account, SessionId, UserId};

/// A new session. The token itself is only in the browser.
pub struct Session {
    /// Internal id.
    pub id: SessionId,
    /// SHA-256 of the token, which has 256 random bits and so cannot be guessed.
    pub digest: [u8; 32],
    /// When it was created.
    pub created_at: Timestamp,
}

/// A stored session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Internal id.
    pub id: SessionId,
    /// Its user.
    pub user: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

/// The principal of a session, read as of one moment. A user that is locked, disabled or on the purge list has none.
pub struct SessionPrincipal {
    /// The session.
    pub session: SessionRow,
    /// The address of its user.
    pub address: String,
    /// The display name of its user.
    pub name: String,
    /// The account of its user.
    pub account: Arc<Account>,
    /// The role of its user; without one, no page is shown.
    pub role: Option<Role>,
}

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Longest time without use.
    pub idle: SignedDuration,
    /// Longest time in all.
    pub whole: SignedDuration,
}

/// Largest difference between the clocks of nodes. A session that was created later than this after now comes from a
/// clock that was ahead, and is invalid: it would live too long.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

impl SessionLimits {
    /// Whether a session is still valid.
    pub fn admit(&self, session: &SessionRow, now: Timestamp) -> bool {
        let latest = session.created_at.max(session.seen_at);
        latest.duration_since(now) <= CLOCK_SKEW
            && now.duration_since(session.seen_at) < self.idle
            && now.duration_since(session.created_at) < self.whole
    }

    /// Whether to note its use: once a minute is enough.
    pub fn notes(session: &SessionRow, now: Timestamp) -> bool {
        now.duration_since(session.seen_at) >= SignedDuration::from_mins(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_not_used_and_in_any_case() {
        let limits =
            SessionLimits { idle: SignedDuration::from_mins(30), whole: SignedDuration::from_hours(12) };
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let session = |seen_at| SessionRow {
            id: SessionId::from_bytes([1; 16]),
            user: UserId::from_bytes([2; 16]),
            created_at: at(0),
            seen_at,
        };
        assert!(limits.admit(&session(at(0)), at(29)));
        assert!(!limits.admit(&session(at(0)), at(30)));
        assert!(limits.admit(&session(at(700)), at(719)));
        assert!(!limits.admit(&session(at(719)), at(720)));
        // Created or used while the clock was ahead.
        assert!(limits.admit(&session(at(0)), at(-5)));
        assert!(!limits.admit(&session(at(0)), at(-6)));
        assert!(!limits.admit(&session(at(26)), at(20)));
        assert!(!SessionLimits::notes(&session(at(5)), at(5)));
        assert!(SessionLimits::notes(&session(at(5)), at(6)));
    }
}
