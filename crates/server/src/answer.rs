//! Answers as HTTP responses: the envelope and its headers (spec/clients.md 4.5).

use auth::Rate;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use wire::{Answer, header};

use crate::refusal::Refusal;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const RATE_LIMIT: HeaderName = HeaderName::from_static(header::RATE_LIMIT);
const RATE_REMAINING: HeaderName = HeaderName::from_static(header::RATE_REMAINING);
const RATE_RESET: HeaderName = HeaderName::from_static(header::RATE_RESET);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The call ran: a rendered envelope.
pub(crate) fn ran(envelope: Vec<u8>, rate: Rate) -> Response {
    let mut response = Response::new(Body::from(envelope));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    rated(headers, rate);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex, nofollow"));
    response
}

/// The call was refused.
pub(crate) fn refused(refusal: &Refusal, rate: Rate) -> Response {
    let code = refusal.code();
    let answer = Answer::<()>::refused(code, refusal.to_string());
    // The answer is text and numbers: it can't fail to serialise.
    let mut response = Response::new(Body::from(serde_json::to_vec(&answer).unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    rated(headers, rate);
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn rated(headers: &mut HeaderMap, rate: Rate) {
    headers.insert(RATE_LIMIT, HeaderValue::from(rate.limit));
    headers.insert(RATE_REMAINING, HeaderValue::from(rate.remaining));
    headers.insert(RATE_RESET, HeaderValue::from(rate.reset_ms));
}
