//! Why a server could not be opened.

use std::net::SocketAddr;

use api::dns::TxtLookupError;
use thiserror::Error;

use crate::config::ConfigError;
use crate::tls::TlsError;

/// Why a server could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The cost of passwords is not allowed.
    #[error("passwords: {0}")]
    Cost(#[from] auth::hasher::CostError),
    /// No DNS resolver is configured.
    #[error("domains: {0}")]
    Txt(#[from] TxtLookupError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address for LDAP cannot be used.
    #[error("ldap.{setting} = \"{address}\": {source}")]
    Ldap {
        /// The setting.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The address for metrics cannot be used.
    #[error("metrics.listen = \"{address}\": {source}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
}
