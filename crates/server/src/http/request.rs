//! The layers around a request, from the outside in: timing, log and counts; journal; injected faults; admission;
//! timeouts.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::call::Received;
use api::error::CallError;
use api::room::{Intake, Place};
use api::{Style, answer};
use auth::Rate;
use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri, Version};
use http_body_util::{BodyExt, Collected};
use observe::fault::What;
use observe::journal::{Finished, Open};
use observe::{Line, stopwatch, telemetry};
use wire::header;
use wire::signature::canonical_path;

use super::{Connection, Refused, site};
use crate::app::App;
use crate::routes::{self, Routes};
use crate::{control, health};

/// An injected fault closes the connection instead of a response.
#[derive(Debug, thiserror::Error)]
#[error("the response was dropped on purpose")]
pub(super) struct Dropped;

/// Serves one request.
pub(super) async fn serve<B>(
    app: &App,
    routes: Routes,
    request: Request<B>,
    connection: Connection,
) -> Result<Response, Dropped>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    serve_recorded(app, routes, request, connection, &mut None).await
}

/// Serves a recorded request again, as if it had arrived from `peer`, with all layers. Returns its number in the
/// journal, if there is one.
pub(crate) async fn replay(app: &Arc<App>, request: Request<Body>, peer: SocketAddr) -> Option<u64> {
    let routes = Routes::of(app);
    let mut number = None;
    // The journal has the outcome, even if the response is dropped.
    let _ = serve_recorded(app, routes, request, Connection { peer, protocol: None }, &mut number).await;
    number
}

/// Facts about a request before it is served.
struct Seen {
    started: Instant,
    method: Method,
    path: String,
    /// Whether it is counted and recorded: false for health checks and test control.
    is_counted: bool,
    connection: Connection,
    app_id: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
}

impl Seen {
    fn of<B>(request: &Request<B>, connection: Connection) -> Self {
        let [app_id, user_agent] =
            [header::APP_ID, USER_AGENT.as_str()].map(|name| request.headers().get(name).cloned());
        let path = canonical_path(request.uri().path()).to_owned();
        Self {
            started: stopwatch(),
            method: request.method().clone(),
            is_counted: is_counted(&path),
            path,
            connection,
            app_id,
            user_agent,
        }
    }

    fn app_id(&self) -> Option<&[u8]> {
        self.app_id.as_ref().map(HeaderValue::as_bytes)
    }
}

fn is_counted(path: &str) -> bool {
    !console::is_below(path) && !health::is_at(path) && !path.starts_with(control::PREFIX)
}

/// Records a request in the journal, if there is one, and sets `number`.
async fn serve_recorded<B>(
    app: &App,
    routes: Routes,
    request: Request<B>,
    connection: Connection,
    number: &mut Option<u64>,
) -> Result<Response, Dropped>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let seen = Seen::of(&request, connection);
    let faults = app.control.get().map_or_else(Vec::new, |control| control.next_faults(&seen.path));
    let Some(journal) = app.journal().filter(|_| seen.is_counted) else {
        let served = serve_counted(app, routes, request.map(Body::new), &seen, &faults).await;
        return served.map(|(response, ..)| response).ok_or(Dropped);
    };
    let peer = connection.peer;
    let (request, mut entry) = journal.begin(request, app.core.clock.now(), peer, faults.clone());
    *number = Some(entry.number());
    let Some((response, line, took)) = serve_counted(app, routes, request, &seen, &faults).await else {
        entry.dropped();
        return Err(Dropped);
    };
    entry.read_rest().await;
    Ok(record_response(app, &seen, entry, response, &line, took).await)
}

async fn record_response(
    app: &App,
    seen: &Seen,
    entry: Open,
    response: Response,
    line: &Line,
    took: Duration,
) -> Response {
    let known = seen.app_id().and_then(|app_id| app.core.telemetry.account_of(app_id));
    let account = known.map(|code| code.to_string());
    // Responses are complete before they are sent.
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    entry.record_answer(parts.status.as_u16(), &body, Finished { line, took, account });
    Response::from_parts(parts, Body::from(body))
}

/// Serves a request with its faults, logs and counts it. `None`: the response is dropped.
async fn serve_counted(
    app: &App,
    routes: Routes,
    request: Request<Body>,
    seen: &Seen,
    faults: &[What],
) -> Option<(Response, Line, Duration)> {
    let peer = seen.connection.peer;
    let place = Arc::new(Place::new(&app.room, peer.ip(), routes::knows_nobody(&seen.path)));
    let (mut parts, body) = request.into_parts();
    let traces = app.traces.get().filter(|_| seen.is_counted);
    let traced = traces.and_then(|traces| traces.begin(&mut parts, seen.started, app.core.clock.as_ref()));
    let body = Intake::of(body, &parts.headers, &place);
    let guarded = serve_guarded(app, routes, Request::from_parts(parts, body), peer, &place);
    let mut response = serve_with_faults(faults, guarded, Style::of(&seen.path)).await?;
    let line = response.extensions_mut().remove::<Line>().unwrap_or_default();
    let took = seen.started.elapsed();
    let status = response.status().as_u16();
    log(seen, status, &line, took);
    if seen.is_counted {
        let user_agent = seen.user_agent.as_ref().map(HeaderValue::as_bytes);
        let (path, app_id, line) = (line.route.unwrap_or(&seen.path), seen.app_id(), &line);
        let request = telemetry::Request { path, status, took, peer: peer.ip(), app_id, user_agent, line };
        app.core.telemetry.record(&request, app.core.hasher.waiting());
    }
    if let Some(traced) = traced {
        traced.finish(&mut response, &seen.method, &line, took);
    }
    if place.is_unread() {
        response.extensions_mut().insert(place);
    }
    Some((response, line, took))
}

/// Logs one line per request. Never a body, a query or a header: they may contain secrets.
fn log(seen: &Seen, status: u16, line: &Line, took: Duration) {
    let Seen { method, path, connection: Connection { peer, protocol }, .. } = seen;
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
    // Health checks come every few seconds and would fill the log.
    if health::is_at(path) && (200..300).contains(&status) { log!(debug) } else { log!(info) }
}

/// Serves a request with injected faults; `None`: the connection is closed instead of a response.
async fn serve_with_faults(
    faults: &[What],
    serve: impl Future<Output = Response>,
    style: Style,
) -> Option<Response> {
    if let Some(delay) = faults.iter().filter_map(What::delay).reduce(|a, b| a + b) {
        wait(delay).await;
    }
    let refusal = faults.iter().find_map(|fault| match fault {
        What::Refuse { status } => CallError::with_status(*status),
        What::Delay { .. } | What::DropAnswer => None,
    });
    let response = match refusal {
        Some(refusal) => refusal_response(&refusal, style),
        None => serve.await,
    };
    (!faults.iter().any(What::drops)).then_some(response)
}

#[expect(clippy::disallowed_methods, reason = "somebody asked for a delay")]
async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// Serves a request within its limits. Always returns a response.
async fn serve_guarded(
    app: &App,
    routes: Routes,
    request: Request<Body>,
    peer: SocketAddr,
    place: &Arc<Place>,
) -> Response {
    let path = canonical_path(request.uri().path());
    let style = Style::of(path);
    // Health checks need no slot, so that they work on a busy server.
    let _entered = match health::is_at(path) {
        true => None,
        false => match place.enter() {
            Some(entered) => Some(entered),
            None => return refusal_response(&CallError::Busy, style),
        },
    };
    if let Some(Refused(why)) = request.extensions().get() {
        return refusal_response(&why.refusal(), style);
    }
    let request = canonical(request, peer, place);
    if let Some(refusal) = site::refusal(app, request.method(), request.uri().path(), request.headers()) {
        return refusal_response(&refusal, style);
    }
    let served = AssertUnwindSafe(routes.serve(app, request)).catch_unwind();
    match tokio::time::timeout(app.core.limits.request(), served).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => refusal_response(&CallError::Panic, style),
        Err(_) => refusal_response(&CallError::Timeout(app.core.limits.request_seconds), style),
    }
}

/// The response to a request for which no quota was drawn.
fn refusal_response(refusal: &CallError, style: Style) -> Response {
    let mut response = answer::refused(refusal, Rate::UNLIMITED, style);
    let code = Some(refusal.code().as_str());
    response.extensions_mut().insert(Line { code, ..Line::default() });
    response
}

/// Routes by the normalised path. The target is kept as received, because the signature covers it.
fn canonical(request: Request<Body>, peer: SocketAddr, place: &Arc<Place>) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    // HTTP/2 sends the host outside the headers.
    if parts.version == Version::HTTP_2
        && !parts.headers.contains_key(HOST)
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, host);
    }
    let target = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_after_the_server_is_not_counted() {
        for path in ["/console", "/console/", "/console/login", "/healthz", "/readyz", "/sandbox/journal"] {
            assert!(!is_counted(path), "{path}");
        }
        for path in ["/api/user/create-user", "/consolation", "/", "/openapi.json", "/healthz/x"] {
            assert!(is_counted(path), "{path}");
        }
    }
}
