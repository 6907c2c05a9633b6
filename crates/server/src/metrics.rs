//! `GET /metrics`, on a separate listener, so that the scraper does not compete with callers of the API under load.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::config;
use crate::error::OpenError;

/// Most connections; further ones wait.
const CONNECTIONS: usize = 8;

/// Timeout for the next request on a connection.
const IDLE: Duration = Duration::from_secs(120);

/// The page of the metrics.
pub(crate) const PATH: &str = "/metrics";

/// The content type of the text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The listener. It exists from the opening of the server, so that an unusable address is an error then, until the
/// server stops.
pub(crate) struct Metrics {
    listener: Mutex<Option<std::net::TcpListener>>,
    address: SocketAddr,
}

impl Metrics {
    pub(crate) fn open(config: &config::Metrics) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Metrics { address: config.listen, source };
        let listener = std::net::TcpListener::bind(config.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener: Mutex::new(Some(listener)), address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the output of `read` until the task is aborted. `read` returns nothing when the server is gone.
    pub(crate) fn serve<R: Read>(&self, read: R) -> Option<JoinHandle<()>> {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        match TcpListener::from_std(listener) {
            Ok(listener) => Some(tokio::spawn(accept(listener, read))),
            Err(error) => {
                tracing::error!(%error, "could not serve metrics");
                None
            }
        }
    }
}

/// Reads the metrics as text.
pub(crate) trait Read: Clone + Send + Sync + 'static {
    /// The current metrics.
    fn read(&self) -> impl Future<Output = Option<String>> + Send;
}

async fn accept<R: Read>(listener: TcpListener, read: R) {
    // Dropped with the task, which closes all connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, read.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a metrics connection");
                    #[expect(clippy::disallowed_methods, reason = "out of file descriptors: no event tells of a free one")]
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection<R: Read>(stream: TcpStream, read: R) {
    let service = service_fn(move |request| {
        let read = read.clone();
        async move { Ok::<_, Infallible>(answer(&request, read).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a metrics connection ended early");
    }
}

async fn answer<R: Read>(request: &Request<Incoming>, read: R) -> Response {
    match (request.method(), request.uri().path()) {
        (&Method::GET, PATH) => match read.read().await {
            Some(text) => ([(CONTENT_TYPE, TEXT)], Body::from(text)).into_response(),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
        (_, PATH) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        _ => (StatusCode::NOT_FOUND, "GET /metrics\n").into_response(),
    }
}
