//! Responses (RFC 7644, 3.1 and 3.14).

use auth::Rate;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use observe::Line;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::scim::{MEDIA_TYPE, ScimError};

use crate::refused::Refused;

/// The response to a call. It is stored with a request that has an id, so that a repeated one gets the same.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The resource's URI.
    pub(crate) location: Option<String>,
    /// The resource's version.
    pub(crate) version: Option<String>,
    pub(crate) body: Option<Value>,
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, location: None, version: None, body: Some(body) }
    }

    /// An error.
    pub(crate) fn refusal(why: &ScimError) -> Self {
        Self { status: why.status, location: None, version: None, body: Some(why.to_json()) }
    }

    /// 204.
    pub(crate) fn nothing() -> Self {
        Self { status: 204, location: None, version: None, body: None }
    }
}

/// The response as HTTP sends it.
pub(crate) fn response(outcome: Result<Answer, Refused>, rate: Rate, line: &mut Line) -> Response {
    let mut response = match outcome {
        Ok(answer) => {
            let mut response = with_body(answer.status, answer.body.as_ref());
            if answer.status >= 400 {
                line.code = Some("refused");
            }
            insert(response.headers_mut(), ETAG, answer.version);
            insert(response.headers_mut(), LOCATION, answer.location);
            response
        }
        Err(refused) => refusal(&refused, line),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    api::answer::with_rate_headers(headers, rate);
    response
}

fn refusal(refused: &Refused, line: &mut Line) -> Response {
    line.code = Some(refused.code());
    if let Refused::Call(why) = refused {
        line.why = why.private();
    }
    let error = refused.error();
    let mut response = with_body(error.status, Some(&error.to_json()));
    let headers = response.headers_mut();
    if error.status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"matricula\""));
    }
    if let Refused::Call(why) = refused
        && let Some(seconds) = why.retry_after()
    {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_body(status: u16, body: Option<&Value>) -> Response {
    let mut response = Response::new(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if body.is_some() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    }
    response
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(name, value);
    }
}
