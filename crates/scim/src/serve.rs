//! Serves a call: token, permission, body, route, response.

use std::time::Duration;

use api::Core;
use api::driver::{self, received};
use api::error::CallError;
use auth::{AuthError, Presented, Signed};
use axum::extract::Request;
use axum::response::Response;
use directory::application::Product;
use directory::port::RequestKey;
use directory::{Scope, Sender};
use http::header::HOST;
use http::request::Parts;
use observe::trace::Phase;
use observe::{Line, stopwatch};
use wire::scim::{ScimError, ScimType};

use crate::answer::{Answer, response};
use crate::call::{Body, Call, Query};
use crate::refused::Refused;
use crate::{PREFIX, Route};

/// After a body that took longer, the caller is authenticated again.
const SLOW_BODY: Duration = Duration::from_secs(1);

/// Attempts to judge a call when the directory changes in between.
pub(crate) const ATTEMPTS: usize = 10;

pub(crate) async fn serve(core: &Core, route: &Route, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let trace = parts.extensions.get().cloned();
    let mut line = Line { route: Some(route.path), trace, ..Line::default() };
    line.begin(Phase::Auth);
    let from = received(&parts.extensions);
    let presented = Presented { lasting_tokens: true, ..driver::presented(&parts.headers, &from) };
    let authenticated = core.authenticator.authenticate(&presented).await;
    line.sent_by(authenticated.sender, authenticated.rate.drawn_per_mille());
    let outcome = match authenticated.signed {
        Ok(signed) => {
            from.place.iter().for_each(|place| place.prove());
            run(core, route, signed, &presented, &parts, body, &mut line).await
        }
        // It is about signed requests, which SCIM does not take.
        Err(AuthError::MissingHeader { .. } | AuthError::MalformedHeader { .. })
            if !presented.authorization.is_some_and(is_bearer) =>
        {
            Err(needs_token())
        }
        // The token is one; the request id is not.
        Err(AuthError::MalformedHeader { why }) if presented.authorization.is_some_and(is_bearer) => {
            Err(ScimError::new(ScimType::InvalidValue, format!("{why}.")).into())
        }
        Err(refused) => Err(CallError::from(refused).into()),
    };
    let mut response = response(outcome, authenticated.rate, &mut line);
    api::answer::name_ignored_fields(&line.near_misses, response.headers_mut());
    response.extensions_mut().insert(line);
    response
}

async fn run(
    core: &Core,
    route: &Route,
    mut signed: Signed,
    presented: &Presented<'_>,
    parts: &Parts,
    body: axum::body::Body,
    line: &mut Line,
) -> Result<Answer, Refused> {
    line.request_id = signed.request_id.map(|id| id.to_string());
    enter(route, &signed)?;
    line.begin(Phase::Rules);
    let started = stopwatch();
    let body = driver::collect(core, body).await?;
    // Something may have been revoked while the body arrived.
    let mut is_old = started.elapsed() > SLOW_BODY;
    let base = core.public_url.for_host(parts.headers.get(HOST).map(http::HeaderValue::as_bytes)) + PREFIX;
    let id = segment(route.path, parts.uri.path());
    let mut attempt = 1;
    loop {
        if is_old {
            signed = core.authenticator.authenticate_anew(presented).await.map_err(CallError::from)?;
        }
        let scope = enter(route, &signed)?;
        let Sender::Client(principal, _) = signed.caller.sender() else { return Err(needs_token()) };
        let key = signed.request_id.map(|id| RequestKey {
            credential: signed.caller.credential(),
            request_id: *id.as_bytes(),
            digest: core.request_digest(&[
                route.method.as_str().as_bytes(),
                parts.uri.path().as_bytes(),
                &body,
            ]),
        });
        let mut call = Call {
            core,
            client: principal.client.id,
            settings: principal.client.scim.clone(),
            scope,
            id,
            query: Query::of(parts.uri.query().unwrap_or_default()),
            headers: &parts.headers,
            body: Body::Received(&body),
            base: base.clone(),
            key,
            line,
        };
        if let Some(answer) = call.recall().await? {
            return Ok(answer);
        }
        match (route.run)(&mut call).await {
            Err(Refused::Call(CallError::Stale)) if attempt < ATTEMPTS => attempt += 1,
            // The same request may have run meanwhile, and deleted what this one names.
            Err(refused) => return call.recall().await?.ok_or(refused),
            outcome => return outcome,
        }
        is_old = true;
    }
}

fn is_bearer(authorization: &[u8]) -> bool {
    wire::header::bearer(authorization).is_some()
}

/// The caller's account, if it is an application that may call this.
fn enter(route: &Route, signed: &Signed) -> Result<Scope, Refused> {
    let caller = &signed.caller;
    if !matches!(caller.sender(), Sender::Client(..)) {
        return Err(needs_token());
    }
    if !caller.reaches(Product::UserAndGroupManagement) {
        return Err(CallError::AppForbidden.into());
    }
    Ok(Scope::enter(caller, route.permission.as_ref(), None)?)
}

pub(crate) fn needs_token() -> Refused {
    CallError::from(AuthError::MalformedHeader {
        why: "SCIM takes a token of an application: send Authorization: Bearer TOKEN".to_owned(),
    })
    .into()
}

/// What a path has in place of `{id}`; empty if the route has none.
fn segment<'p>(route: &str, path: &'p str) -> &'p str {
    route.split_once("{id}").and_then(|(before, _)| path.strip_prefix(before)).unwrap_or_default()
}

pub(crate) fn no_route(core: &Core, request: &Request) -> Response {
    let path = request.uri().path();
    let (refused, rate) = core.authenticator.count_unsigned(received(request.extensions()).peer);
    let exists = |route: &&Route| {
        route.path == path || {
            let id = segment(route.path, path);
            !id.is_empty() && !id.contains('/')
        }
    };
    let allowed: Vec<_> = crate::ROUTES.iter().filter(exists).map(|route| route.method.as_str()).collect();
    let refusal = match refused {
        Some(refused) => refused.into(),
        None if allowed.is_empty() => CallError::UnknownPath(path.chars().take(200).collect(), None),
        None => {
            let method = request.method().as_str().chars().take(32).collect();
            CallError::Method(method, allowed.join(" or "))
        }
    };
    let mut line = Line::default();
    let mut response = response(Err(refusal.into()), rate, &mut line);
    response.extensions_mut().insert(line);
    response
}
