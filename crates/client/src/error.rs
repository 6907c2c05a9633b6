//! The cause.

use std::time::Duration;

use thiserror::Error;
use wire::{Error as Fault, header};

use crate::keys::KeysError;
use crate::raw_answer::RawAnswer;

/// Why a call has no usable answer. Refused items are not an error: they are in [`Answer::fail`](crate::Answer::fail).
#[derive(Debug, Error)]
pub enum CallError {
    /// The request did not reach the server, or the response did not arrive.
    #[error("no response from {base_url}: {}", causes(.source))]
    Transport {
        /// The URL of the request.
        base_url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The response is not an envelope: most likely something other than the API answered.
    #[error("HTTP {status}, and the body is not a response of this API: {source}")]
    NoEnvelope {
        /// HTTP status.
        status: u16,
        /// What is wrong with the body.
        source: serde_json::Error,
    },
    /// The server refused the call as a whole.
    #[error("HTTP {status}: {} ({})", .fault.message, .fault.code)]
    Refused {
        /// HTTP status.
        status: u16,
        /// Why.
        fault: Fault,
        /// When the same call may succeed, if the server says so.
        retry_after: Option<Duration>,
    },
    /// The body can't be written as JSON.
    #[error("the request cannot be written as JSON: {0}")]
    Body(serde_json::Error),
    /// A login gave no keys and no error.
    #[error("the login response contains no key pair")]
    NoKeys,
    /// The keys can't be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The runtime could not be started.
    #[error("no runtime: {0}")]
    Runtime(std::io::Error),
}

impl CallError {
    /// Whether the outcome is unknown: the call may have been carried out.
    pub fn is_unknown(&self) -> bool {
        match self {
            CallError::Transport { source, .. } => !source.is_connect() && !source.is_builder(),
            CallError::NoEnvelope { .. } => true,
            CallError::Refused { status, .. } => *status >= 500,
            CallError::Body(_) | CallError::NoKeys | CallError::Keys(_) | CallError::Runtime(_) => false,
        }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            CallError::Refused { fault, .. } => Some(&fault.code),
            _ => None,
        }
    }
}

/// An error with its causes: the first line of an HTTP error says little.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// How long to wait before a retry, by a response: `Retry-After` in seconds, otherwise `X-RateLimit-Reset` in
/// milliseconds when nothing remains (spec/clients.md 4.5, 5).
pub(crate) fn retry_after(answer: &RawAnswer) -> Option<Duration> {
    let number = |name: &str| answer.header(name)?.parse::<u64>().ok();
    if let Some(seconds) = number(header::RETRY_AFTER) {
        return Some(Duration::from_secs(seconds));
    }
    (number(header::RATE_REMAINING) == Some(0))
        .then(|| number(header::RATE_RESET).map(Duration::from_millis))?
}
