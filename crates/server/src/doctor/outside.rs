//! What others see and give: addresses to listen on, the certificate, the DNS.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use api::dns::{TxtLookup, Verification};
use directory::DomainName;
use jiff::Timestamp;

use super::Finding;
use crate::config::Config;
use crate::health::LIVE;
use crate::tls::{Pair, TlsError, ends_soon};

/// How long a running server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) async fn examine(config: &Config, domain: Option<&DomainName>, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![address("listen", config.listen, config.tls.is_some())];
    if let Some(metrics) = &config.metrics {
        findings.push(match metrics.listen == config.listen && metrics.listen.port() != 0 {
            true => Finding::failure("metrics", "metrics.listen is the same as listen", "use another port"),
            false => address("metrics", metrics.listen, false),
        });
    }
    findings.extend(certificate(config, now));
    findings.push(dns(config, domain).await);
    findings
}

/// The address is free, or a server of this program answers there.
fn address(check: &'static str, listen: SocketAddr, is_secure: bool) -> Finding {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Finding::ok(check, format!("{listen} is free: no server runs")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match answers(listen, is_secure) {
            true => Finding::ok(check, format!("a server answers on {listen}")),
            false => Finding::failure(
                check,
                format!("{listen} is used by another program"),
                "stop that program, or listen on another port; if it is this server, it does not respond",
            ),
        },
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

/// Whether an HTTP server answers; behind TLS, whether a server takes the connection.
fn answers(listen: SocketAddr, is_secure: bool) -> bool {
    let ip = if listen.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let Ok(mut stream) = TcpStream::connect_timeout(&SocketAddr::new(ip, listen.port()), ANSWER) else {
        return false;
    };
    if is_secure {
        return true;
    }
    let request = format!("GET {LIVE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut answer = [0; 12];
    let answered = stream
        .set_read_timeout(Some(ANSWER))
        .and_then(|()| stream.write_all(request.as_bytes()))
        .and_then(|()| stream.read_exact(&mut answer));
    answered.is_ok() && answer.starts_with(b"HTTP/1.1 ")
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
