//! Why a request is refused before its body is read.

use directory::port::StoreError;
use thiserror::Error;
use wire::header;

const SIGNED_HEADERS: [&str; 4] = [header::AUTHORIZATION, header::DATE, header::REQUEST_ID, header::APP_ID];

/// Why a request is refused before its body is read.
#[derive(Debug, Error)]
pub enum AuthError {
    /// A header is missing. The number is that of the service for absent credentials (spec/protocol.md 2e).
    #[error("0001 The header {name} is missing; a signed request carries {}", SIGNED_HEADERS.join(", "))]
    MissingHeader {
        /// Its name.
        name: &'static str,
    },
    /// A header is malformed.
    #[error("Malformed header: {why}")]
    MalformedHeader {
        /// Name and cause.
        why: String,
    },
    /// Access key, secret, application key or signed text is wrong. The caller is not told which.
    #[error("0004 Invalid Signature")]
    InvalidSignature,
    /// The signature is valid, but the access key was issued for another application id.
    #[error("App ID is invalid: {app_id}")]
    UnknownApplication {
        /// The value sent.
        app_id: String,
    },
    /// The date is malformed.
    #[error("Unreadable date: {why}")]
    InvalidDate {
        /// The cause.
        why: String,
    },
    /// The date is too far from now.
    #[error("The header {} is {} {} the server's time, which is {now}; at most {window} seconds are allowed",
            header::DATE, in_words(*off), if *off < 0 { "behind" } else { "ahead of" })]
    Expired {
        /// Seconds ahead of the server's time.
        off: i64,
        /// Seconds allowed.
        window: i64,
        /// The server's time, as the header should have shown it.
        now: String,
    },
    /// Requests with such an early date may have been deleted, because the clock was ahead. This request may have run
    /// already.
    #[error(
        "The server's clock was ahead and has been set back. A request whose {} is not after {until} may already have been carried out and is refused: sign it again after that time",
        header::DATE
    )]
    Forgotten {
        /// The earliest accepted date, in the format of the header.
        until: String,
    },
    /// The key pair has expired.
    #[error("0018 AccessKey Has Expired")]
    BindingExpired,
    /// The token has expired (spec/protocol.md 2e).
    #[error("The token has expired: get a new one from POST /oauth/token")]
    TokenExpired,
    /// This server did not issue the token, or its application is gone.
    #[error("The token is not valid here: get a new one from POST /oauth/token")]
    InvalidToken,
    /// The client id is unknown or disabled, or the secret is wrong. The caller is not told which.
    #[error("The client id or its secret is wrong")]
    InvalidClient,
    /// Too many calls.
    #[error(
        "Too many requests: {limit} are allowed in a window; the next one starts in {reset_ms} milliseconds"
    )]
    QuotaExceeded {
        /// Calls allowed per window.
        limit: u32,
        /// Milliseconds to wait.
        reset_ms: u32,
    },
    /// The store failed.
    #[error("The directory is unreachable; nothing was done")]
    Store(#[from] StoreError),
}

fn in_words(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    match seconds {
        0..7_200 => format!("{seconds} seconds"),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
