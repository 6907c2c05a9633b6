//! TXT records of domains, as proof of whose a domain is (spec/protocol.md 5).

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

/// How an account proves that a domain is its own: by a TXT record with the token that it was given (spec/protocol.md 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Domains {
    /// Whether the record is looked for at all.
    pub verification: Verification,
    /// Resolvers to ask, as address and port. Empty: those of `/etc/resolv.conf`, as it is when the server starts.
    pub resolvers: Vec<SocketAddr>,
    /// Longest wait for the records of a domain, in seconds.
    pub timeout_seconds: u64,
}

/// Whether proof of a domain is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// In the DNS.
    #[default]
    Dns,
    /// Nowhere: for a directory that can't reach the DNS, or whose domains are made up. `[ours]`
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

/// Looks up TXT records; or does not, when the directory is to get by without the DNS.
pub struct TxtLookup(Option<Dns>);

struct Dns {
    resolver: TokioResolver,
    timeout: Duration,
}

/// Why the TXT records of a domain are not known.
#[derive(Debug, Error)]
pub enum TxtLookupError {
    /// There is nobody to ask.
    #[error(
        "no DNS resolver found: /etc/resolv.conf: {0}. Set domains.resolvers, or domains.verification = \"offline\""
    )]
    NoResolver(Box<NetError>),
    /// No answer came in time.
    #[error("DNS lookup of {name} timed out after {seconds} s. Try again later")]
    Timeout {
        /// The domain.
        name: DomainName,
        /// How long was waited.
        seconds: u64,
    },
    /// A resolver answered that it can't tell.
    #[error("DNS lookup of {name} failed: {code}. Check the domain's name servers, or try again later")]
    Failed {
        /// The domain.
        name: DomainName,
        /// The answer, in words.
        code: String,
    },
    /// No resolver could be asked.
    #[error("DNS lookup of {name} could not be sent: {source}. Check domains.resolvers")]
    Unreachable {
        /// The domain.
        name: DomainName,
        /// Why.
        source: Box<NetError>,
    },
}

impl TxtLookup {
    /// Ready to ask the resolvers of the configuration, or those of the system. Asks nobody yet.
    ///
    /// # Errors
    /// When the configuration names no resolver, and the system has none either.
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

    /// Whether nobody is asked. Then a domain has no records here, and what to make of that is up to who asks.
    pub fn offline(&self) -> bool {
        self.0.is_none()
    }

    /// The TXT records of a domain, in no order. A record of several strings is one text, as RFC 7208 3.3 joins them.
    /// None when the domain does not exist or has none.
    ///
    /// # Errors
    /// When no resolver gives an answer that counts.
    pub async fn records(&self, name: &DomainName) -> Result<Vec<String>, TxtLookupError> {
        let Some(Dns { resolver, timeout }) = &self.0 else { return Ok(Vec::new()) };
        let timed_out = || TxtLookupError::Timeout { name: name.clone(), seconds: timeout.as_secs() };
        let unreachable =
            |source| TxtLookupError::Unreachable { name: name.clone(), source: Box::new(source) };
        // The final dot keeps the system's search domains out of it.
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
    // A datagram may be lost: there is time for a second one.
    options.timeout = timeout / 2;
    options.attempts = 1;
    // A new record must be found at once, so earlier answers are not cached.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options
}

/// The text of a TXT record; `None` for any other, such as the alias that led to it.
fn record_text(data: &RData) -> Option<String> {
    let RData::TXT(txt) = data else { return None };
    Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned())
}
