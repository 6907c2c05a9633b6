//! Why a request is refused before its body is read.

use directory::port::StoreError;
use thiserror::Error;
use wire::header;

/// The headers of a signed request.
const SIGNED_HEADERS: [&str; 4] = [header::AUTHORIZATION, header::DATE, header::REQUEST_ID, header::APP_ID];

/// Why a request is refused before anybody looks at its body.
#[derive(Debug, Error)]
pub enum AuthError {
    /// A header is missing.
    #[error("The header {name} is missing; a signed request carries {}", SIGNED_HEADERS.join(", "))]
    MissingHeader {
        /// Its name.
        name: &'static str,
    },
    /// A header can't be read.
    #[error("Malformed header: {why}")]
    MalformedHeader {
        /// Which, and why.
        why: String,
    },
    /// Access key, secret, application key or signed text is wrong: the caller is not told which.
    #[error("0004 Invalid Signature")]
    InvalidSignature,
    /// The signature holds, but the application id is not the one the access key was issued for.
    #[error("App ID is invalid: {app_id}")]
    UnknownApplication {
        /// The value sent.
        app_id: String,
    },
    /// The date can't be read.
    #[error("Unreadable date: {why}")]
    InvalidDate {
        /// Why.
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
    /// Requests signed that early may have been forgotten, because the clock was ahead: this may be one that ran.
    #[error(
        "The server's clock was ahead and has been set back. A request whose {} is not after {until} may already have been carried out and is refused: sign it again after that time",
        header::DATE
    )]
    Forgotten {
        /// From when on dates are good, as the header should show it.
        until: String,
    },
    /// The key pair has expired.
    #[error("0018 AccessKey Has Expired")]
    BindingExpired,
    /// The token is past its life (spec/protocol.md 2e).
    #[error("The token has expired: get a new one from POST /oauth/token")]
    TokenExpired,
    /// The token is none of this server's, or its application is gone.
    #[error("The token is not valid here: get a new one from POST /oauth/token")]
    InvalidToken,
    /// The client id is unknown or disabled, or the secret is wrong: the caller is not told which.
    #[error("The client id or its secret is wrong")]
    InvalidClient,
    /// Too many calls.
    #[error(
        "Too many requests: {limit} are allowed in a window; the next one starts in {reset_ms} milliseconds"
    )]
    QuotaExceeded {
        /// Calls allowed in a window.
        limit: u32,
        /// Milliseconds to wait.
        reset_ms: u32,
    },
    /// The store can't say.
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
