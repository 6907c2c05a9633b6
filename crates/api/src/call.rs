//! A call as an endpoint sees it, and the endpoint's reply.

use std::net::IpAddr;
use std::sync::Arc;

use directory::access;
use directory::change::Change;
use directory::error as rules;
use directory::port::{
    CommitTimes, Evidence, Pending, Recalled, Render, RequestIds, RequestKey, StoreError, Write, Written,
};
use directory::user::User;
use directory::{Caller, Permission, Role, Scope};
use http::HeaderMap;
use http::header::HOST;
use http::uri::PathAndQuery;
use observe::trace::{Phase, Recorder};
use observe::{Line, stopwatch};
use serde::Serialize;
use serde_json::Value;
use wire::body::{self, Body};
use wire::header::RequestId;
use wire::item::{Entry, FieldSpec, Item};
use wire::near_miss::near_misses;
use wire::{Answer, Code, reader, rest};

use crate::answer;
use crate::core::Core;
use crate::error::CallError;
use crate::room::Place;

/// Origin and original target of a request. The listener adds it before the path is normalised.
#[derive(Clone)]
pub struct Received {
    /// The client's address.
    pub peer: IpAddr,
    /// Path and query, as received.
    pub target: PathAndQuery,
    /// Its slot among the running requests.
    pub place: Option<Arc<Place>>,
}

/// An authenticated call.
pub struct Call<'a> {
    pub(crate) core: &'a Core,
    pub(crate) caller: Caller,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) request_ids: RequestIds,
    /// The endpoint's path.
    pub(crate) path: &'static str,
    /// Whether the endpoint changes anything.
    pub(crate) writes: bool,
    /// The fields of an item.
    pub(crate) fields: &'static [FieldSpec],
    pub(crate) body: &'a [u8],
    /// The secure id in the path; empty if the path has none.
    pub(crate) id: &'a str,
    pub(crate) query: &'a str,
    /// The value of `x-mc-arg`, for an endpoint whose body is a file.
    pub(crate) argument: &'a [u8],
    pub(crate) line: &'a mut Line,
}

/// A call to an endpoint that takes no signature or token.
pub struct Unsigned<'a> {
    /// The shared state of endpoints.
    pub core: &'a Core,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) line: &'a mut Line,
}

/// The response of an endpoint.
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) repeated: bool,
    /// The code of a refused call.
    pub(crate) code: Option<&'static str>,
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

    /// A response without an envelope.
    pub(crate) fn bare<T: Serialize>(answer: &T) -> Self {
        Self::ran(answer::rendered(answer))
    }

    /// The refusal of an endpoint in the style of API 2.0; the first error determines the status.
    pub(crate) fn errors(mut errors: Vec<wire::Error>) -> Self {
        if errors.is_empty() {
            // Neither a row nor an error: a server fault.
            errors.push(wire::Error::new(Code::Internal, CallError::Panic.to_string()));
        }
        let first = errors.first().map(|error| error.code.as_str());
        let code = Code::ALL.iter().find(|code| Some(code.as_str()) == first).unwrap_or(&Code::Internal);
        let errors = errors.into_iter().map(Into::into).collect();
        Self { status: code.rest_status(), code: Some(code.as_str()), ..Self::bare(&rest::Errors { errors }) }
    }

    /// An empty reply is an error: its body could not be rendered.
    pub(crate) fn whole(self) -> Result<Self, CallError> {
        if self.body.is_empty() { Err(CallError::Panic) } else { Ok(self) }
    }

    /// Converts an envelope with one item to the style of API 2.0: the row with this status, or its errors.
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

/// The body as JSON, parsed strictly, else leniently. An empty body is an empty object (spec/clients.md 3.3).
pub(crate) fn json(core: &Core, body: &[u8]) -> Result<Value, CallError> {
    if reader::is_blank(body) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let limits = reader::Limits { bytes: core.limits.body_bytes, ..reader::Limits::default() };
    Ok(reader::read(body, &limits)?)
}

impl Call<'_> {
    /// The body: `meta` and unparsed items.
    pub(crate) fn body(&mut self) -> Result<Body, CallError> {
        let body = Body::read(json(self.core, self.body)?)?;
        self.line.near_misses = body.near_misses(self.fields);
        Ok(body)
    }

    /// The body of an endpoint in the style of API 2.0: the item itself.
    pub(crate) fn object<I: Item>(&mut self) -> Result<Entry<I>, CallError> {
        let object = json(self.core, self.body)?;
        self.line.near_misses = near_misses(std::iter::once(&object), I::FIELDS);
        Ok(body::object(object)?)
    }

    pub(crate) fn query<I: Item>(&self) -> Entry<I> {
        rest::query(self.query)
    }

    /// The identity of this request, if it has a request id.
    pub(crate) fn key(&self) -> Option<RequestKey> {
        let request_id = self.request_id.as_ref()?;
        // Id and argument only where there are some: the digests of earlier versions stay valid.
        let id = Some(self.id.as_bytes()).filter(|id| !id.is_empty());
        let argument = Some(self.argument).filter(|argument| !argument.is_empty());
        let parts = [Some(self.path.as_bytes()), id, Some(self.body), argument];
        let parts: Vec<&[u8]> = parts.into_iter().flatten().collect();
        Some(RequestKey {
            credential: self.caller.credential(),
            request_id: *request_id.as_bytes(),
            digest: self.core.request_digest(&parts),
        })
    }

    /// A user of the account. For endpoints that write, the caller must hold all permissions of that user, because a
    /// change can affect the user's permissions, mail or keys.
    pub(crate) fn user(
        &self,
        scope: &Scope,
        found: (Option<User>, Option<Role>),
    ) -> Result<User, rules::ItemError> {
        let (user, role) = found;
        let user = scope.user(user)?;
        if self.writes {
            scope.changes(&user)?;
            scope.covers(role.as_ref())?;
        }
        Ok(user)
    }

    /// Records the number of items for the log.
    pub(crate) fn count(&mut self, items: usize) {
        self.line.items = items;
    }

    /// The named account, or the caller's own. Requires the permission and access to the account.
    pub(crate) async fn scope(
        &self,
        permission: impl Into<Option<&Permission>>,
        account: Option<&str>,
    ) -> Result<Scope, CallError> {
        let permission = permission.into();
        // Permission first: a caller without it learns nothing about accounts.
        if let Some(permission) = permission {
            self.caller.require(permission)?;
        }
        let named = match access::named_account(&self.caller, account)? {
            None => None,
            Some(code) => Some(self.core.store.accounts(&[code]).await?.pop().flatten()),
        };
        Ok(Scope::enter(&self.caller, permission, named)?)
    }

    /// Writes changes. Each succeeds or fails alone; `render` makes the response from the results.
    pub(crate) async fn write(
        &mut self,
        evidence: Vec<Evidence>,
        changes: Vec<Change>,
        render: Render,
    ) -> Result<Reply, CallError> {
        let (core, write) = (self.core, self.prepare(evidence, changes, render));
        let (trace, times) = (self.line.trace.clone(), write.times.clone());
        let writing = traced(trace, times, core.store.write(vec![write]));
        written(self.timed(writing).await?.pop())
    }

    /// Writes changes as [`Call::write`] does, and then calls a function with whether they were carried out now. Both
    /// happen even if the caller goes away meanwhile.
    pub(crate) async fn write_and(
        &mut self,
        evidence: Vec<Evidence>,
        changes: Vec<Change>,
        render: Render,
        then: impl FnOnce(bool) + Send + 'static,
    ) -> Result<Reply, CallError> {
        let (store, write) = (Arc::clone(&self.core.store), self.prepare(evidence, changes, render));
        let (trace, times) = (self.line.trace.clone(), write.times.clone());
        let writing = tokio::spawn(async move {
            let outcome = store.write(vec![write]).await.map(|mut outcomes| outcomes.pop());
            then(matches!(outcome, Ok(Some(Written::Ran(_)))));
            outcome
        });
        let writing = traced(trace, times, async { writing.await.map_err(|_| CallError::Panic) });
        written(self.timed(writing).await??)
    }

    fn prepare(&self, evidence: Vec<Evidence>, changes: Vec<Change>, render: Render) -> Write {
        Write {
            once: self.key().map(|key| (key, self.request_ids)),
            evidence,
            actor: self.caller.actor(),
            now: self.core.clock.now(),
            changes,
            render,
            times: self.line.commit_times(),
        }
    }

    /// The response of an earlier run of this request. For expensive endpoints: a repeated request must not occupy the
    /// password hasher.
    pub(crate) async fn recall(&mut self) -> Result<Option<Reply>, CallError> {
        let Some(key) = self.key() else { return Ok(None) };
        let (core, request_ids) = (self.core, self.request_ids);
        match self.timed(core.store.recall(&key, request_ids)).await? {
            Recalled::Unknown => Ok(None),
            Recalled::Ran(answer) => Ok(Some(Reply::repeated(answer))),
            Recalled::OtherBody => Err(CallError::RequestIdReused),
        }
    }

    /// Awaits the store and records the time.
    pub(crate) async fn timed<T, E>(&mut self, pending: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        timed(self.line, pending).await
    }
}

impl<'a> Unsigned<'a> {
    /// A sign-in to the console.
    pub fn at_the_door(core: &'a Core, headers: &'a HeaderMap, line: &'a mut Line) -> Self {
        Self { core, headers, body: &[], line }
    }
}

impl Unsigned<'_> {
    /// The body: `meta` and unparsed items.
    pub(crate) fn body(&self) -> Result<Body, CallError> {
        Ok(Body::read(json(self.core, self.body)?)?)
    }

    /// The body as received.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body
    }

    /// The URL at which the caller reaches this server: scheme, host and port.
    pub(crate) fn public_url(&self) -> String {
        self.core.public_url.for_host(self.headers.get(HOST).map(http::HeaderValue::as_bytes))
    }

    /// Records the claimed caller for the log.
    pub fn claims(&mut self, address: &str, application: &str) {
        self.line.claimed = Some((address.to_owned(), application.to_owned()));
    }

    /// Awaits the store and records the time.
    pub(crate) async fn timed<T>(&mut self, pending: Pending<'_, T>) -> Result<T, StoreError> {
        timed(self.line, pending).await
    }

    /// Writes, and records the time.
    pub(crate) async fn write(&mut self, mut write: Write) -> Result<Vec<Written>, StoreError> {
        write.times = self.line.commit_times();
        let (trace, times) = (self.line.trace.clone(), write.times.clone());
        timed(self.line, traced(trace, times, self.core.store.write(vec![write]))).await
    }
}

/// The reply to a write.
fn written(outcome: Option<Written>) -> Result<Reply, CallError> {
    match outcome {
        Some(Written::Ran(answer)) => Ok(Reply::ran(answer)),
        Some(Written::Repeated(answer)) => Ok(Reply::repeated(answer)),
        Some(Written::RequestIdReused) => Err(CallError::RequestIdReused),
        Some(Written::Stale | Written::NotNow(_)) | None => Err(CallError::Stale),
    }
}

/// Awaits a write and records it in the trace, if there is one: the wait in the queue, and the transaction.
async fn traced<T>(
    trace: Option<Arc<Recorder>>,
    times: Option<Arc<CommitTimes>>,
    pending: impl Future<Output = T>,
) -> T {
    let Some(trace) = trace else { return pending.await };
    trace.begin(Phase::StoreWait);
    let outcome = pending.await;
    trace.end_write(times.and_then(|times| times.noted()));
    outcome
}

async fn timed<T, E>(line: &mut Line, pending: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let started = stopwatch();
    let outcome = pending.await;
    line.store += started.elapsed();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that cannot be rendered.
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
        // Neither a row nor an error.
        for body in ["", "{}", r#"{"meta":{"status":200},"data":[],"fail":[]}"#] {
            let reply = Reply::ran(body.as_bytes().to_vec()).unwrapped(201);
            let told = String::from_utf8(reply.body.clone()).unwrap();
            assert_eq!((reply.status, reply.code), (500, Some("err_xdk_internal_error")), "{told}");
            assert!(told.contains(r#"{"errors":[{"#), "{told}");
        }
    }
}
