//! `GET /metrics`, on a listener of its own: who scrapes is no caller of the API, and has no place among them when they are too
//! many.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
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

use crate::app::{App, OpenError};
use crate::config;
use crate::log::Log;
use crate::telemetry::Node;

/// Connections at a time; more wait.
const CONNECTIONS: usize = 8;

/// How long a connection may take for its next request.
const IDLE: Duration = Duration::from_secs(120);

/// The version of the text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The listener, from when the server is opened: an address that can't be had is an error then. It is given up when the server
/// stops.
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

    /// Serves until the task is aborted.
    pub(crate) fn serve(&self, app: &Arc<App>) -> Option<JoinHandle<()>> {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        match TcpListener::from_std(listener) {
            Ok(listener) => Some(tokio::spawn(accept(listener, Arc::downgrade(app)))),
            Err(error) => {
                tracing::error!(%error, "metrics can't be served");
                None
            }
        }
    }
}

async fn accept(listener: TcpListener, app: Weak<App>) {
    // Dropped with the task, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, Weak::clone(&app)))),
                Err(error) => {
                    tracing::warn!(%error, "a connection for metrics could not be accepted");
                    #[expect(clippy::disallowed_methods, reason = "out of file descriptors: no event tells of a free one")]
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, app: Weak<App>) {
    let service = service_fn(move |request| {
        let app = Weak::clone(&app);
        async move { Ok::<_, Infallible>(answer(&request, app.upgrade()).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a connection for metrics ended early");
    }
}

async fn answer(request: &Request<Incoming>, app: Option<Arc<App>>) -> Response {
    let Some(app) = app else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let text = app.telemetry.text(&node(&app).await);
            ([(CONTENT_TYPE, TEXT)], Body::from(text)).into_response()
        }
        (_, "/metrics") => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        _ => (StatusCode::NOT_FOUND, "GET /metrics\n").into_response(),
    }
}

async fn node(app: &App) -> Node {
    Node {
        in_flight: app.room.in_flight(),
        waiting: app.gate.waiting(),
        queue: app.gate.limit(),
        log_lines_dropped: app.log.get().map(Log::dropped),
        // A sum over counts that are kept for each domain. Where the store does not say, all else is still told.
        users: app.store.count_users().await.ok(),
        certificate_ends: app.tls.as_ref().map(|tls| tls.ends()),
    }
}
