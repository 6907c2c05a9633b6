//! Connections over TLS: a handshake within its time, then HTTP/1.1 or HTTP/2, as the client asks for.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper_util::server::graceful::Watcher;
use rustls::Error as RustlsError;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::patient::Patient;
use super::{Connection, http1, http2};
use crate::app::App;
use crate::tls::{self, Tls};

/// The context of a connection.
pub(super) struct Secure {
    pub(super) app: Arc<App>,
    pub(super) tls: Arc<Tls>,
    /// For what came over TLS.
    pub(super) router: Router,
    /// For what came without, only to be told so.
    pub(super) plaintext: Router,
    /// The server waits for the connection as long as this is there.
    pub(super) watcher: Watcher,
    /// Changes when the server stops.
    pub(super) stopping: watch::Receiver<()>,
}

impl Secure {
    /// Serves a connection to its end.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        let mut stopping = self.stopping.clone();
        let begun = tokio::select! {
            begun = tokio::time::timeout(self.tls.handshake(), begin(&self, stream)) => begun,
            // Nothing was asked yet: a stop waits for nobody who is still shaking hands.
            _ = stopping.changed() => return,
        };
        let stream = match begun {
            Ok(Ok(Begun::Secure(stream))) => stream,
            Ok(Ok(Begun::Plaintext(stream))) => {
                let connection = Connection { peer, protocol: None };
                let stream = Patient::new(stream, self.app.core.limits.answer());
                let lingers = stream.lingers();
                return http1(self.app, self.plaintext, self.watcher, stream, lingers, connection).await;
            }
            // A client that connects and leaves is a port check.
            Ok(Ok(Begun::Left)) => return,
            Ok(Err(error)) => return log(&error, peer),
            Err(_) => return tracing::debug!(%peer, "a TLS handshake took too long"),
        };
        let (protocol, is_http2) = tls::negotiated_protocol(&stream);
        let connection = Connection { peer, protocol: Some(protocol) };
        if is_http2 {
            http2::serve(self.app, self.router, self.watcher, self.stopping, stream, connection).await;
        } else {
            let lingers = stream.get_ref().0.lingers();
            http1(self.app, self.router, self.watcher, stream, lingers, connection).await;
        }
    }
}

/// What a connection began with.
enum Begun {
    Secure(Box<TlsStream<Patient<TcpStream>>>),
    Plaintext(TcpStream),
    Left,
}

async fn begin(secure: &Secure, stream: TcpStream) -> std::io::Result<Begun> {
    // A method begins with a capital letter, and nothing of TLS does.
    match first_byte(&stream).await? {
        None => Ok(Begun::Left),
        Some(b'A'..=b'Z') => Ok(Begun::Plaintext(stream)),
        Some(_) => {
            let stream = Patient::new(stream, secure.app.core.limits.answer());
            Ok(Begun::Secure(Box::new(secure.tls.accept(stream).await?)))
        }
    }
}

/// The first byte of what is sent, which stays to be read.
async fn first_byte(stream: &TcpStream) -> std::io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((stream.peek(&mut byte).await? > 0).then_some(byte[0]))
}

/// A client that says why it breaks off is one whose owner may need help; scanners and passers-by are not.
fn log(error: &std::io::Error, peer: SocketAddr) {
    let why = error.get_ref().and_then(|error| error.downcast_ref::<RustlsError>());
    match why {
        Some(RustlsError::AlertReceived(alert)) => {
            tracing::info!(%peer, ?alert, "a client aborted the TLS handshake: it may not trust the certificate");
        }
        _ => tracing::debug!(%error, %peer, "a TLS handshake failed"),
    }
}
