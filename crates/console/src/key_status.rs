//! The status of a key pair or a token.

use directory::port::BindingRow;
use directory::scim::ClientToken;
use jiff::{SignedDuration, Timestamp};

use crate::tag::Tag;

/// Time of the warning before a key pair or a token expires.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    Revoked,
    Expired,
    EndsSoon,
    Live,
}

impl KeyStatus {
    pub(crate) fn of_pair(pair: &BindingRow, now: Timestamp) -> Self {
        match pair.revoked_at {
            Some(_) => KeyStatus::Revoked,
            None => Self::until(pair.expires_at, now),
        }
    }

    /// The status of a token that was not revoked.
    pub(crate) fn of_token(token: &ClientToken, now: Timestamp) -> Self {
        Self::until(token.expires_at, now)
    }

    fn until(expires_at: Option<Timestamp>, now: Timestamp) -> Self {
        match expires_at {
            Some(at) if at <= now => KeyStatus::Expired,
            Some(at) if at.duration_since(now) < SOON => KeyStatus::EndsSoon,
            _ => KeyStatus::Live,
        }
    }

    pub(crate) fn tag(self) -> Tag {
        let (text, look) = match self {
            KeyStatus::Revoked => ("revoked", "bad"),
            KeyStatus::Expired => ("expired", "bad"),
            KeyStatus::EndsSoon => ("expires soon", "warn"),
            KeyStatus::Live => ("live", "good"),
        };
        Tag { text, look }
    }
}
