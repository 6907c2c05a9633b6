//! Connections over TLS: a handshake with a timeout, then HTTP/1.1 or HTTP/2, as negotiated.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::server::graceful::Watcher;
use rustls::Error as RustlsError;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::patient::Patient;
use super::{Connection, Stage, http1, http2};
use crate::app::App;
use crate::routes::Routes;
use crate::tls::{self, Tls};

/// The context of a connection.
pub(super) struct Secure {
    pub(super) app: Arc<App>,
    pub(super) tls: Arc<Tls>,
    /// For requests over TLS.
    pub(super) routes: Routes,
    /// For plaintext requests, which it refuses.
    pub(super) plaintext: Routes,
    /// The server waits for the connection until this is dropped.
    pub(super) watcher: Watcher,
    /// How far the server is.
    pub(super) stage: watch::Receiver<Stage>,
}

impl Secure {
    /// Serves a connection.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        let mut stage = self.stage.clone();
        let begun = tokio::select! {
            begun = tokio::time::timeout(self.tls.handshake(), begin(&self, stream)) => begun,
            // No request was sent yet, so a stop does not wait for handshakes.
            _ = stage.wait_for(|stage| *stage == Stage::Stops) => return,
        };
        let stream = match begun {
            Ok(Ok(Begun::Secure(stream))) => stream,
            Ok(Ok(Begun::Plaintext(stream))) => {
                let connection = Connection { peer, protocol: None };
                let stream = Patient::new(stream, self.app.core.limits.answer());
                let lingers = stream.lingers();
                return http1(self.app, self.plaintext, self.watcher, stream, lingers, connection).await;
            }
            // A port check connects and sends nothing.
            Ok(Ok(Begun::Left)) => return,
            Ok(Err(error)) => return log(&error, peer),
            Err(_) => return tracing::debug!(%peer, "a TLS handshake took too long"),
        };
        let (protocol, is_http2) = tls::negotiated_protocol(&stream);
        let connection = Connection { peer, protocol: Some(protocol) };
        if is_http2 {
            http2::serve(self.app, self.routes, self.watcher, self.stage, stream, connection).await;
        } else {
            let lingers = stream.get_ref().0.lingers();
            http1(self.app, self.routes, self.watcher, stream, lingers, connection).await;
        }
    }
}

/// The start of a connection.
enum Begun {
    Secure(Box<TlsStream<Patient<TcpStream>>>),
    Plaintext(TcpStream),
    Left,
}

async fn begin(secure: &Secure, stream: TcpStream) -> std::io::Result<Begun> {
    // An HTTP method starts with a capital letter, a TLS record never does.
    match first_byte(&stream).await? {
        None => Ok(Begun::Left),
        Some(b'A'..=b'Z') => Ok(Begun::Plaintext(stream)),
        Some(_) => {
            let stream = Patient::new(stream, secure.app.core.limits.answer());
            Ok(Begun::Secure(Box::new(secure.tls.accept(stream).await?)))
        }
    }
}

/// The first byte, without consuming it.
async fn first_byte(stream: &TcpStream) -> std::io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((stream.peek(&mut byte).await? > 0).then_some(byte[0]))
}

/// A TLS alert comes from a client whose owner may need help; other failures are mostly scanners.
fn log(error: &std::io::Error, peer: SocketAddr) {
    let why = error.get_ref().and_then(|error| error.downcast_ref::<RustlsError>());
    match why {
        Some(RustlsError::AlertReceived(alert)) => {
            tracing::info!(%peer, ?alert, "a client aborted the TLS handshake: it may not trust the certificate");
        }
        _ => tracing::debug!(%error, %peer, "a TLS handshake failed"),
    }
}
