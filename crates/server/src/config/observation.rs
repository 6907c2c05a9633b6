//! `[metrics]` and `[journal]`: observation of a running server.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The listener for Prometheus: `GET /metrics` in plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address and port to listen on. Port 0 chooses a free port.
    pub listen: SocketAddr,
    /// Whether other machines may reach the address.
    #[serde(default)]
    pub allow_remote: bool,
}

/// The journal of the last requests, in memory and redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Whether requests are recorded.
    pub enabled: bool,
    /// Most requests that are kept.
    pub keep: usize,
}

impl Journal {
    /// The largest allowed `keep`.
    pub(super) const MOST: usize = 100_000;
}

impl Default for Journal {
    fn default() -> Self {
        Self { enabled: false, keep: 1_000 }
    }
}
