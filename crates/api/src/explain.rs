//! Explains refused signatures in a sandbox: in the log line and, if the request has the header `x-matricula-explain:
//! 1`, in a header of the response.
//!
//! Only a sandbox creates a server that explains, and no setting enables it: in production, explanations would help an
//! attacker who guesses keys.

use std::sync::Arc;

use auth::explain::Explainer;
use auth::{AuthError, Presented};
use axum::body::Body;
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http_body_util::{BodyExt, Limited};

use crate::core::Core;
use crate::endpoints;
use crate::examine::is_about_the_signature;
use observe::Line;

/// Requests an explanation, and carries it in the response.
const HEADER: HeaderName = HeaderName::from_static("x-matricula-explain");

/// Longest explanation in bytes, which every client can receive as a header.
const BYTES: usize = 1_000;

/// Longest body that is examined.
const BODY: usize = 64 << 10;

/// The explainer of a sandbox.
pub fn explainer(core: &Core) -> Arc<Explainer> {
    let paths = endpoints::all().map(|endpoint| endpoint.path).collect();
    Arc::new(Explainer::new(Arc::clone(&core.store), core.freshness, paths))
}

/// Has the cause of a refused signature looked for: in a sandbox at once, elsewhere after the response. Gives the line of
/// a sandbox.
pub async fn look_into(
    core: &Core,
    refused: &AuthError,
    parts: &Parts,
    presented: &Presented<'_>,
    body: Body,
    line: &mut Line,
) -> Option<String> {
    if let Some(examiner) = &core.examiner {
        line.is_examined = examiner.offer(refused, parts, presented, core.clock.now());
    }
    explained(core, refused, parts, presented, body).await
}

/// One line about a refused signature; `None` outside a sandbox and for other errors.
async fn explained(
    core: &Core,
    refused: &AuthError,
    parts: &Parts,
    presented: &Presented<'_>,
    body: Body,
) -> Option<String> {
    let explainer = core.explainer.as_ref()?;
    if !is_about_the_signature(refused) {
        return None;
    }
    let asked = asks(parts);
    // The body of a refused request is not read, unless an explanation is requested.
    let body = if asked { read_short_body(core, body).await } else { None };
    let host = parts.headers.get(http::header::HOST).map(HeaderValue::as_bytes);
    let now = core.clock.now();
    let explanation =
        explainer.explain(presented, parts.method.as_str(), host, body.as_deref(), now, asked).await?;
    Some(explanation.line(BYTES))
}

/// Adds the explanation to the log line and, if requested, to the response.
pub fn add_explanation(explanation: Option<String>, asked: bool, line: &mut Line, response: &mut Response) {
    let header = explanation.as_deref().filter(|_| asked).and_then(|text| HeaderValue::from_str(text).ok());
    if let Some(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    line.explanation = explanation;
}

/// Whether the request asks for an explanation.
pub fn asks(parts: &Parts) -> bool {
    parts.headers.get(HEADER).is_some_and(|value| value == "1")
}

async fn read_short_body(core: &Core, body: Body) -> Option<Vec<u8>> {
    let collected = tokio::time::timeout(core.limits.body(), Limited::new(body, BODY).collect()).await;
    collected.ok()?.ok().map(|body| body.to_bytes().to_vec())
}
