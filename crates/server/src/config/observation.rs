//! `[metrics]`, `[journal]` and `[traces]`: observation of a running server.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::ConfigError;

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

/// Traces of calls, sent with OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The URL of a collector's receiver.
    pub endpoint: String,
    /// The share of the calls without a `traceparent` that have a trace.
    #[serde(default = "Traces::hundredth")]
    pub sample: f64,
}

impl Traces {
    fn hundredth() -> f64 {
        0.01
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(ConfigError::Setting("traces.sample is a share between 0 and 1"));
        }
        if !self.endpoint.starts_with("http://") && !self.endpoint.starts_with("https://") {
            return Err(ConfigError::Setting(
                "traces.endpoint must be a URL, such as http://127.0.0.1:4318/v1/traces",
            ));
        }
        Ok(())
    }
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
