//! A sandbox says of each request that it refuses why: in the request's log line and, to who asks for it by the header
//! `x-matricula-explain: 1`, in one of the answer.
//!
//! Only a sandbox creates a server that does. No setting can: in production, an attacker who guesses keys
//! would be told how far they have got.

use std::sync::Arc;

use auth::explain::Explainer;
use auth::{AuthError, Presented};
use axum::body::Body;
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http_body_util::{BodyExt, Limited};

use crate::core::Core;
use crate::endpoints::ENDPOINTS;
use observe::Line;

/// Asks for an explanation, and carries it.
const HEADER: HeaderName = HeaderName::from_static("x-matricula-explain");

/// Longest explanation, in bytes: a header that every client can read.
const BYTES: usize = 1_000;

/// Longest body that is looked into.
const BODY: usize = 64 << 10;

/// Explains the refusals of a sandbox.
pub fn explainer(core: &Core) -> Arc<Explainer> {
    let paths = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
    Arc::new(Explainer::new(Arc::clone(&core.store), core.freshness, paths))
}

/// Why a request is refused, in one line; `None` unless this is a sandbox, and it is a matter of the signature.
pub async fn explained(
    core: &Core,
    refused: &AuthError,
    parts: &Parts,
    presented: &Presented<'_>,
    body: Body,
) -> Option<String> {
    let explainer = core.explainer.as_ref()?;
    match refused {
        AuthError::MissingHeader { .. }
        | AuthError::MalformedHeader { .. }
        | AuthError::InvalidSignature
        | AuthError::UnknownApplication { .. }
        | AuthError::InvalidDate { .. }
        | AuthError::Expired { .. }
        | AuthError::BindingExpired => {}
        AuthError::Forgotten { .. }
        | AuthError::TokenExpired
        | AuthError::InvalidToken
        | AuthError::InvalidClient
        | AuthError::QuotaExceeded { .. }
        | AuthError::Store(_) => return None,
    }
    let asked = asks(parts);
    // The body of a refused request is not read, and need not be sent; unless somebody wants to know all.
    let body = if asked { read_short_body(core, body).await } else { None };
    let host = parts.headers.get(http::header::HOST).map(HeaderValue::as_bytes);
    let now = core.clock.now();
    let explanation =
        explainer.explain(presented, parts.method.as_str(), host, body.as_deref(), now, asked).await?;
    Some(explanation.line(BYTES))
}

/// Tells the log, and who has asked.
pub fn add_explanation(explanation: Option<String>, asked: bool, line: &mut Line, response: &mut Response) {
    let header = explanation.as_deref().filter(|_| asked).and_then(|text| HeaderValue::from_str(text).ok());
    if let Some(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    line.explanation = explanation;
}

/// Whether an explanation is asked for.
pub fn asks(parts: &Parts) -> bool {
    parts.headers.get(HEADER).is_some_and(|value| value == "1")
}

async fn read_short_body(core: &Core, body: Body) -> Option<Vec<u8>> {
    let collected = tokio::time::timeout(core.limits.body(), Limited::new(body, BODY).collect()).await;
    collected.ok()?.ok().map(|body| body.to_bytes().to_vec())
}
