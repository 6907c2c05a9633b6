//! What every call goes through: signature or token, body, the endpoint, the answer, and what the log says of it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::{Authenticated, Presented, Rate, Signed};
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use directory::access;
use directory::change::Change;
use directory::port::{
    Evidence, Pending, Recalled, Render, RequestIds, RequestKey, StoreError, Write, Written,
};
use directory::refusal as rules;
use directory::user::User;
use directory::{Caller, Permission, Role, Scope, Sender};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::{CONNECTION, HOST};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;
use wire::body::{self, Body};
use wire::header::{self, RequestId};
use wire::item::{Entry, Item};
use wire::{Answer, Code, reader, rest};

use crate::answer;
use crate::app::App;
use crate::explain;
use crate::refusal::Refusal;
use crate::room::{Place, Unread};
use crate::routes::{Endpoint, Run, Running, Style};

/// How often a call is judged anew because the directory changed under it.
const ATTEMPTS: usize = 4;

/// A caller whose body took longer is looked at once more when it is there: what was known of the caller may be as old as
/// that, and by then no longer true.
const SLOW_BODY: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// Where a request comes from and what it asked for before the path was made canonical; put there by the listener.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) peer: IpAddr,
    pub(crate) target: Bytes,
    /// Its place among the requests under way.
    pub(crate) place: Option<Arc<Place>>,
}

/// A signed call, as an endpoint sees it.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) caller: Caller,
    request_id: Option<RequestId>,
    request_ids: RequestIds,
    endpoint: &'a Endpoint,
    body: &'a [u8],
    query: &'a str,
    line: &'a mut Line,
}

/// A call to an endpoint that knows nobody yet.
pub(crate) struct Unsigned<'a> {
    pub(crate) app: &'a App,
    pub(crate) headers: &'a HeaderMap,
    body: &'a [u8],
    line: &'a mut Line,
}

/// What an endpoint answers.
pub(crate) struct Reply {
    status: u16,
    body: Vec<u8>,
    repeated: bool,
    /// The code with which the call was refused.
    code: Option<&'static str>,
}

impl Reply {
    pub(crate) fn ran(body: Vec<u8>) -> Self {
        Self { status: 200, body, repeated: false, code: None }
    }

    pub(crate) fn repeated(body: Vec<u8>) -> Self {
        Self { repeated: true, ..Self::ran(body) }
    }

    pub(crate) fn of<T: Serialize>(answer: &Answer<T>) -> Self {
        Self::bare(answer)
    }

    /// An answer without an envelope.
    pub(crate) fn bare<T: Serialize>(answer: &T) -> Self {
        Self::ran(answer::rendered(answer))
    }

    /// The refusal of a new-style endpoint; the first error says with which status.
    pub(crate) fn errors(mut errors: Vec<wire::Error>) -> Self {
        if errors.is_empty() {
            // Neither a row nor why there is none: a fault of the server.
            errors.push(wire::Error::new(Code::Internal, Refusal::Panic.to_string()));
        }
        let first = errors.first().map(|error| error.code.as_str());
        let code = Code::ALL.iter().find(|code| Some(code.as_str()) == first).unwrap_or(&Code::Internal);
        let errors = errors.into_iter().map(Into::into).collect();
        Self { status: code.rest_status(), code: Some(code.as_str()), ..Self::bare(&rest::Errors { errors }) }
    }

    /// A reply with nothing in it is none: its answer could not be rendered.
    fn whole(self) -> Result<Self, Refusal> {
        if self.body.is_empty() { Err(Refusal::Panic) } else { Ok(self) }
    }

    /// An envelope of one item, as a new-style endpoint answers it: the row with this status, or why there is none.
    pub(crate) fn unwrapped(self, status: u16) -> Self {
        let Answer { mut data, fail, .. } = serde_json::from_slice::<Answer<Value>>(&self.body)
            .unwrap_or_else(|_| Answer::ran(vec![], vec![]));
        let reply = match data.pop() {
            Some(row) => Self { status, ..Self::bare(&row) },
            None => Self::errors(fail.into_iter().flat_map(|failure| failure.errors).collect()),
        };
        Self { repeated: self.repeated, ..reply }
    }
}

/// What the log line of a request says beside what can be seen from outside.
#[derive(Clone, Default)]
pub(crate) struct Line {
    pub(crate) code: Option<&'static str>,
    pub(crate) why: Option<String>,
    pub(crate) explanation: Option<String>,
    /// Whose signature or token holds.
    pub(crate) sender: Option<Sender>,
    /// Who claims to call where nobody can be known yet: a name, and an application's.
    pub(crate) claimed: Option<(String, String)>,
    /// Codes of the items that were refused in an answer of 200.
    pub(crate) refused_items: Vec<&'static str>,
    /// What was drawn of the sender's quota, in thousandths of the limit.
    pub(crate) drawn_per_mille: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) items: usize,
    pub(crate) repeated: bool,
    pub(crate) store: Duration,
}

impl Line {
    fn sent_by(&mut self, sender: Option<Sender>, rate: Rate) {
        self.drawn_per_mille = sender.as_ref().map_or(0, |_| rate.drawn_per_mille());
        self.sender = sender;
    }

    pub(crate) fn caller(&self) -> Option<&str> {
        let claimed = self.claimed.as_ref().map(|(name, _)| name.as_str());
        self.sender.as_ref().map(Sender::name).or(claimed)
    }

    pub(crate) fn account(&self) -> Option<&str> {
        self.sender.as_ref().map(|sender| sender.account().code.as_str())
    }

    pub(crate) fn application(&self) -> Option<&str> {
        let claimed = self.claimed.as_ref().map(|(_, application)| application.as_str());
        self.sender.as_ref().map(Sender::application).or(claimed)
    }
}

/// The body as JSON: strictly, else leniently. No body is one without anything in it (spec/clients.md 3.3).
fn json(app: &App, body: &[u8]) -> Result<Value, Refusal> {
    if reader::is_blank(body) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let limits = reader::Limits { bytes: app.limits.body_bytes, ..reader::Limits::default() };
    Ok(reader::read(body, &limits)?)
}

impl Call<'_> {
    /// The body: `meta`, and items that are not read yet.
    pub(crate) fn body(&self) -> Result<Body, Refusal> {
        Ok(Body::read(json(self.app, self.body)?)?)
    }

    /// The body of a new-style endpoint: the item itself.
    pub(crate) fn object<I: Item>(&self) -> Result<Entry<I>, Refusal> {
        Ok(body::object(json(self.app, self.body)?)?)
    }

    /// The query, as an item.
    pub(crate) fn query<I: Item>(&self) -> Entry<I> {
        rest::query(self.query)
    }

    /// What makes this request the same as another, if it has an id.
    pub(crate) fn key(&self) -> Option<RequestKey> {
        let request_id = self.request_id.as_ref()?;
        let mut digest = Hmac::<Sha256>::new(self.app.store.keys().body_digest.expose_secret().into());
        digest.update(self.endpoint.path.as_bytes());
        digest.update(b"\0");
        digest.update(self.body);
        Some(RequestKey {
            credential: self.caller.credential(),
            request_id: *request_id.as_bytes(),
            digest: digest.finalize().into_bytes().into(),
        })
    }

    /// A user of the account, to read or to change as the endpoint does. Nobody changes a user who holds more than they do:
    /// what is changed of a user may be what that user's rights, mail or keys depend on.
    pub(crate) fn user(
        &self,
        scope: &Scope,
        found: (Option<User>, Option<Role>),
    ) -> Result<User, rules::Refusal> {
        let (user, role) = found;
        let user = scope.user(user)?;
        if self.endpoint.writes {
            scope.covers(role.as_ref())?;
        }
        Ok(user)
    }

    /// Tells the log how many items the request holds.
    pub(crate) fn count(&mut self, items: usize) {
        self.line.items = items;
    }

    /// The account that the call names, or the caller's own; if the caller holds the permission and may act there.
    pub(crate) async fn scope(
        &self,
        permission: impl Into<Option<&Permission>>,
        account: Option<&str>,
    ) -> Result<Scope, Refusal> {
        let permission = permission.into();
        // The permission first: who lacks it learns nothing about accounts.
        if let Some(permission) = permission {
            self.caller.require(permission)?;
        }
        let named = match access::named_account(&self.caller, account)? {
            None => None,
            Some(code) => Some(self.app.store.accounts(&[code]).await?.pop().flatten()),
        };
        Ok(Scope::enter(&self.caller, permission, named)?)
    }

    /// Writes changes, each of which stands or falls alone, and answers what `render` makes of what became of them.
    pub(crate) async fn write(
        &mut self,
        evidence: Vec<Evidence>,
        changes: Vec<Change>,
        render: Render,
    ) -> Result<Reply, Refusal> {
        let app = self.app;
        let write = Write {
            once: self.key().map(|key| (key, self.request_ids)),
            evidence,
            actor: self.caller.actor(),
            now: app.clock.now(),
            changes,
            render,
        };
        match self.timed(app.store.write(vec![write])).await?.pop() {
            Some(Written::Ran(answer)) => Ok(Reply::ran(answer)),
            Some(Written::Repeated(answer)) => Ok(Reply::repeated(answer)),
            Some(Written::RequestIdReused) => Err(Refusal::RequestIdReused),
            Some(Written::Stale) | None => Err(Refusal::Stale),
        }
    }

    /// The answer of a request that ran before, for endpoints on which it would cost much to find out only at the end:
    /// nobody should wait, or make others wait, for hashes that are thrown away.
    pub(crate) async fn recall(&mut self) -> Result<Option<Reply>, Refusal> {
        let Some(key) = self.key() else { return Ok(None) };
        let (app, request_ids) = (self.app, self.request_ids);
        match self.timed(app.store.recall(&key, request_ids)).await? {
            Recalled::Unknown => Ok(None),
            Recalled::Ran(answer) => Ok(Some(Reply::repeated(answer))),
            Recalled::OtherBody => Err(Refusal::RequestIdReused),
        }
    }

    /// Waits for the store, and keeps count of how long that takes.
    pub(crate) async fn timed<T>(&mut self, pending: Pending<'_, T>) -> Result<T, StoreError> {
        timed(self.line, pending).await
    }
}

impl<'a> Unsigned<'a> {
    /// Somebody at the door of the console, who is not known yet either.
    pub(crate) fn at_the_door(app: &'a App, headers: &'a HeaderMap, line: &'a mut Line) -> Self {
        Self { app, headers, body: &[], line }
    }
}

impl Unsigned<'_> {
    /// The body: `meta`, and items that are not read yet.
    pub(crate) fn body(&self) -> Result<Body, Refusal> {
        Ok(Body::read(json(self.app, self.body)?)?)
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body
    }

    /// Where the caller reaches this server: scheme, host and port.
    pub(crate) fn public_url(&self) -> String {
        self.app.public_url.for_host(self.headers.get(HOST).map(http::HeaderValue::as_bytes))
    }

    /// Tells the log who claims to call.
    pub(crate) fn claims(&mut self, address: &str, application: &str) {
        self.line.claimed = Some((address.to_owned(), application.to_owned()));
    }

    /// Waits for the store, and keeps count of how long that takes.
    pub(crate) async fn timed<T>(&mut self, pending: Pending<'_, T>) -> Result<T, StoreError> {
        timed(self.line, pending).await
    }
}

async fn timed<T>(line: &mut Line, pending: Pending<'_, T>) -> Result<T, StoreError> {
    let started = stopwatch();
    let outcome = pending.await;
    line.store += started.elapsed();
    outcome
}

#[expect(clippy::disallowed_methods, reason = "measures how long something takes")]
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}

/// Serves a call to an endpoint.
pub(crate) async fn serve(app: &App, endpoint: &Endpoint, request: Request) -> Response {
    let mut line = Line::default();
    let (parts, body) = request.into_parts();
    let received = received(&parts.extensions);
    let mut explanation = None;
    let (reply, rate) = match endpoint.run {
        Run::Signed(run) => {
            let presented = presented(&parts.headers, &received);
            let Authenticated { signed, sender, rate } = app.authenticator.authenticate(&presented).await;
            line.sent_by(sender, rate);
            let reply = match signed {
                Ok(signed) => {
                    received.place.iter().for_each(|place| place.prove());
                    signed_call(app, endpoint, run, signed, &presented, body, &mut line).await
                }
                Err(refused) => {
                    explanation = explain::explained(app, &refused, &parts, &presented, body).await;
                    Err(Refusal::from(refused))
                }
            };
            (reply, rate)
        }
        // A token is good for nothing here (spec/protocol.md 8); one that is not good at all is told so first.
        Run::Unsigned(_) if endpoint.style() == Style::Envelope && has_token(&parts.headers) => {
            let presented = presented(&parts.headers, &received);
            let Authenticated { signed, sender, rate } = app.authenticator.authenticate(&presented).await;
            line.sent_by(sender, rate);
            (Err(signed.map_or_else(Refusal::from, |_| Refusal::AppForbidden)), rate)
        }
        Run::Unsigned(run) => {
            let (refused, rate) = app.authenticator.count_unsigned(received.peer);
            let reply = match refused {
                None => unsigned_call(app, run, &parts.headers, body, &mut line).await,
                Some(refused) => Err(Refusal::from(refused)),
            };
            (reply, rate)
        }
    };
    let mut response = match reply.and_then(Reply::whole) {
        Ok(reply) => {
            line.repeated = reply.repeated;
            line.code = reply.code;
            if endpoint.style() == Style::Envelope {
                line.refused_items = answer::refused_items(&reply.body);
            }
            answer::ran(reply.status, reply.body, rate)
        }
        Err(refusal) => refuse(&refusal, rate, endpoint.style(), &mut line),
    };
    explain::tell(explanation, explain::asks(&parts), &mut line, &mut response);
    response.extensions_mut().insert(line);
    response
}

/// Has an endpoint do what a page of the console asks for. A form that was sent, gone back to, corrected and sent again is a
/// request of its own.
///
/// # Errors
/// When the call as a whole is refused; with [`Refusal::Stale`] when it is to be judged anew.
pub(crate) async fn within(
    app: &App,
    endpoint: &Endpoint,
    caller: Caller,
    request_id: Option<RequestId>,
    body: &[u8],
    line: &mut Line,
) -> Result<Vec<u8>, Refusal> {
    let Run::Signed(run) = endpoint.run else { return Err(Refusal::AppForbidden) };
    let request_ids = RequestIds::Compatible;
    let reply = run(Call { app, caller, request_id, request_ids, endpoint, body, query: "", line }).await?;
    Ok(reply.whole()?.body)
}

async fn unsigned_call(
    app: &App,
    run: for<'a> fn(Unsigned<'a>) -> Running<'a>,
    headers: &HeaderMap,
    body: axum::body::Body,
    line: &mut Line,
) -> Result<Reply, Refusal> {
    let body = collect(app, body).await?;
    run(Unsigned { app, headers, body: &body, line }).await
}

async fn signed_call(
    app: &App,
    endpoint: &Endpoint,
    run: for<'a> fn(Call<'a>) -> Running<'a>,
    mut signed: Signed,
    presented: &Presented<'_>,
    body: axum::body::Body,
    line: &mut Line,
) -> Result<Reply, Refusal> {
    line.request_id = signed.request_id.map(|id| id.to_string());
    if !endpoint.is_for(&signed.caller) {
        return Err(Refusal::AppForbidden);
    }
    let (started, began) = (stopwatch(), app.clock.now());
    let body = collect(app, body).await?;
    // By either clock: keys and tokens end by the one that can be set.
    let waited = app.clock.now().duration_since(began).abs();
    if waited > SLOW_BODY || started.elapsed() > SLOW_BODY.unsigned_abs() {
        signed = app.authenticator.authenticate_anew(presented).await?;
        if !endpoint.is_for(&signed.caller) {
            return Err(Refusal::AppForbidden);
        }
    }
    let query = query(presented.target);
    let mut attempt = 1;
    loop {
        let (caller, request_id, request_ids) = (signed.caller.clone(), signed.request_id, app.request_ids);
        match run(Call { app, caller, request_id, request_ids, endpoint, body: &body, query: &query, line })
            .await
        {
            // Something was taken away in one of the accounts concerned since they were read. Whether it concerns
            // this caller shows when everything is read anew.
            Err(Refusal::Stale) if attempt < ATTEMPTS => {
                attempt += 1;
                signed = app.authenticator.authenticate_anew(presented).await?;
            }
            outcome => return outcome,
        }
    }
}

/// Reads the body, whatever its Content-Type (spec/clients.md 3.1).
pub(crate) async fn collect(app: &App, body: axum::body::Body) -> Result<Bytes, Refusal> {
    let limits = &app.limits;
    let too_large = || Refusal::BodyTooLarge(limits.body_bytes);
    // As it says itself: then nothing of it is read, and a client that asks first is not told to send it.
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(too_large());
    }
    let collected =
        tokio::time::timeout(limits.body(), Limited::new(body, limits.body_bytes).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(match Unread::because_of(&*error) {
            Some(Unread::TooLarge(most)) => Refusal::BodyTooLarge(most),
            Some(Unread::Busy) => Refusal::Busy,
            None => Refusal::BodyBroken,
        }),
        Err(_) => Err(Refusal::BodyTimeout(limits.body_seconds)),
    }
}

/// Serves what everybody may read; counted for where the request comes from.
pub(crate) fn serve_document(app: &App, request: &Request, document: Bytes) -> Response {
    let (refused, rate) = app.authenticator.count_unsigned(received(request.extensions()).peer);
    let mut line = Line::default();
    let mut response = match refused {
        None => answer::ran(200, document, rate),
        Some(refused) => refuse(&refused.into(), rate, Style::Envelope, &mut line),
    };
    response.extensions_mut().insert(line);
    response
}

/// Refuses a request that no signed endpoint is asked by.
pub(crate) fn refuse_unsigned(app: &App, request: &Request, refusal: Refusal) -> Response {
    let (refused, rate) = app.authenticator.count_unsigned(received(request.extensions()).peer);
    let refusal = refused.map_or(refusal, Refusal::from);
    let mut line = Line::default();
    let mut response = refuse(&refusal, rate, Style::of(request.uri().path()), &mut line);
    response.extensions_mut().insert(line);
    response
}

/// Refuses a request that came in plaintext to a port that speaks HTTPS. Then the connection ends.
pub(crate) fn refuse_plaintext(app: &App, request: &Request) -> Response {
    let mut response = refuse_unsigned(app, request, Refusal::Plaintext);
    response.headers_mut().insert(CONNECTION, http::HeaderValue::from_static("close"));
    response
}

fn refuse(refusal: &Refusal, rate: Rate, style: Style, line: &mut Line) -> Response {
    line.code = Some(refusal.code().as_str());
    line.why = refusal.private();
    answer::refused(refusal, rate, style)
}

pub(crate) fn received(extensions: &http::Extensions) -> Received {
    let nowhere = || Received { peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED), target: Bytes::new(), place: None };
    extensions.get::<Received>().cloned().unwrap_or_else(nowhere)
}

fn has_token(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| header::bearer(value.as_bytes()).is_some())
}

/// What stands behind the question mark. Bytes that are no text are shown as such, so that they are refused where they
/// stand: without them another question would be answered.
fn query(target: &[u8]) -> Cow<'_, str> {
    let query = target.iter().position(|byte| *byte == b'?').map_or(&[][..], |mark| &target[mark + 1..]);
    String::from_utf8_lossy(query)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What no answer is: it can't be rendered.
    struct Unrenderable;

    impl Serialize for Unrenderable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it can't"))
        }
    }

    #[test]
    fn an_answer_that_can_t_be_rendered_is_a_fault_of_the_server_and_no_empty_answer() {
        for reply in [Reply::bare(&Unrenderable), Reply::of(&Answer::ran(vec![Unrenderable], Vec::new()))] {
            assert_eq!(reply.whole().err().map(|why| why.code()), Some(Code::Internal));
        }
        assert!(Reply::of(&Answer::ran(vec![1], Vec::new())).whole().is_ok());
        // Neither a row nor a reason.
        for body in ["", "{}", r#"{"meta":{"status":200},"data":[],"fail":[]}"#] {
            let reply = Reply::ran(body.as_bytes().to_vec()).unwrapped(201);
            let told = String::from_utf8(reply.body.clone()).unwrap();
            assert_eq!((reply.status, reply.code), (500, Some("err_xdk_internal_error")), "{told}");
            assert!(told.contains(r#"{"errors":[{"#), "{told}");
        }
    }

    #[test]
    fn a_query_that_is_no_text_is_not_taken_for_none() {
        assert_eq!(query(b"/a?b=c?d"), "b=c?d");
        assert_eq!(query(b"/a"), "");
        assert_eq!(query(b"/a?domain=\xff"), "domain=\u{fffd}");
    }
}
