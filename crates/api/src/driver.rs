//! Serves a call: authentication, body, endpoint, response, log line.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use auth::{Authenticated, Presented, Rate, Signed};
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use directory::Caller;
use directory::port::RequestIds;
use http::HeaderMap;
use http::header::CONNECTION;
use http::uri::PathAndQuery;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use observe::trace::Phase;
use observe::{Line, stopwatch};
use wire::header::{self, RequestId};

use crate::call::{Call, Received, Reply, Unsigned};
use crate::core::Core;
use crate::endpoint::{Endpoint, Run, Running, Takes};
use crate::error::CallError;
use crate::room::Unread;
use crate::style::Style;
use crate::{answer, explain};

/// Attempts to judge a call when the directory changes in between.
const ATTEMPTS: usize = 4;

/// After a body that took longer, the caller is authenticated again: the earlier result may be outdated.
const SLOW_BODY: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// Serves a call to an endpoint.
pub async fn serve(core: &Core, endpoint: &Endpoint, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut line = begin_line(endpoint, &parts.extensions);
    let received = received(&parts.extensions);
    let mut explanation = None;
    let (reply, rate) = match endpoint.run {
        Run::Signed(run) | Run::Stub(run) => {
            let presented = presented(&parts.headers, &received);
            let Authenticated { signed, sender, rate } = core.authenticator.authenticate(&presented).await;
            line.sent_by(sender, rate.drawn_per_mille());
            let reply = match signed {
                Ok(signed) => {
                    received.place.iter().for_each(|place| place.prove());
                    let id = endpoint.id_in(parts.uri.path()).unwrap_or_default();
                    let query = query(presented.target);
                    let named = Named { id, query: &query, argument: argument(endpoint, &parts.headers) };
                    signed_call(core, (endpoint, run), named, signed, &presented, body, &mut line).await
                }
                Err(refused) => {
                    explanation =
                        explain::look_into(core, &refused, &parts, &presented, body, &mut line).await;
                    Err(CallError::from(refused))
                }
            };
            (reply, rate)
        }
        // This endpoint takes no token (spec/protocol.md 8), but an invalid token is reported first.
        Run::Unsigned(_) if endpoint.style() == Style::Envelope && has_token(&parts.headers) => {
            let presented = presented(&parts.headers, &received);
            let Authenticated { signed, sender, rate } = core.authenticator.authenticate(&presented).await;
            line.sent_by(sender, rate.drawn_per_mille());
            (Err(signed.map_or_else(CallError::from, |_| CallError::AppForbidden)), rate)
        }
        Run::Unsigned(run) => {
            let (refused, rate) = core.authenticator.count_unsigned(received.peer);
            let reply = match refused {
                None => unsigned_call(core, run, &parts.headers, body, &mut line).await,
                Some(refused) => Err(CallError::from(refused)),
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
            let mut response = answer::ran(reply.status, reply.body, rate);
            answer::name_ignored_fields(&line.near_misses, response.headers_mut());
            response
        }
        Err(refusal) => refuse(&refusal, rate, endpoint.style(), &mut line),
    };
    explain::add_explanation(explanation, explain::asks(&parts), &mut line, &mut response);
    response.extensions_mut().insert(line);
    response
}

/// The line of a call that is authenticated next.
fn begin_line(endpoint: &Endpoint, extensions: &http::Extensions) -> Line {
    let trace = extensions.get().cloned();
    let line = Line { route: Some(endpoint.path), trace, ..Line::default() };
    line.begin(Phase::Auth);
    line
}

/// Calls an endpoint for a page of the console. A form that is corrected and sent again is a separate request.
///
/// # Errors
/// When the whole call is refused; [`CallError::Stale`] means that it must be judged again.
pub async fn within(
    core: &Core,
    endpoint: &Endpoint,
    caller: Caller,
    request_id: Option<RequestId>,
    body: &[u8],
    line: &mut Line,
) -> Result<Vec<u8>, CallError> {
    let (Run::Signed(run) | Run::Stub(run)) = endpoint.run else { return Err(CallError::AppForbidden) };
    let request_ids = RequestIds::Compatible;
    let Endpoint { path, writes, .. } = *endpoint;
    let fields = endpoint.takes.item_fields();
    let reply = run(Call {
        core,
        caller,
        request_id,
        request_ids,
        path,
        writes,
        fields,
        body,
        id: "",
        query: "",
        argument: b"",
        line,
    })
    .await?;
    Ok(reply.whole()?.body)
}

async fn unsigned_call(
    core: &Core,
    run: for<'a> fn(Unsigned<'a>) -> Running<'a>,
    headers: &HeaderMap,
    body: axum::body::Body,
    line: &mut Line,
) -> Result<Reply, CallError> {
    line.begin(Phase::Rules);
    let body = collect(core, body).await?;
    run(Unsigned { core, headers, body: &body, line }).await
}

/// The arguments of an endpoint whose body is a file.
fn argument<'h>(endpoint: &Endpoint, headers: &'h HeaderMap) -> &'h [u8] {
    let value = headers.get(header::ARGUMENT).filter(|_| matches!(endpoint.takes, Takes::File(_)));
    value.map_or(&[], http::HeaderValue::as_bytes)
}

/// What a request names outside its body.
#[derive(Clone, Copy)]
struct Named<'a> {
    id: &'a str,
    query: &'a str,
    argument: &'a [u8],
}

async fn signed_call(
    core: &Core,
    (endpoint, run): (&Endpoint, for<'a> fn(Call<'a>) -> Running<'a>),
    Named { id, query, argument }: Named<'_>,
    mut signed: Signed,
    presented: &Presented<'_>,
    body: axum::body::Body,
    line: &mut Line,
) -> Result<Reply, CallError> {
    line.request_id = signed.request_id.map(|id| id.to_string());
    if !endpoint.is_for(&signed.caller) {
        return Err(CallError::AppForbidden);
    }
    line.begin(Phase::Rules);
    let (started, began) = (stopwatch(), core.clock.now());
    let body = collect_at_most(core, body, endpoint.max_body(&core.limits)).await?;
    // Both directions: the clock of a sandbox can be set, and keys and tokens expire by it.
    let waited = core.clock.now().duration_since(began).abs();
    if waited > SLOW_BODY || started.elapsed() > SLOW_BODY.unsigned_abs() {
        signed = authenticate_again(core, presented, line).await?;
        if !endpoint.is_for(&signed.caller) {
            return Err(CallError::AppForbidden);
        }
    }
    let Endpoint { path, writes, .. } = *endpoint;
    let fields = endpoint.takes.item_fields();
    let mut attempt = 1;
    loop {
        let (caller, request_id, request_ids) = (signed.caller.clone(), signed.request_id, core.request_ids);
        match run(Call {
            core,
            caller,
            request_id,
            request_ids,
            path,
            writes,
            fields,
            body: &body,
            id,
            query,
            argument,
            line,
        })
        .await
        {
            // Something relevant was revoked since it was read. Authenticate and judge again.
            Err(CallError::Stale) if attempt < ATTEMPTS => {
                attempt += 1;
                signed = authenticate_again(core, presented, line).await?;
            }
            outcome => return outcome,
        }
    }
}

async fn authenticate_again(
    core: &Core,
    presented: &Presented<'_>,
    line: &Line,
) -> Result<Signed, CallError> {
    line.begin(Phase::Auth);
    let signed = core.authenticator.authenticate_anew(presented).await?;
    line.begin(Phase::Rules);
    Ok(signed)
}

/// Reads the body, whatever its Content-Type (spec/clients.md 3.1).
pub async fn collect(core: &Core, body: axum::body::Body) -> Result<Bytes, CallError> {
    collect_at_most(core, body, core.limits.body_bytes).await
}

async fn collect_at_most(core: &Core, body: axum::body::Body, most: usize) -> Result<Bytes, CallError> {
    let limits = &core.limits;
    let too_large = || CallError::BodyTooLarge(most);
    // Refuse by the declared length: nothing is read, and a client that expects `100 Continue` does not send the body.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let collected = tokio::time::timeout(limits.body(), Limited::new(body, most).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(match Unread::because_of(&*error) {
            Some(Unread::TooLarge(most)) => CallError::BodyTooLarge(most),
            Some(Unread::Busy) => CallError::Busy,
            None => CallError::BodyBroken,
        }),
        Err(_) => Err(CallError::BodyTimeout(limits.body_seconds)),
    }
}

/// Serves a public document; counted under the client's address.
pub fn serve_document(core: &Core, request: &Request, document: Bytes) -> Response {
    let (refused, rate) = core.authenticator.count_unsigned(received(request.extensions()).peer);
    let mut line = Line::default();
    let mut response = match refused {
        None => answer::ran(200, document, rate),
        Some(refused) => refuse(&refused.into(), rate, Style::Envelope, &mut line),
    };
    response.extensions_mut().insert(line);
    response
}

/// Refuses a request that reaches no signed endpoint.
pub fn refuse_unsigned(core: &Core, request: &Request, refusal: CallError) -> Response {
    let (refused, rate) = core.authenticator.count_unsigned(received(request.extensions()).peer);
    let refusal = refused.map_or(refusal, CallError::from);
    let mut line = Line::default();
    let mut response = refuse(&refusal, rate, Style::of(request.uri().path()), &mut line);
    response.extensions_mut().insert(line);
    response
}

/// Refuses plaintext HTTP on an HTTPS port and closes the connection.
pub fn refuse_plaintext(core: &Core, request: &Request) -> Response {
    let mut response = refuse_unsigned(core, request, CallError::Plaintext);
    response.headers_mut().insert(CONNECTION, http::HeaderValue::from_static("close"));
    response
}

fn refuse(refusal: &CallError, rate: Rate, style: Style, line: &mut Line) -> Response {
    line.code = Some(refusal.code().as_str());
    line.why = refusal.private();
    answer::refused(refusal, rate, style)
}

/// The origin of a request, as the listener recorded it.
pub fn received(extensions: &http::Extensions) -> Received {
    let nowhere = || Received {
        peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        target: PathAndQuery::from_static("/"),
        place: None,
    };
    extensions.get::<Received>().cloned().unwrap_or_else(nowhere)
}

fn has_token(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| header::bearer(value.as_bytes()).is_some())
}

/// The query string. Invalid UTF-8 is kept visible so that the parameter is refused: dropping it would change the
/// query.
fn query(target: &[u8]) -> Cow<'_, str> {
    let query = target.iter().position(|byte| *byte == b'?').map_or(&[][..], |mark| &target[mark + 1..]);
    String::from_utf8_lossy(query)
}

/// The authentication data of a request.
pub fn presented<'a>(headers: &'a HeaderMap, received: &'a Received) -> Presented<'a> {
    let bytes = |name| headers.get(name).map(http::HeaderValue::as_bytes);
    Presented {
        authorization: bytes(header::AUTHORIZATION),
        date: bytes(header::DATE),
        request_id: bytes(header::REQUEST_ID),
        app_id: bytes(header::APP_ID),
        target: received.target.as_str().as_bytes(),
        peer: received.peer,
        lasting_tokens: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_is_no_text_is_not_taken_for_none() {
        assert_eq!(query(b"/a?b=c?d"), "b=c?d");
        assert_eq!(query(b"/a"), "");
        assert_eq!(query(b"/a?domain=\xff"), "domain=\u{fffd}");
    }
}
