//! What others see and give: addresses to listen on, the certificate, the DNS.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use api::dns::{TxtLookup, Verification};
use directory::DomainName;
use jiff::Timestamp;
use tokio::time::timeout;

use super::Finding;
use crate::config::{self, Config};
use crate::health::{LIVE, expect_ok};
use crate::metrics;
use crate::tls::{Pair, TlsError, ends_soon};

/// How long a running server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) async fn examine(config: &Config, domain: Option<&DomainName>, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![address("listen", config.listen, LIVE).await];
    if let Some(config::Metrics { listen, .. }) = config.metrics {
        findings.push(match listen == config.listen && listen.port() != 0 {
            true => Finding::failure("metrics", "metrics.listen is the same as listen", "use another port"),
            false => address("metrics", listen, metrics::PATH).await,
        });
    }
    if let Some(ldap) = &config.ldap {
        let listeners = [("ldap.listen", ldap.listen), ("ldap.listen_tls", ldap.listen_tls)];
        findings
            .extend(listeners.into_iter().filter_map(|(check, listen)| Some(ldap_address(check, listen?))));
    }
    findings.extend(certificate(config, now));
    findings.push(dns(config, domain).await);
    findings
}

/// The address is free, or a server of this program answers there with this page.
async fn address(check: &'static str, listen: SocketAddr, page: &str) -> Finding {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Finding::ok(check, format!("{listen} is free: no server runs")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            match timeout(ANSWER, expect_ok(listen, page)).await {
                Ok(Ok(())) => Finding::ok(check, format!("a server answers on {listen}")),
                Ok(Err(_)) | Err(_) => Finding::failure(
                    check,
                    format!("{listen} is used by another program"),
                    "stop that program, or listen on another port; if it is this server, it does not respond",
                ),
            }
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::failure(
            check,
            format!("{listen}: {error}"),
            "ports below 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit; or run doctor as the server's user",
        ),
        Err(error) => {
            Finding::failure(check, format!("{listen}: {error}"), "listen on an address of this machine")
        }
    }
}

/// The address for LDAP is free, or something listens there.
fn ldap_address(check: &'static str, listen: SocketAddr) -> Finding {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Finding::ok(check, format!("{listen} is free: no server runs")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Finding::ok(check, format!("{listen} is in use, as it is while the server runs"))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::failure(
            check,
            format!("{listen}: {error}"),
            "ports below 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit; or run doctor as the server's user",
        ),
        Err(error) => {
            Finding::failure(check, format!("{listen}: {error}"), "listen on an address of this machine")
        }
    }
}

fn certificate(config: &Config, now: Timestamp) -> Option<Finding> {
    let files = config.tls.as_ref()?;
    let place = files.certificate.display();
    Some(match Pair::load(files, &rustls::crypto::aws_lc_rs::default_provider(), now) {
        Ok(Pair { life, .. }) if ends_soon(life, now) => Finding::warning(
            "certificate",
            format!("{place} ends on {:.0}", life.ends),
            "renew it; the server loads the new files without a restart",
        ),
        Ok(Pair { life, .. }) => Finding::ok("certificate", format!("{place}, until {:.0}", life.ends)),
        Err(error @ (TlsError::Expired { .. } | TlsError::NotYet { .. })) => {
            Finding::failure("certificate", error.to_string(), "clients refuse it until this is mended")
        }
        Err(error) => {
            Finding::failure("certificate", error.to_string(), "see docs/OPERATIONS.md#certificates")
        }
    })
}

async fn dns(config: &Config, domain: Option<&DomainName>) -> Finding {
    if config.domains.verification == Verification::Offline {
        return Finding::warning(
            "DNS",
            "domains.verification is offline: an administrator owns each domain that it registers",
            "set verification = \"dns\", unless all administrators are trusted",
        );
    }
    let advice = "check domains.resolvers, or /etc/resolv.conf: no account can verify a domain";
    let lookup = match TxtLookup::new(&config.domains) {
        Ok(lookup) => lookup,
        Err(error) => return Finding::failure("DNS", error.to_string(), advice),
    };
    let Some(domain) = domain else {
        return Finding::skipped("DNS", "no domain to look up");
    };
    match lookup.records(domain).await {
        Ok(_) => Finding::ok("DNS", format!("answers for {domain}")),
        Err(error) => Finding::failure("DNS", error.to_string(), advice),
    }
}
