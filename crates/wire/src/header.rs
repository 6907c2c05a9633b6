//! The headers of a signed request: names, and the formats of `Authorization` and `x-mc-req-id` (`spec/protocol.md` 2a,
//! `spec/clients.md` 1). Also the `Authorization` of a login (`spec/protocol.md` 4).

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
/// The time of signing: [`date::parse`](crate::date::parse).
pub const DATE: &str = "x-mc-date";
/// A GUID chosen by the client: [`RequestId`].
pub const REQUEST_ID: &str = "x-mc-req-id";
/// The id of the registered application, a GUID.
pub const APP_ID: &str = "x-mc-app-id";

/// The arguments of an endpoint whose body is a file, as JSON.
pub const ARGUMENT: &str = "x-mc-arg";

/// Response: calls allowed per window (`spec/clients.md` 4.5).
pub const RATE_LIMIT: &str = "x-ratelimit-limit";
/// Response: calls left in this window.
pub const RATE_REMAINING: &str = "x-ratelimit-remaining";
/// Response: **milliseconds** until the window ends.
pub const RATE_RESET: &str = "x-ratelimit-reset";
/// Response with an error: **seconds** to wait.
pub const RETRY_AFTER: &str = "retry-after";

/// The token of `Authorization: Bearer …` (spec/protocol.md 8); `None` for other schemes.
pub fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.trim_ascii().split_at_checked(6)?;
    let blank = token.first().is_some_and(u8::is_ascii_whitespace);
    (scheme.eq_ignore_ascii_case(b"bearer") && (blank || token.is_empty())).then(|| token.trim_ascii())
}
