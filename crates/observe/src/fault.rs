//! Faults that a test asks for, as the journal tells them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault for a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// It is refused before anything is done, as the server would.
    Refuse {
        /// 401: the signature is wrong; 418: the key has expired; 429: the quota is used up; 500: a fault of the server's
        /// own; 503: too busy.
        status: u16,
    },
    /// It waits before anything is done.
    Delay {
        /// So long.
        milliseconds: u64,
    },
    /// It is carried out, and the connection ends in place of an answer.
    DropAnswer,
}

impl What {
    /// How long the request waits.
    pub fn delay(&self) -> Option<Duration> {
        match self {
            What::Delay { milliseconds } => Some(Duration::from_millis(*milliseconds)),
            What::Refuse { .. } | What::DropAnswer => None,
        }
    }

    /// Whether the connection ends in place of the answer.
    pub fn drops(&self) -> bool {
        matches!(self, What::DropAnswer)
    }
}
