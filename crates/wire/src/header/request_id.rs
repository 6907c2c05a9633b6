use std::fmt;

use uuid::Uuid;

/// The value of `x-mc-req-id` as an identity: two spellings of a GUID denote one request.
///
/// The signature covers the bytes of the header, so keep those for [`Parts`](crate::signature::Parts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

/// The value of `x-mc-req-id` is not a GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "x-mc-req-id is not a GUID: expected 32 hexadecimal digits such as 8578fcfc-a305-4d9a-99cb-f4d5ecefe297"
)]
pub struct RequestIdError;

impl RequestId {
    /// Parses a GUID in any case, with or without hyphens, in braces or as a URN (`spec/clients.md` 1.5). Spaces around
    /// it are ignored.
    pub fn parse(value: &[u8]) -> Result<Self, RequestIdError> {
        Uuid::try_parse_ascii(value.trim_ascii()).map(Self).map_err(|_| RequestIdError)
    }

    /// The sixteen bytes, in written order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<Uuid> for RequestId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// With hyphens, in lower case.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}
