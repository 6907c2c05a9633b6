//! HTTP/2 with the limits of HTTP/1.1: idle connections and clients that do not read are disconnected. HTTP/1.1 has one
//! request per connection at a time; here there are many, with flow control.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::{Connection, Stage};
use crate::app::App;
use crate::routes::Routes;

/// Concurrent requests per connection; clients queue further ones.
const MAX_STREAMS: u32 = 128;

/// Bytes of a response that are handed over at a time. They stay in memory until the client reads them.
const PORTION: usize = 16 * 1_024;

/// How long an idle client may take to disconnect after it was told to.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves a connection.
pub(super) async fn serve<S>(
    app: Arc<App>,
    routes: Routes,
    watcher: Watcher,
    mut stage: watch::Receiver<Stage>,
    stream: S,
    connection: Connection,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Held to the end, because the server waits for it.
    let _watcher = watcher;
    // A connection that begins during the drain is used until the server stops.
    let begun = *stage.borrow();
    let idle_limit = app.core.limits.header();
    let streams = Streams { limit: app.core.limits.stream(), open: Arc::new(watch::Sender::new(0)) };
    let mut open = streams.open.subscribe();
    let service = service_fn(move |request| {
        let (app, routes) = (Arc::clone(&app), routes.clone());
        async move {
            let response = super::request::serve(&app, routes, request, connection).await;
            response.map(|response| response.map(Portions::of))
        }
    });
    let serving = http2::Builder::new(streams)
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        _ = stage.wait_for(|stage| *stage != begun) => None,
        () = idle(&mut open, idle_limit) => None,
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => {
            // Asks the client to send no more requests, and finishes the running ones, which have their own limits.
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = &mut serving => Some(ended),
                () = idle(&mut open, FAREWELL) => None,
            }
        }
    };
    let peer = connection.peer;
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, %peer, "a connection ended early"),
        None => tracing::debug!(%peer, "a connection ended early: the client kept it open"),
    }
}

/// Ready after no stream was open for this long.
async fn idle(open: &mut watch::Receiver<usize>, limit: Duration) {
    loop {
        // The sender lives as long as the connection, which outlives this future.
        let _ = open.wait_for(|open| *open == 0).await;
        if tokio::time::timeout(limit, open.changed()).await.is_err() {
            return;
        }
    }
}

/// Runs the streams of a connection: counts open ones and limits their time.
#[derive(Clone)]
struct Streams {
    limit: Duration,
    open: Arc<watch::Sender<usize>>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let counted = Counted::new(Arc::clone(&self.open));
        let limit = self.limit;
        tokio::spawn(async move {
            let _counted = counted;
            // Dropping a stream resets it and discards the rest of its response.
            if tokio::time::timeout(limit, stream).await.is_err() {
                tracing::debug!("a stream ended early: the client does not read the response");
            }
        });
    }
}

/// Counts as an open stream until dropped.
struct Counted(Arc<watch::Sender<usize>>);

impl Counted {
    fn new(open: Arc<watch::Sender<usize>>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// A body in portions, each handed over when the client has room for it.
struct Portions {
    body: Body,
    rest: Bytes,
}

impl Portions {
    fn of(body: Body) -> Self {
        Self { body, rest: Bytes::new() }
    }
}

impl hyper::body::Body for Portions {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(rest) => self.rest = rest,
                // A frame of trailers.
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        let portion = PORTION.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(portion)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(inner.lower() + rest);
        hint
    }
}
