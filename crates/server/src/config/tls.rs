//! `[tls]`: the certificate for HTTPS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The certificate for HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain in PEM: the server's certificate first, then the intermediate ones.
    pub certificate: PathBuf,
    /// The private key of the first certificate in PEM, unencrypted.
    pub key: PathBuf,
    /// Timeout of a handshake, in seconds.
    #[serde(default = "default_handshake_seconds")]
    pub handshake_seconds: u64,
}

fn default_handshake_seconds() -> u64 {
    10
}

impl Tls {
    /// Certificate and key in these files; everything else by default.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            handshake_seconds: default_handshake_seconds(),
        }
    }

    /// Resolves relative paths against a folder.
    pub(super) fn below(self, folder: &Path) -> Self {
        Self { certificate: folder.join(self.certificate), key: folder.join(self.key), ..self }
    }

    pub(crate) fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }
}
