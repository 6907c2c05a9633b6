//! Injected faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault for a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// Refused before anything is done, with the server's own error.
    Refuse {
        /// 401: invalid signature; 418: expired key; 429: quota exceeded; 500: internal error; 503: too busy.
        status: u16,
    },
    /// Delayed before anything is done.
    Delay {
        /// The delay in milliseconds.
        milliseconds: u64,
    },
    /// Carried out, but the connection is closed instead of a response.
    DropAnswer,
}

impl What {
    /// The delay of the request.
    pub fn delay(&self) -> Option<Duration> {
        match self {
            What::Delay { milliseconds } => Some(Duration::from_millis(*milliseconds)),
            What::Refuse { .. } | What::DropAnswer => None,
        }
    }

    /// Whether the connection is closed instead of a response.
    pub fn drops(&self) -> bool {
        matches!(self, What::DropAnswer)
    }
}
