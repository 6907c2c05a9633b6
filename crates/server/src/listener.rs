//! The accept loop: one task a connection, limits in time, one log line a request, and an end that waits for what is
//! under way.

mod head;
mod http2;
mod indexing;
mod patient;
mod rest;
mod secure;
mod strict;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth::Rate;
use axum::body::{Body, Bytes};
use axum::response::Response;
use axum::{BoxError, Router};
use futures_util::FutureExt;
use http::header::{CONNECTION, EXPECT, HOST, HeaderValue, USER_AGENT};
use http::{Request, Uri, Version, uri::PathAndQuery};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tower::ServiceExt;
use wire::header;
use wire::signature::canonical_path;

use crate::answer;
use crate::app::{App, Server};
use crate::call::{Line, Received, stopwatch};
use crate::health;
use crate::journal::{Open, Over};
use crate::lab;
use crate::refusal::Refusal;
use crate::room::{Intake, Place};
use crate::routes::{self, Style};
use crate::telemetry;
use head::Malformed;
use patient::Patient;
use secure::Secure;
use strict::{Heads, Strict};

/// How often there is a look at what is past its time.
const TIDY_UP_EVERY: Duration = Duration::from_secs(60);

/// How often nodes tell each other what was drawn from quotas.
const SHARE_QUOTA_EVERY: Duration = Duration::from_millis(500);

/// How often the use of credentials is noted in the store, and how long a stop waits for it.
const NOTE_USAGE_EVERY: Duration = Duration::from_secs(5);

/// How long to leave a listener alone that can't accept.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Bytes of a connection that are read before they are asked for, and the longest headers: of each connection so much may be
/// held.
const READ_AHEAD: usize = 64 << 10;

/// Callers who may wait to be accepted; the kernel may allow fewer. The default of 128 is used up by a burst while the
/// cores are busy, and whoever comes then is let wait for a second by the network.
const BACKLOG: u32 = 4_096;

/// Listens on an address.
///
/// # Errors
/// When the address can't be had.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart does not wait for the connections of the server before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Server {
    /// Serves until `shutdown` is ready, then takes no more connections and lets the requests under way finish, as long
    /// as the configuration allows.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let app = self.app;
        if let Ok(address) = listener.local_addr() {
            app.public_url.listens(address);
        }
        let router = lab::with_control(routes::router(Arc::clone(&app)), &app);
        let secure = app.tls.clone().map(|tls| (tls, routes::plaintext(Arc::clone(&app))));
        let watching = app.tls.clone().map(|tls| tokio::spawn(tls.watch()));
        let forgetting = tokio::spawn(tidy_up(Arc::clone(&app)));
        let indexing = tokio::spawn(indexing::follow(Arc::clone(&app)));
        let noting = tokio::spawn(note_usage(Arc::clone(&app)));
        let metrics = app.metrics.as_ref().and_then(|metrics| metrics.serve(&app));
        let sharing = app.store.is_shared().then(|| tokio::spawn(share_quota(Arc::clone(&app))));
        let mut shutdown = pin!(shutdown);
        let graceful = GracefulShutdown::new();
        let stopping = watch::Sender::new(());
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        // An answer is one small packet: waiting for more to send with it only delays it.
                        let _ = stream.set_nodelay(true);
                        let (app, router, watcher) = (Arc::clone(&app), router.clone(), graceful.watcher());
                        match &secure {
                            None => {
                                let stream = Patient::new(stream, app.limits.answer());
                                let (lingers, connection) = (stream.lingers(), Connection { peer, protocol: None });
                                tokio::spawn(http1(app, router, watcher, stream, lingers, connection));
                            }
                            Some((tls, plaintext)) => {
                                let (tls, plaintext) = (Arc::clone(tls), plaintext.clone());
                                let stopping = stopping.subscribe();
                                let secure = Secure { app, tls, router, plaintext, watcher, stopping };
                                tokio::spawn(secure.serve(stream, peer));
                            }
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        #[expect(clippy::disallowed_methods, reason = "out of file descriptors: no event tells of a free one")]
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                },
                () = &mut shutdown => break,
            }
        }
        app.stopping.store(true, Ordering::Relaxed);
        drop(listener);
        stopping.send_replace(());
        for task in [Some(forgetting), Some(indexing), sharing, watching].into_iter().flatten() {
            task.abort();
        }
        let limit = app.limits.drain();
        if tokio::time::timeout(limit, graceful.shutdown()).await.is_err() {
            tracing::warn!(
                seconds = limit.as_secs(),
                "requests were still under way when the time to finish was over"
            );
        }
        if let Some(metrics) = metrics {
            metrics.abort();
            // The address is free when it is over.
            let _ = metrics.await;
        }
        // What is being noted just now is waited for.
        if tokio::time::timeout(NOTE_USAGE_EVERY, app.note_usage()).await.is_err() {
            tracing::warn!("the use of keys could not be noted in time");
        }
        noting.abort();
    }
}

/// Forgets requests that are past twice the freshness window, because their signature would be refused by now; imports
/// that nobody came back for; and removes users whose time on the purge list is over.
async fn tidy_up(app: Arc<App>) {
    let admin = app.admin();
    let mut ticks = tokio::time::interval(TIDY_UP_EVERY);
    loop {
        ticks.tick().await;
        app.imports.forget(app.clock.now());
        if let Err(error) = admin.purge_due().await {
            tracing::warn!(%error, "could not remove users that are due on the purge list");
        }
        match app.forget_requests().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "forgot requests past their time"),
            Err(error) => tracing::warn!(%error, "could not forget requests past their time"),
        }
    }
}

/// Tells the other nodes what was drawn from quotas, and hears what they say.
async fn share_quota(app: Arc<App>) {
    let mut ticks = tokio::time::interval(SHARE_QUOTA_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.authenticator.share_quota(app.node).await {
            tracing::debug!(%error, "could not hear of the quotas of other nodes");
        }
    }
}

/// Notes the use of credentials.
async fn note_usage(app: Arc<App>) {
    let mut ticks = tokio::time::interval(NOTE_USAGE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        app.note_usage().await;
    }
}

/// Stands by a request whose head was refused.
#[derive(Clone, Copy)]
struct Refused(Malformed);

/// What a request needs to know of the connection it came over.
#[derive(Clone, Copy)]
struct Connection {
    peer: SocketAddr,
    /// What is spoken, for the log; `None` in plaintext.
    protocol: Option<&'static str>,
}

/// Serves HTTP/1.1 on a connection to its end. `lingers` is the stream's, of [`Patient`].
async fn http1<S>(
    app: Arc<App>,
    router: Router,
    watcher: Watcher,
    stream: S,
    lingers: Arc<AtomicBool>,
    connection: Connection,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let header_timeout = app.limits.header();
    let heads = Arc::new(Heads::default());
    let stream = Strict::new(stream, Arc::clone(&heads));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (app, router) = (Arc::clone(&app), router.clone());
        let (lingers, heads) = (Arc::clone(&lingers), Arc::clone(&heads));
        async move {
            let asks = request.headers().contains_key(EXPECT);
            let refused = heads.next();
            if let Some(why) = refused {
                request.extensions_mut().insert(Refused(why));
            }
            let mut response = serve(&app, router, request, connection).await?;
            let is_read = rest::is_read(&mut response, asks).await;
            if refused.is_some() {
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

/// The connection is to end in place of an answer: somebody asked for that.
#[derive(Debug, thiserror::Error)]
#[error("the answer was dropped on purpose")]
struct Dropped;

/// Serves one request, logs it, counts it and, if there is a journal, writes it down.
async fn serve<B>(
    app: &App,
    router: Router,
    request: Request<B>,
    connection: Connection,
) -> Result<Response, Dropped>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let number = &mut None;
    numbered(app, router, request, connection, number).await
}

/// Serves a request that was served before, as if it came once more from there: with all that happens to one that does.
/// Gives its number in the journal, if there is one.
pub(crate) async fn replay(app: &Arc<App>, request: Request<Body>, peer: SocketAddr) -> Option<u64> {
    let router = lab::with_control(routes::router(Arc::clone(app)), app);
    let mut number = None;
    // What became of it stands in the journal, also where the answer is dropped.
    let _ = numbered(app, router, request, Connection { peer, protocol: None }, &mut number).await;
    number
}

/// Serves one request, and tells its number in the journal.
async fn numbered<B>(
    app: &App,
    router: Router,
    request: Request<B>,
    Connection { peer, protocol }: Connection,
    number: &mut Option<u64>,
) -> Result<Response, Dropped>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let started = stopwatch();
    let method = request.method().clone();
    let path = canonical_path(request.uri().path()).to_owned();
    let style = Style::of(&path);
    let counted = telemetry::is_counted(&path);
    let [app_id, user_agent] =
        [header::APP_ID, USER_AGENT.as_str()].map(|name| request.headers().get(name).cloned());
    let faults = app.lab.get().map_or_else(Vec::new, |lab| lab.meet(&path));
    let (request, entry) = match app.journal().filter(|_| counted) {
        Some(journal) => {
            let (request, entry) = journal.begin(request, app.clock.now(), peer, faults.clone());
            *number = Some(entry.number());
            (request, Some(entry))
        }
        None => (request.map(Body::new), None),
    };
    let place = Arc::new(Place::new(&app.room, peer.ip(), routes::knows_nobody(&path)));
    let (parts, body) = request.into_parts();
    let body = Intake::of(body, &parts.headers, &place);
    let guarded = guarded(app, router, Request::from_parts(parts, body), peer, &place);
    let served = lab::serve(&faults, guarded, |refusal| unserved(refusal, style)).await;
    let Some(mut response) = served else {
        entry.into_iter().for_each(Open::dropped);
        return Err(Dropped);
    };
    let line = response.extensions_mut().remove::<Line>().unwrap_or_default();
    let took = started.elapsed();
    let status = response.status().as_u16();
    // Never a body, a query or a header: they may hold secrets.
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                target: "request",
                %method,
                path,
                protocol,
                status,
                code = line.code,
                caller = line.caller(),
                account = line.account(),
                application = line.application(),
                request_id = line.request_id,
                items = line.items,
                repeated = line.repeated,
                micros = took.as_micros() as u64,
                store_micros = line.store.as_micros() as u64,
                %peer,
                cause = line.why,
                explanation = line.explanation,
            )
        };
    }
    // Whatever asks every few seconds whether the server is well would fill the log.
    if health::is_at(&path) && response.status().is_success() {
        log!(debug);
    } else {
        log!(info);
    }
    let app_id = app_id.as_ref().map(HeaderValue::as_bytes);
    if counted {
        let user_agent = user_agent.as_ref().map(HeaderValue::as_bytes);
        let peer = peer.ip();
        let request = telemetry::Request { path: &path, status, took, peer, app_id, user_agent, line: &line };
        app.telemetry.record(&request, app.gate.waiting());
    }
    if place.is_unread() {
        response.extensions_mut().insert(place);
    }
    let Some(mut entry) = entry else { return Ok(response) };
    entry.read_rest().await;
    let account = app_id.and_then(|app_id| app.telemetry.account_of(app_id)).map(|code| code.to_string());
    // Answers are made whole before they are sent.
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    entry.answered(status, &body, Over { line: &line, took, account });
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Serves one request within its limits; whatever happens, there is an answer.
async fn guarded(
    app: &App,
    router: Router,
    request: Request<Body>,
    peer: SocketAddr,
    place: &Arc<Place>,
) -> Response {
    let path = canonical_path(request.uri().path());
    let style = Style::of(path);
    // Whatever asks whether the server is well takes nobody's room, and is told so also when there is none.
    let _entered = match health::is_at(path) {
        true => None,
        false => match place.enter() {
            Some(entered) => Some(entered),
            None => return unserved(&Refusal::Busy, style),
        },
    };
    if let Some(Refused(why)) = request.extensions().get() {
        return unserved(&why.refusal(), style);
    }
    let request = canonical(request, peer, place);
    if let Some(refusal) = lab::site::refusal(app, request.method(), request.uri().path(), request.headers())
    {
        return unserved(&refusal, style);
    }
    let served = AssertUnwindSafe(router.oneshot(request)).catch_unwind();
    match tokio::time::timeout(app.limits.request(), served).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Ok(Err(infallible))) => match infallible {},
        Ok(Err(_)) => unserved(&Refusal::Panic, style),
        Err(_) => unserved(&Refusal::Timeout(app.limits.request_seconds), style),
    }
}

/// An answer to a request that no quota was drawn for.
fn unserved(refusal: &Refusal, style: Style) -> Response {
    let mut response = answer::refused(refusal, Rate::UNLIMITED, style);
    let code = Some(refusal.code().as_str());
    response.extensions_mut().insert(Line { code, ..Line::default() });
    response
}

/// Routes by the canonical path, and keeps the target as received: the signature is over that one.
fn canonical(request: Request<Body>, peer: SocketAddr, place: &Arc<Place>) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    // HTTP/2 has the host beside the headers.
    if parts.version == Version::HTTP_2
        && !parts.headers.contains_key(HOST)
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, host);
    }
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let target = Bytes::copy_from_slice(target.as_bytes());
    let received = Received { peer: peer.ip(), target, place: Some(Arc::clone(place)) };
    let path = canonical_path(parts.uri.path());
    if path != parts.uri.path()
        && let Ok(uri) = path.parse::<Uri>()
    {
        parts.uri = uri;
    }
    parts.extensions.insert(received);
    Request::from_parts(parts, body)
}
