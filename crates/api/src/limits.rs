//! The limits of a request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest body, in bytes.
    pub body_bytes: usize,
    /// All bodies of requests under way together, in bytes; more are refused with 503.
    pub bodies_bytes: usize,
    /// Longest wait for the headers of a request, in seconds; also how long an idle connection is kept.
    pub header_seconds: u64,
    /// Longest wait for a body, in seconds.
    pub body_seconds: u64,
    /// Longest time for a request as a whole, in seconds.
    pub request_seconds: u64,
    /// Longest time in which a client takes none of its answer, in seconds.
    pub answer_seconds: u64,
    /// Requests under way at once, without those whose body is on its way; more are refused with 503.
    pub in_flight: usize,
    /// Longest wait for requests under way when the server stops, in seconds.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            bodies_bytes: 256 << 20,
            header_seconds: 30,
            body_seconds: 30,
            request_seconds: 60,
            answer_seconds: 30,
            in_flight: 8_192,
            drain_seconds: 30,
        }
    }
}

impl Limits {
    /// Longest wait for the headers of a request.
    pub fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    /// Longest wait for a body.
    pub fn body(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    /// Longest time for a request as a whole.
    pub fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    /// Longest time in which a client takes none of its answer.
    pub fn answer(&self) -> Duration {
        Duration::from_secs(self.answer_seconds)
    }

    /// Longest life of a stream of HTTP/2: the request as a whole, and then its answer.
    pub fn stream(&self) -> Duration {
        self.request() + self.answer()
    }

    /// Longest wait for requests under way when the server stops.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
