//! What every signed call goes through: signature, body, the endpoint, the answer, and what the log says of it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use auth::{Presented, Rate, Signed};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use directory::Caller;
use directory::port::{Pending, RequestKey, StoreError};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Sha256;
use wire::header::{self, RequestId};
use wire::reader;

use crate::answer;
use crate::app::App;
use crate::refusal::Refusal;
use crate::routes::Endpoint;

/// How often a call is judged anew because the directory changed under it.
const ATTEMPTS: usize = 4;

/// Where a request comes from and what it asked for before the path was made canonical; put there by the listener.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) peer: IpAddr,
    pub(crate) target: Bytes,
}

/// A signed call, as an endpoint sees it.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) caller: Caller,
    request_id: RequestId,
    path: &'static str,
    body: &'a [u8],
    line: &'a mut Line,
}

/// What an endpoint answers.
pub(crate) struct Reply {
    envelope: Vec<u8>,
    repeated: bool,
}

impl Reply {
    pub(crate) fn ran(envelope: Vec<u8>) -> Self {
        Self { envelope, repeated: false }
    }

    pub(crate) fn repeated(envelope: Vec<u8>) -> Self {
        Self { envelope, repeated: true }
    }
}

/// What the log line of a request says beside what can be seen from outside.
#[derive(Clone, Default)]
pub(crate) struct Line {
    pub(crate) code: Option<&'static str>,
    pub(crate) why: Option<String>,
    pub(crate) caller: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) application: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) items: usize,
    pub(crate) repeated: bool,
    pub(crate) store: Duration,
}

impl Call<'_> {
    /// The body as JSON: strictly, else leniently.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if reader::is_blank(self.body) {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let limits = reader::Limits { bytes: self.app.limits.body_bytes, ..reader::Limits::default() };
        Ok(reader::read(self.body, &limits)?)
    }

    /// What makes this request the same as another.
    pub(crate) fn key(&self) -> RequestKey {
        let mut digest = Hmac::<Sha256>::new(self.app.store.keys().body_digest.expose_secret().into());
        digest.update(self.path.as_bytes());
        digest.update(b"\0");
        digest.update(self.body);
        RequestKey {
            binding: self.caller.binding(),
            request_id: *self.request_id.as_bytes(),
            digest: digest.finalize().into_bytes().into(),
        }
    }

    /// Tells the log how many items the request holds.
    pub(crate) fn count(&mut self, items: usize) {
        self.line.items = items;
    }

    /// Waits for the store, and keeps count of how long that takes.
    pub(crate) async fn timed<T>(&mut self, pending: Pending<'_, T>) -> Result<T, StoreError> {
        let started = stopwatch();
        let outcome = pending.await;
        self.line.store += started.elapsed();
        outcome
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long something takes")]
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}

/// Serves a call to a signed endpoint.
pub(crate) async fn serve(app: &App, endpoint: &Endpoint, request: Request) -> Response {
    let mut line = Line::default();
    let (parts, body) = request.into_parts();
    let received = received(&parts.extensions);
    let presented = presented(&parts.headers, &received);
    let (signed, rate) = app.authenticator.authenticate(&presented).await;
    let reply = match signed {
        Ok(signed) => run(app, endpoint, signed, &presented, body, &mut line).await,
        Err(refused) => Err(Refusal::from(refused)),
    };
    let mut response = match reply {
        Ok(reply) => {
            line.repeated = reply.repeated;
            answer::ran(reply.envelope, rate)
        }
        Err(refusal) => refuse(&refusal, rate, &mut line),
    };
    response.extensions_mut().insert(line);
    response
}

async fn run(
    app: &App,
    endpoint: &Endpoint,
    mut signed: Signed,
    presented: &Presented<'_>,
    body: Body,
    line: &mut Line,
) -> Result<Reply, Refusal> {
    line.caller = Some(signed.caller.address().to_owned());
    line.account = Some(signed.caller.account().code.to_string());
    line.application = Some(signed.caller.application().to_owned());
    line.request_id = Some(signed.request_id.to_string());
    let body = collect(app, body).await?;
    for _ in 1..ATTEMPTS {
        match attempt(app, endpoint, &signed, &body, line).await {
            // Something was taken away in one of the accounts concerned since they were read. Whether it concerns
            // this caller shows when everything is read anew.
            Err(Refusal::Stale) => signed = app.authenticator.authenticate_anew(presented).await?,
            outcome => return outcome,
        }
    }
    attempt(app, endpoint, &signed, &body, line).await
}

async fn attempt(
    app: &App,
    endpoint: &Endpoint,
    signed: &Signed,
    body: &[u8],
    line: &mut Line,
) -> Result<Reply, Refusal> {
    let (caller, request_id) = (signed.caller.clone(), signed.request_id);
    (endpoint.run)(Call { app, caller, request_id, path: endpoint.path, body, line }).await
}

/// Reads the body, whatever its Content-Type (spec/clients.md 3.1).
async fn collect(app: &App, body: Body) -> Result<Bytes, Refusal> {
    let limits = &app.limits;
    let collected =
        tokio::time::timeout(limits.body(), Limited::new(body, limits.body_bytes).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge(limits.body_bytes)),
        Ok(Err(_)) => Err(Refusal::BodyBroken),
        Err(_) => Err(Refusal::BodyTimeout(limits.body_seconds)),
    }
}

/// Refuses a request that no signed endpoint is asked by.
pub(crate) fn refuse_unsigned(app: &App, request: &Request, refusal: Refusal) -> Response {
    let (refused, rate) = app.authenticator.count_unsigned(received(request.extensions()).peer);
    let refusal = refused.map_or(refusal, Refusal::from);
    let mut line = Line::default();
    let mut response = refuse(&refusal, rate, &mut line);
    response.extensions_mut().insert(line);
    response
}

fn refuse(refusal: &Refusal, rate: Rate, line: &mut Line) -> Response {
    line.code = Some(refusal.code().as_str());
    line.why = refusal.private();
    answer::refused(refusal, rate)
}

fn received(extensions: &http::Extensions) -> Received {
    let nowhere = || Received { peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED), target: Bytes::new() };
    extensions.get::<Received>().cloned().unwrap_or_else(nowhere)
}

fn presented<'a>(headers: &'a HeaderMap, received: &'a Received) -> Presented<'a> {
    let bytes = |name| headers.get(name).map(http::HeaderValue::as_bytes);
    Presented {
        authorization: bytes(header::AUTHORIZATION),
        date: bytes(header::DATE),
        request_id: bytes(header::REQUEST_ID),
        app_id: bytes(header::APP_ID),
        target: &received.target,
        peer: received.peer,
    }
}
