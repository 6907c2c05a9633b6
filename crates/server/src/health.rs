//! `/healthz`: the process responds. `/readyz`: it can serve requests and is not stopping.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;

/// The path of the liveness check.
pub(crate) const LIVE: &str = "/healthz";
/// The path of the readiness check.
pub(crate) const READY: &str = "/readyz";

/// Whether a path is a health check.
pub(crate) fn is_at(path: &str) -> bool {
    path == LIVE || path == READY
}

pub(crate) async fn live() -> &'static str {
    "ok\n"
}

pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    if app.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    match app.core.store.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(error) => {
            tracing::warn!(%error, cause = ?std::error::Error::source(&error), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
        }
    }
}
