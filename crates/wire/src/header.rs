//! The headers of a signed request: their names, and what `Authorization` and `x-mc-req-id` must look like
//! (`spec/protocol.md` 2a, `spec/clients.md` 1); and what login takes instead of a signature (`spec/protocol.md` 4).

mod authorization;
mod basic;
mod request_id;

#[cfg(test)]
mod tests;

pub use authorization::{Authorization, AuthorizationError};
pub use basic::{Basic, BasicError, Scheme, plain_basic};
pub use request_id::{RequestId, RequestIdError};

/// Scheme, access key and signature: [`Authorization`].
pub const AUTHORIZATION: &str = "authorization";
/// The moment of signing: [`date::parse`](crate::date::parse).
pub const DATE: &str = "x-mc-date";
/// A GUID of the client's choice: [`RequestId`].
pub const REQUEST_ID: &str = "x-mc-req-id";
/// The id of the registered application, a GUID.
pub const APP_ID: &str = "x-mc-app-id";

/// Answer: calls allowed in a window (`spec/clients.md` 4.5).
pub const RATE_LIMIT: &str = "x-ratelimit-limit";
/// Answer: calls left in this window.
pub const RATE_REMAINING: &str = "x-ratelimit-remaining";
/// Answer: **milliseconds** until the window ends.
pub const RATE_RESET: &str = "x-ratelimit-reset";
/// Answer to a refusal: **seconds** to wait.
pub const RETRY_AFTER: &str = "retry-after";

/// The token of an `Authorization: Bearer …` (spec/protocol.md 8); `None` when the scheme is another.
pub fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.trim_ascii().split_at_checked(6)?;
    let blank = token.first().is_some_and(u8::is_ascii_whitespace);
    (scheme.eq_ignore_ascii_case(b"bearer") && (blank || token.is_empty())).then(|| token.trim_ascii())
}
