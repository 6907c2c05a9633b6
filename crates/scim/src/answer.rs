//! Responses (RFC 7644, 3.1 and 3.14).

use api::Style;
use auth::Rate;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use observe::Line;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
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

/// Seconds after which a deletion beyond the limit may be tried again: deletions are counted by the minute.
const PAUSE: &str = "60";

/// The version in the `meta` of a complete resource.
pub(crate) fn version_of(resource: &Map<String, Value>) -> &str {
    resource.get("meta").and_then(|meta| meta["version"].as_str()).unwrap_or_default()
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
        Err(refused) => {
            line.code = Some(refused.code());
            match &refused {
                Refused::Scim(why) => {
                    let mut response = with_body(why.status, Some(&why.to_json()));
                    if why.status == StatusCode::TOO_MANY_REQUESTS {
                        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(PAUSE));
                    }
                    response
                }
                Refused::Call(why) => {
                    line.why = why.private();
                    api::answer::refused(why, rate, Style::Scim)
                }
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    api::answer::with_rate_headers(headers, rate);
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
