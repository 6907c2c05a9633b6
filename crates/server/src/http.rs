//! The accept loop: one task per connection, timeouts, one log line per request, and a stop that waits for running
//! requests.

mod head;
mod http2;
mod patient;
mod request;
mod rest;
mod secure;
mod site;
mod strict;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::answer::Unframed;
use futures_util::FutureExt as _;
use http::Request;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::app::App;
use crate::jobs::Jobs;
use crate::ldap::Ldap;
use crate::readings::Readings;
use crate::routes::Routes;
use crate::tls::Tls;
use head::Malformed;
use patient::Patient;
use request::Dropped;
use secure::Secure;
use strict::{Heads, Strict};

pub(crate) use request::replay;

/// Pause after an accept error.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Read buffer of a connection and longest headers, in bytes. Each connection may need this much memory.
const READ_AHEAD: usize = 64 << 10;

/// Length of the accept queue; the kernel may limit it further. A burst fills the default of 128 while the cores are
/// busy, and further connections are then delayed by a second.
const BACKLOG: u32 = 4_096;

/// How far a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serves,
    /// It still accepts connections and answers calls.
    Drains,
    /// Its port is closed, and only running requests are answered.
    Stops,
}

/// Listens on an address.
///
/// # Errors
/// When the address cannot be used.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server need not wait for old connections to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown` is ready and the drain is over, then waits for running requests, up to the configured timeout.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) {
    if let Ok(address) = listener.local_addr() {
        app.core.public_url.listens(address);
    }
    let jobs = Jobs::start(&app);
    let metrics = app.metrics.as_ref().and_then(|metrics| metrics.serve(Readings::of(&app)));
    let ldap = app.ldap.as_ref().map(Ldap::serve);
    let graceful = GracefulShutdown::new();
    let stage = watch::Sender::new(Stage::Serves);
    let door = Door::new(&app, &graceful, &stage);
    let mut drained = pin!(drained(&app, &stage, shutdown, hurry));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => door.admit(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    #[expect(clippy::disallowed_methods, reason = "out of file descriptors: no event tells of a free one")]
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
            () = &mut drained => break,
        }
    }
    // Connections that the kernel has accepted would be reset with the listener.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        door.admit(stream, peer);
    }
    drop(listener);
    app.stopping.store(true, Ordering::Relaxed);
    app.core.imports.stop();
    stage.send_replace(Stage::Stops);
    if let Some(ldap) = &ldap {
        ldap.begin_stop();
    }
    jobs.stop();
    let limit = app.core.limits.stop();
    if tokio::time::timeout(limit, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = limit.as_secs(),
            "requests were still running when the shutdown timeout ended"
        );
    }
    if let Some(ldap) = ldap {
        ldap.finish(limit).await;
    }
    if let Some(metrics) = metrics {
        metrics.abort();
        // Afterwards the address is free.
        let _ = metrics.await;
    }
    jobs.finish(&app).await;
}

/// Ready when the port is to be closed: after `shutdown`, and then after the drain or with `hurry`.
async fn drained(
    app: &App,
    stage: &watch::Sender<Stage>,
    shutdown: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) {
    shutdown.await;
    app.draining.store(true, Ordering::Relaxed);
    stage.send_replace(Stage::Drains);
    if app.drain.is_zero() {
        return;
    }
    tracing::info!(seconds = app.drain.as_secs(), "draining: /readyz is 503, calls are still answered");
    #[expect(clippy::disallowed_methods, reason = "how long load balancers need is told by no event")]
    let enough = tokio::time::sleep(app.drain);
    tokio::select! {
        () = enough => {}
        () = hurry => tracing::info!("the drain was ended early"),
    }
}

/// Serves each connection on a separate task.
struct Door<'s> {
    app: &'s Arc<App>,
    graceful: &'s GracefulShutdown,
    stage: &'s watch::Sender<Stage>,
    routes: Routes,
    /// The certificate, and the routes of plaintext requests.
    secure: Option<(Arc<Tls>, Routes)>,
}

impl<'s> Door<'s> {
    fn new(app: &'s Arc<App>, graceful: &'s GracefulShutdown, stage: &'s watch::Sender<Stage>) -> Self {
        let secure = app.tls.clone().map(|tls| (tls, Routes::plaintext(Arc::clone(app))));
        Self { app, graceful, stage, routes: Routes::of(app), secure }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        // A response is one small packet; waiting for more data would only delay it.
        let _ = stream.set_nodelay(true);
        let (app, routes, watcher) = (Arc::clone(self.app), self.routes.clone(), self.graceful.watcher());
        match &self.secure {
            None => {
                let stream = Patient::new(stream, app.core.limits.answer());
                let (lingers, connection) = (stream.lingers(), Connection { peer, protocol: None });
                tokio::spawn(http1(app, routes, watcher, stream, lingers, connection));
            }
            Some((tls, plaintext)) => {
                let (tls, plaintext, stage) = (Arc::clone(tls), plaintext.clone(), self.stage.subscribe());
                let secure = Secure { app, tls, routes, plaintext, watcher, stage };
                tokio::spawn(secure.serve(stream, peer));
            }
        }
    }
}

/// Marks a request whose head was refused.
#[derive(Clone, Copy)]
struct Refused(Malformed);

#[derive(Clone, Copy)]
struct Connection {
    peer: SocketAddr,
    /// The protocol for the log; `None` for plaintext.
    protocol: Option<&'static str>,
}

/// Serves HTTP/1.1 on a connection. `lingers` is that of the stream, from [`Patient`].
async fn http1<S>(
    app: Arc<App>,
    routes: Routes,
    watcher: Watcher,
    stream: S,
    lingers: Arc<AtomicBool>,
    connection: Connection,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let header_timeout = app.core.limits.header();
    let heads = Arc::new(Heads::default());
    let stream = Strict::new(stream, Arc::clone(&heads));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (app, routes) = (Arc::clone(&app), routes.clone());
        let (lingers, heads) = (Arc::clone(&lingers), Arc::clone(&heads));
        async move {
            let asks = request.headers().contains_key(EXPECT);
            let refused = heads.next();
            if let Some(why) = refused {
                request.extensions_mut().insert(Refused(why));
            }
            let mut response = request::serve(&app, routes, request, connection).await?;
            let is_read = rest::is_read(&mut response, asks).await;
            let drains = app.draining.load(Ordering::Relaxed);
            if drains || refused.is_some() || response.extensions().get::<Unframed>().is_some() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            if !is_read || refused.is_some() {
                lingers.store(true, Ordering::Relaxed);
            }
            Ok::<_, Dropped>(response)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(READ_AHEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(%error, peer = %connection.peer, "a connection ended early");
    }
}
