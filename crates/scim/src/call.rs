//! A call as a route sees it.

use std::borrow::Cow;

use api::Core;
use api::error::CallError;
use directory::change::Change;
use directory::port::{Evidence, Recalled, RequestKey, Write, Written};
use directory::scim::ScimSettings;
use directory::{ClientId, EmailAddress, Scope};
use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use jiff::Timestamp;
use observe::{Line, stopwatch};
use serde_json::{Map, Value};
use wire::reader::{self, Limits};
use wire::scim::{ScimError, ScimType};

use crate::answer::{Answer, version_of};
use crate::refused::Refused;

/// A call of an application, whose token is valid and whose role has the permission of the route.
pub(crate) struct Call<'a> {
    pub(crate) core: &'a Core,
    /// The application's account, with its proof.
    pub(crate) scope: Scope,
    pub(crate) client: ClientId,
    /// How the application provisions.
    pub(crate) settings: ScimSettings,
    /// The segment `{id}` of the path; empty if it has none.
    pub(crate) id: &'a str,
    pub(crate) query: Query<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Body<'a>,
    /// The URL of [`crate::PREFIX`].
    pub(crate) base: String,
    /// The identity of the request, if it has an id.
    pub(crate) key: Option<RequestKey>,
    pub(crate) line: &'a mut Line,
}

/// The body of a call.
pub(crate) enum Body<'a> {
    /// As it was received.
    Received(&'a [u8]),
    /// A part of another body.
    Read(Value),
}

/// The parameters of a query or of a search. Unknown ones are ignored.
#[derive(Clone, Default)]
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(crate) fn of(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// The parameters of a search (RFC 7644, 3.4.3).
    pub(crate) fn of_search(body: Value) -> Result<Self, ScimError> {
        let Value::Object(body) = body else {
            return Err(ScimError::new(ScimType::InvalidSyntax, "Expected a search to be an object."));
        };
        let text = |value: Value| match value {
            Value::String(text) => text,
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        Ok(Self(body.into_iter().map(|(name, value)| (name.into(), text(value).into())).collect()))
    }

    /// A parameter; its name has any letter case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_ref())
    }

    /// A parameter that is an integer.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ScimError> {
        let parsed = self.get(name).map(|text| text.trim().parse());
        parsed.transpose().map_err(|_| {
            ScimError::new(ScimType::InvalidValue, format!("{name} must be an integer, such as 1."))
        })
    }
}

impl Call<'_> {
    /// A user name as an address: with the application's domain, if it has no domain.
    pub(crate) fn with_domain<'n>(&self, user_name: &'n str) -> Cow<'n, str> {
        match &self.settings.user_name_domain {
            Some(domain) if !user_name.contains('@') => format!("{user_name}@{domain}").into(),
            _ => user_name.into(),
        }
    }

    /// Whether an address is in the domain of user names without one.
    pub(crate) fn is_in_domain(&self, address: &EmailAddress) -> bool {
        self.settings.user_name_domain.as_ref().is_some_and(|domain| domain.as_str() == address.domain())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Refused> {
        let body = match &self.body {
            Body::Received(body) => *body,
            Body::Read(Value::Null) => &[],
            Body::Read(value) => return Ok(value.clone()),
        };
        if reader::is_blank(body) {
            return Err(ScimError::new(ScimType::InvalidSyntax, "The body is empty; expected JSON.").into());
        }
        let limits = Limits { bytes: self.core.limits.body_bytes, ..Limits::default() };
        reader::read(body, &limits).map_err(|why| {
            ScimError::new(ScimType::InvalidSyntax, format!("The body cannot be read: {why}.")).into()
        })
    }

    /// The URL of a resource.
    pub(crate) fn location(&self, endpoint: &str, id: &str) -> String {
        format!("{}{endpoint}/{id}", self.base)
    }

    /// Checks `If-Match`, if it was sent, against the version of a resource (RFC 7644, 3.14).
    pub(crate) fn check_version(
        &self,
        resource: impl FnOnce(&Self) -> Map<String, Value>,
    ) -> Result<(), Refused> {
        if !self.headers.contains_key(IF_MATCH) {
            return Ok(());
        }
        match self.names_version(&IF_MATCH, version_of(&resource(self))) {
            Some(false) => Err(ScimError::with_status(
                412,
                "The resource has another version than the one in If-Match. Read it again.",
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Whether the caller has this version already, by `If-None-Match`.
    pub(crate) fn has_version(&self, version: &str) -> bool {
        self.names_version(&IF_NONE_MATCH, version) == Some(true)
    }

    /// Whether a header names the version; `None`: it was not sent. Versions are weak, and compared as such.
    fn names_version(&self, header: &http::HeaderName, version: &str) -> Option<bool> {
        let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let mut sent = self.headers.get_all(header).iter().filter_map(|value| value.to_str().ok()).peekable();
        sent.peek()?;
        let wanted = strong(version);
        Some(sent.flat_map(|value| value.split(',')).any(|tag| tag.trim() == "*" || strong(tag) == wanted))
    }

    /// The response of an earlier run of this request. A repeated DELETE would not find its resource any more.
    pub(crate) async fn recall(&mut self) -> Result<Option<Answer>, Refused> {
        let Some(key) = self.key else { return Ok(None) };
        let core = self.core;
        match self.timed(core.store.recall(&key, core.request_ids)).await? {
            Recalled::Unknown => Ok(None),
            Recalled::OtherBody => Err(CallError::RequestIdReused.into()),
            Recalled::Ran(bytes) => {
                self.line.repeated = true;
                Ok(Some(serde_json::from_slice(&bytes).map_err(|_| CallError::Panic)?))
            }
        }
    }

    /// Awaits the store and records the time.
    pub(crate) async fn timed<T, E>(&mut self, pending: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let started = stopwatch();
        let outcome = pending.await;
        self.line.store += started.elapsed();
        outcome
    }

    /// The time in milliseconds, as the store keeps it: a response must have the moments that a read gives.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.core.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The response to a request that changes nothing. With an id it is stored too: repeated later, the request could
    /// change something.
    pub(crate) async fn unchanged(&mut self, answer: Answer) -> Result<Answer, Refused> {
        if self.key.is_none() {
            return Ok(answer);
        }
        self.write(self.scope.evidence(), Vec::new(), self.now(), answer).await
    }

    /// Makes changes together, all of them or none, and stores the response with the request if it has an id. The
    /// moment is the one in the response.
    pub(crate) async fn write(
        &mut self,
        evidence: Vec<Evidence>,
        changes: Vec<Change>,
        now: Timestamp,
        answer: Answer,
    ) -> Result<Answer, Refused> {
        // Only a request with an id can be repeated and needs the response again.
        let rendered = match self.key {
            Some(_) => serde_json::to_vec(&answer).map_err(|_| CallError::Panic)?,
            None => Vec::new(),
        };
        let write = Write {
            once: self.key.map(|key| (key, self.core.request_ids)),
            evidence,
            actor: self.scope.caller().actor(),
            now,
            changes: vec![Change::Together(changes)],
            render: Box::new(move |effects| {
                match effects.first().and_then(|effect| effect.as_ref().err()) {
                    None => rendered.clone(),
                    // Texts and numbers, which can be rendered.
                    Some(why) => serde_json::to_vec(&Answer::refusal(&Refused::change(*why).error()))
                        .unwrap_or_default(),
                }
            }),
            times: self.line.commit_times(),
        };
        let core = self.core;
        let written = self.timed(core.store.write(vec![write])).await?.pop();
        let bytes = match written {
            Some(Written::Ran(bytes)) if bytes.is_empty() => return Ok(answer),
            Some(Written::Ran(bytes)) => bytes,
            Some(Written::Repeated(bytes)) => {
                self.line.repeated = true;
                bytes
            }
            Some(Written::RequestIdReused) => return Err(CallError::RequestIdReused.into()),
            Some(Written::NotNow(why)) => return Err(Refused::change(why)),
            Some(Written::Stale) | None => return Err(CallError::Stale.into()),
        };
        Ok(serde_json::from_slice(&bytes).map_err(|_| CallError::Panic)?)
    }
}
