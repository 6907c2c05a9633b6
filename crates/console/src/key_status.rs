//! The status of a key pair.

use directory::port::BindingRow;
use jiff::{SignedDuration, Timestamp};

use crate::tag::Tag;

/// Time of the warning before a key pair expires.
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
        match (pair.revoked_at, pair.expires_at) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, Some(at)) if at <= now => KeyStatus::Expired,
            (None, Some(at)) if at.duration_since(now) < SOON => KeyStatus::EndsSoon,
            (None, _) => KeyStatus::Live,
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
