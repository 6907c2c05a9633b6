//! The listeners for LDAP clients: sockets and TLS. What is spoken on a connection is in `crates/ldap`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap::{Door, Place};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::config;
use crate::error::OpenError;
use crate::tls::Tls;

/// Pause after an accept error.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// The listeners. They exist from the opening of the server, so that an unusable address is an error then.
pub(crate) struct Ldap {
    pub(crate) door: Arc<Door>,
    tls: Option<Arc<Tls>>,
    listeners: Mutex<Vec<(std::net::TcpListener, Kind)>>,
    /// Of StartTLS or plaintext, and of LDAPS.
    pub(crate) addresses: [Option<SocketAddr>; 2],
}

/// How connections of a listener begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Secure,
}

/// Listeners that serve.
pub(crate) struct Serving {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Serving {
    /// Closes the listeners, and lets running operations finish.
    pub(crate) fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until all connections have ended, or for so long.
    pub(crate) async fn finish(mut self, limit: Duration) {
        let all = async {
            for task in &mut self.tasks {
                // A panic was logged when it happened.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("LDAP operations were still running when the shutdown timeout ended");
            self.tasks.iter().for_each(JoinHandle::abort);
        }
    }
}

impl Ldap {
    pub(crate) fn open(config: &config::Ldap, door: Door, tls: Option<Arc<Tls>>) -> Result<Self, OpenError> {
        let mut listeners = Vec::new();
        let mut addresses = [None, None];
        let wanted =
            [(config.listen, Kind::Plain, "listen"), (config.listen_tls, Kind::Secure, "listen_tls")];
        for (at, (address, kind, setting)) in wanted.into_iter().enumerate() {
            let Some(address) = address else { continue };
            let failed = |source| OpenError::Ldap { setting, address, source };
            let listener = std::net::TcpListener::bind(address).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            addresses[at] = Some(listener.local_addr().map_err(failed)?);
            listeners.push((listener, kind));
        }
        Ok(Self { door: Arc::new(door), tls, listeners: Mutex::new(listeners), addresses })
    }

    /// Serves until it is told to stop.
    pub(crate) fn serve(&self) -> Serving {
        let stop = watch::Sender::new(false);
        let listeners = std::mem::take(&mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tasks = Vec::new();
        for (listener, kind) in listeners {
            match TcpListener::from_std(listener) {
                Ok(listener) => {
                    if let Ok(address) = listener.local_addr() {
                        tracing::info!(%address, tls = kind == Kind::Secure, "serving LDAP");
                    }
                    let entrance = Entrance {
                        door: Arc::clone(&self.door),
                        tls: self.tls.clone(),
                        kind,
                        stop: stop.subscribe(),
                    };
                    tasks.push(tokio::spawn(accept(listener, entrance)));
                }
                Err(error) => tracing::error!(%error, "could not serve LDAP"),
            }
        }
        Serving { stop, tasks }
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Entrance {
    door: Arc<Door>,
    tls: Option<Arc<Tls>>,
    kind: Kind,
    stop: watch::Receiver<bool>,
}

/// Ready when the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without a sender the server is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(listener: TcpListener, entrance: Entrance) {
    let mut stop = entrance.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // A response is one small packet; waiting for more data would only delay it.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream, peer, entrance.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept an LDAP connection");
                    #[expect(clippy::disallowed_methods, reason = "out of file descriptors: no event tells of a free one")]
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, peer: SocketAddr, entrance: Entrance) {
    let Entrance { door, tls, kind, mut stop } = entrance;
    let Some(place) = Place::take(&door) else {
        // Within TLS the client would have to shake hands first.
        if kind == Kind::Plain {
            ldap::refuse(stream).await;
        }
        return;
    };
    match (kind, tls) {
        (Kind::Plain, None) => ldap::serve(place, stream, peer, stop).await,
        (Kind::Plain, Some(tls)) => {
            let upgrade = |stream| async move { shake_hands(&tls, stream).await };
            ldap::serve_until_secure(place, stream, peer, upgrade, stop).await;
        }
        (Kind::Secure, Some(tls)) => {
            let begun = tokio::select! {
                begun = shake_hands(&tls, stream) => begun,
                () = stopped(&mut stop) => return,
            };
            match begun {
                Ok(stream) => ldap::serve(place, stream, peer, stop).await,
                Err(error) => tracing::debug!(%error, %peer, "a TLS handshake for LDAP failed"),
            }
        }
        // The configuration has a certificate for it.
        (Kind::Secure, None) => {}
    }
}

async fn shake_hands(
    tls: &Tls,
    stream: TcpStream,
) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the handshake took too long");
    tokio::time::timeout(tls.handshake(), tls.accept_ldap(stream)).await.map_err(late)?
}
