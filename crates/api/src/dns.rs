//! TXT records, which prove the ownership of domains (spec/protocol.md 5).

use std::net::SocketAddr;
use std::time::Duration;

use directory::DomainName;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// How an account proves ownership of a domain: by a TXT record with the issued token (spec/protocol.md 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Domains {
    /// Whether the record is looked up.
    pub verification: Verification,
    /// Addresses and ports of resolvers. Empty: those in `/etc/resolv.conf` at the start of the server.
    pub resolvers: Vec<SocketAddr>,
    /// Timeout of a lookup, in seconds.
    pub timeout_seconds: u64,
}

/// Whether ownership of a domain is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// By DNS.
    #[default]
    Dns,
    /// Not at all: for a directory without access to the DNS, or with made-up domains. `[ours]`
    Offline,
}

impl Default for Domains {
    fn default() -> Self {
        Self { verification: Verification::default(), resolvers: Vec::new(), timeout_seconds: 5 }
    }
}

impl Domains {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

/// Looks up TXT records, unless the server runs without DNS.
pub struct TxtLookup(Option<Dns>);

struct Dns {
    resolver: TokioResolver,
    timeout: Duration,
}

/// Why TXT records could not be looked up.
#[derive(Debug, Error)]
pub enum TxtLookupError {
    /// No DNS resolver is configured.
    #[error(
        "no DNS resolver found: /etc/resolv.conf: {0}. Set domains.resolvers, or domains.verification = \"offline\""
    )]
    NoResolver(Box<NetError>),
    /// The lookup timed out.
    #[error("DNS lookup of {name} timed out after {seconds} s. Try again later")]
    Timeout {
        /// The domain.
        name: DomainName,
        /// The timeout in seconds.
        seconds: u64,
    },
    /// A resolver answered with an error.
    #[error("DNS lookup of {name} failed: {code}. Check the domain's name servers, or try again later")]
    Failed {
        /// The domain.
        name: DomainName,
        /// The response code as text.
        code: String,
    },
    /// The query could not be sent.
    #[error("DNS lookup of {name} could not be sent: {source}. Check domains.resolvers")]
    Unreachable {
        /// The domain.
        name: DomainName,
        /// The cause.
        source: Box<NetError>,
    },
}

impl TxtLookup {
    /// Uses the configured resolvers, or those of the system. Sends no query yet.
    ///
    /// # Errors
    /// When neither the configuration nor the system names a resolver.
    pub fn new(domains: &Domains) -> Result<Self, TxtLookupError> {
        if domains.verification == Verification::Offline {
            return Ok(Self(None));
        }
        let no_resolver = |error| TxtLookupError::NoResolver(Box::new(error));
        let config = if domains.resolvers.is_empty() {
            read_system_conf().map_err(no_resolver)?.0
        } else {
            let servers = domains.resolvers.iter().map(|resolver| {
                let mut ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                ways.iter_mut().for_each(|way| way.port = resolver.port());
                NameServerConfig::new(resolver.ip(), true, ways.into())
            });
            ResolverConfig::from_name_servers(servers.collect())
        };
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let timeout = domains.timeout();
        *builder.options_mut() = options(timeout);
        let resolver = builder.build().map_err(no_resolver)?;
        Ok(Self(Some(Dns { resolver, timeout })))
    }

    /// Whether lookups are disabled. Then `records` returns none, and the caller decides what that means.
    pub fn offline(&self) -> bool {
        self.0.is_none()
    }

    /// The TXT records of a domain, unordered. The strings of a record are joined (RFC 7208, 3.3). Empty if the domain
    /// does not exist or has none.
    ///
    /// # Errors
    /// When no resolver gives a valid response.
    pub async fn records(&self, name: &DomainName) -> Result<Vec<String>, TxtLookupError> {
        let Some(Dns { resolver, timeout }) = &self.0 else { return Ok(Vec::new()) };
        let timed_out = || TxtLookupError::Timeout { name: name.clone(), seconds: timeout.as_secs() };
        let unreachable =
            |source| TxtLookupError::Unreachable { name: name.clone(), source: Box::new(source) };
        // The final dot disables the search domains of the system.
        let query = Name::from_ascii(format!("{name}.")).map_err(|error| unreachable(error.into()))?;
        let lookup = tokio::time::timeout(*timeout, resolver.lookup(query, RecordType::TXT)).await;
        match lookup.unwrap_or(Err(NetError::Timeout)) {
            Ok(lookup) => {
                Ok(lookup.answers().iter().filter_map(|record| record_text(&record.data)).collect())
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
            Err(NetError::Dns(DnsError::ResponseCode(code))) => {
                Err(TxtLookupError::Failed { name: name.clone(), code: code.to_string() })
            }
            Err(NetError::Timeout) => Err(timed_out()),
            Err(source) => Err(unreachable(source)),
        }
    }
}

fn options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    // A datagram may be lost: half the time leaves room for a second one.
    options.timeout = timeout / 2;
    options.attempts = 1;
    // A new record must be found at once, so responses are not cached.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options
}

/// The text of a TXT record; `None` for other types, such as a CNAME in the response.
fn record_text(data: &RData) -> Option<String> {
    let RData::TXT(txt) = data else { return None };
    Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned())
}
