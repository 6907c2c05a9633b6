//! `[tls]`: the certificate with which the server speaks HTTPS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The certificate with which the server speaks HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, in PEM: the server's own certificate first, then those between it and the root.
    pub certificate: PathBuf,
    /// The private key of the first certificate, in PEM, not encrypted.
    pub key: PathBuf,
    /// Longest time for a handshake, in seconds.
    #[serde(default = "default_handshake_seconds")]
    pub handshake_seconds: u64,
}

fn default_handshake_seconds() -> u64 {
    10
}

impl Tls {
    /// Certificate and key in these files; all else by default.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            handshake_seconds: default_handshake_seconds(),
        }
    }

    /// Relative paths are relative to the folder.
    pub(super) fn below(self, folder: &Path) -> Self {
        Self { certificate: folder.join(self.certificate), key: folder.join(self.key), ..self }
    }

    pub(crate) fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }
}
