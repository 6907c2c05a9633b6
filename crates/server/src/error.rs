//! Why a server could not be opened.

use std::net::SocketAddr;

use api::dns::TxtLookupError;
use thiserror::Error;

use crate::config::ConfigError;
use crate::tls::TlsError;

/// Why a server could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The cost of passwords is not allowed.
    #[error("passwords: {0}")]
    Cost(#[from] auth::hasher::CostError),
    /// No DNS resolver is configured.
    #[error("domains: {0}")]
    Txt(#[from] TxtLookupError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address for metrics can't be had.
    #[error("metrics.listen = \"{address}\": {source}")]
    Metrics {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}
