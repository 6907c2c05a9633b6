//! `[metrics]` and `[journal]`: what can be seen of a server while it runs.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Where Prometheus reads what is counted: `GET /metrics`, in plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address and port to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether the address may be one that other machines reach.
    #[serde(default)]
    pub allow_remote: bool,
}

/// Whether the last requests are kept, in memory and without secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Whether they are.
    pub enabled: bool,
    /// How many.
    pub keep: usize,
}

impl Journal {
    /// As many may be kept.
    pub(super) const MOST: usize = 100_000;
}

impl Default for Journal {
    fn default() -> Self {
        Self { enabled: false, keep: 1_000 }
    }
}
