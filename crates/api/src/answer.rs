//! HTTP responses: the body in the style of the endpoint, and the headers (spec/clients.md 4.5).

use std::collections::BTreeMap;

use auth::{AuthError, Rate};
use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use wire::code::Level;
use wire::scim::{MEDIA_TYPE, ScimError};
use wire::{Answer, Code, header, oauth, rest};

use crate::error::CallError;
use crate::style::Style;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const RATE_LIMIT: HeaderName = HeaderName::from_static(header::RATE_LIMIT);
const RATE_REMAINING: HeaderName = HeaderName::from_static(header::RATE_REMAINING);
const RATE_RESET: HeaderName = HeaderName::from_static(header::RATE_RESET);
/// Fields that were ignored although a name is almost right. `[ours]`
const IGNORED_FIELDS: HeaderName = HeaderName::from_static("x-matricula-ignored-fields");
/// Most fields that the header names.
const MOST_IGNORED: usize = 10;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Headers of a response, so that their map does not grow.
const MOST_HEADERS: usize = 12;

/// A successful response with a rendered body.
pub fn ran(status: u16, body: impl Into<Body>, rate: Rate) -> Response {
    let mut response = json(status, body, rate);
    let headers = response.headers_mut();
    not_stored(headers);
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex, nofollow"));
    response
}

/// The response to a refused call.
pub fn refused(refusal: &CallError, rate: Rate, style: Style) -> Response {
    let (code, message) = (refusal.code(), refusal.to_string());
    let mut response = match style {
        Style::OAuth => {
            // The token endpoint reports every malformed request as an invalid request.
            let error = if code.status() == 400 && !matches!(code.level(), Level::OAuth(_)) {
                Code::InvalidRequest
            } else {
                code
            };
            let body = RefusedToken {
                oauth: oauth::Refused {
                    error: error.as_str().to_owned(),
                    error_description: message.clone(),
                },
                answer: Answer::refused_with_code(code, message),
            };
            let mut response = json(code.status(), rendered(&body), rate);
            not_stored(response.headers_mut());
            response
        }
        // The gateway of API 2.0 has one error format on all paths (spec/protocol.md 2e).
        Style::Rest if !matches!(code.level(), Level::Gateway(_)) => {
            let body = rest::Errors { errors: vec![wire::Error::new(code, message).into()] };
            json(code.rest_status(), rendered(&body), rate)
        }
        Style::Scim => {
            let error = scim_error(refusal);
            let mut response = json(error.status, error.to_json().to_string(), rate);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
            response
        }
        Style::Envelope | Style::Rest => {
            json(code.status(), rendered(&Answer::<()>::refused(code, message)), rate)
        }
    };
    let asks_for_credentials = match style {
        Style::Scim => response.status() == StatusCode::UNAUTHORIZED,
        _ => code.status() == 401,
    };
    if asks_for_credentials {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge(style));
    }
    if let Some(seconds) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(refusal, CallError::BodyBroken) {
        response.extensions_mut().insert(Unframed);
    }
    response
}

/// A refused call as SCIM says it. Without a token, or with a signature in its place, the status is 401: that is what asks
/// for a token (RFC 6750, 3).
pub fn scim_error(refusal: &CallError) -> ScimError {
    let status = match refusal {
        CallError::Auth(AuthError::MissingHeader { .. } | AuthError::MalformedHeader { .. }) => 401,
        refusal => refusal.code().rest_status(),
    };
    // Providers have tokens that last, which an administrator issues.
    let detail = match refusal {
        CallError::Auth(AuthError::TokenExpired) => format!("The token has expired: {NEW_TOKEN}"),
        CallError::Auth(AuthError::InvalidToken) => format!("The token is not valid here: {NEW_TOKEN}"),
        refusal => format!("{refusal}."),
    };
    ScimError::with_status(status, detail)
}

/// What a provider needs in place of a token that does not work.
const NEW_TOKEN: &str =
    "issue one on the application's page in the console, or with matricula admin client token add.";

/// The challenge of a 401 (required by RFC 9110, 11.6.1, and RFC 6749, 5.2): without one, some clients raise an error and
/// hide the body.
fn challenge(style: Style) -> HeaderValue {
    HeaderValue::from_static(match style {
        Style::OAuth => "Basic realm=\"matricula\"",
        Style::Rest | Style::Scim => "Bearer realm=\"matricula\"",
        Style::Envelope => "MC realm=\"matricula\"",
    })
}

/// A refused request for a token. Clients read the fields of RFC 6749, or the envelope as in every other response.
#[derive(Serialize)]
struct RefusedToken {
    #[serde(flatten)]
    oauth: oauth::Refused,
    #[serde(flatten)]
    answer: Answer<()>,
}

/// Marks a response to a request with invalid body framing: the start of the next request is unknown.
#[derive(Clone, Copy)]
pub struct Unframed;

/// The first code of each refused item in an envelope. A response without refusals is recognised without parsing,
/// because `fail` is at its end.
pub fn refused_items(body: &[u8]) -> Vec<&'static str> {
    #[derive(Deserialize)]
    struct Envelope {
        fail: Vec<Failure>,
    }
    #[derive(Deserialize)]
    struct Failure {
        errors: Vec<Coded>,
    }
    #[derive(Deserialize)]
    struct Coded {
        code: Code,
    }
    if body.ends_with(br#""fail":[]}"#) {
        return Vec::new();
    }
    let fail = serde_json::from_slice(body).map_or_else(|_| Vec::new(), |Envelope { fail }| fail);
    fail.iter().filter_map(|failure| failure.errors.first()).map(|error| error.code.as_str()).collect()
}

/// A response as JSON; empty if it cannot be rendered. `call::serve` turns an empty response into an internal error.
pub fn rendered<T: Serialize>(answer: &T) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_else(|error| {
        tracing::error!(%error, "could not render a response");
        Vec::new()
    })
}

/// Names fields that were ignored, and those that were probably meant: `mail (expected emailAddress)`.
pub fn name_ignored_fields(near_misses: &BTreeMap<String, &'static str>, headers: &mut HeaderMap) {
    let named =
        near_misses.iter().take(MOST_IGNORED).map(|(sent, meant)| format!("{sent} (expected {meant})"));
    let named = named.collect::<Vec<_>>().join(", ");
    // Near misses are short ASCII words, so each is a valid header.
    if let Some(value) = HeaderValue::from_str(&named).ok().filter(|value| !value.is_empty()) {
        headers.insert(IGNORED_FIELDS, value);
    }
}

fn json(status: u16, body: impl Into<Body>, rate: Rate) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(MOST_HEADERS);
    headers.insert(CONTENT_TYPE, JSON);
    with_rate_headers(headers, rate);
    response
}

fn not_stored(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Adds the state of the quota.
pub fn with_rate_headers(headers: &mut HeaderMap, rate: Rate) {
    headers.insert(RATE_LIMIT, HeaderValue::from(rate.limit));
    headers.insert(RATE_REMAINING, HeaderValue::from(rate.remaining));
    headers.insert(RATE_RESET, HeaderValue::from(rate.reset_ms));
}
