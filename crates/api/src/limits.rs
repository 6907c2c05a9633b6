//! The limits of a request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest body, in bytes.
    pub body_bytes: usize,
    /// Bytes of all bodies of running requests together; more are refused with 503.
    pub bodies_bytes: usize,
    /// Timeout for the headers of a request, in seconds; also for an idle connection.
    pub header_seconds: u64,
    /// Timeout for a body, in seconds.
    pub body_seconds: u64,
    /// Timeout for a whole request, in seconds.
    pub request_seconds: u64,
    /// Timeout for a client that reads nothing of its response, in seconds.
    pub answer_seconds: u64,
    /// Requests that run at once, not counting those whose body is still arriving; more are refused with 503.
    pub in_flight: usize,
    /// Timeout for running requests when the server stops, in seconds.
    #[serde(alias = "drain_seconds")]
    pub stop_seconds: u64,
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
            stop_seconds: 30,
        }
    }
}

impl Limits {
    /// Timeout for the headers of a request.
    pub fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    /// Timeout for a body.
    pub fn body(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    /// Timeout for a whole request.
    pub fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    /// Timeout for a client that reads nothing of its response.
    pub fn answer(&self) -> Duration {
        Duration::from_secs(self.answer_seconds)
    }

    /// Longest life of an HTTP/2 stream: the request and then its response.
    pub fn stream(&self) -> Duration {
        self.request() + self.answer()
    }

    /// Timeout for running requests when the server stops.
    pub fn stop(&self) -> Duration {
        Duration::from_secs(self.stop_seconds)
    }
}
