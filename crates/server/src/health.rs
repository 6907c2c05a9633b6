//! `/healthz`: the process responds. `/readyz`: it can serve requests and is not stopping.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::app::App;

/// The path of the liveness check.
pub(crate) const LIVE: &str = "/healthz";
/// The path of the readiness check.
pub(crate) const READY: &str = "/readyz";

/// Whether a path is a health check.
pub(crate) fn is_at(path: &str) -> bool {
    path == LIVE || path == READY
}

pub(crate) async fn live() -> &'static str {
    "ok\n"
}

pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    if app.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    match app.core.store.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(error) => {
            tracing::warn!(%error, cause = ?std::error::Error::source(&error), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
        }
    }
}

/// The address at which this machine reaches a listener.
pub fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// Calls the liveness check of the server with this listener. It waits as long as the server does; the caller sets a limit.
///
/// # Errors
/// When nobody responds, or not with 200.
pub async fn check_alive(listener: SocketAddr) -> io::Result<()> {
    expect_ok(listener, LIVE).await
}

/// Reads the start of a page, in plaintext; on a port with TLS only [`LIVE`] is answered then.
pub(crate) async fn expect_ok(listener: SocketAddr, path: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(reachable(listener)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    if start == *b"HTTP/1.1 200" {
        return Ok(());
    }
    let start = start.escape_ascii();
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("expected HTTP/1.1 200, found {start}")))
}
