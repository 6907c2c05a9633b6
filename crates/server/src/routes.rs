//! The route table: everything the server answers.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::call::{self, Call, Reply};
use crate::refusal::Refusal;
use crate::{api, health};

/// A signed endpoint.
pub struct Endpoint {
    /// Its path, as it is signed.
    pub path: &'static str,
    /// The permission it asks for, for people: the rule itself stands in `directory`.
    pub permission: &'static str,
    pub(crate) run: Run,
}

pub(crate) type Run =
    for<'a> fn(Call<'a>) -> Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;

/// Every signed endpoint. Tests of what all endpoints share go over this table.
pub const ENDPOINTS: &[Endpoint] = &[api::user::create_user::ENDPOINT];

pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new().route("/healthz", get(health::live)).route("/readyz", get(health::ready));
    for endpoint in ENDPOINTS {
        let handler = move |State(app): State<Arc<App>>, request: Request| async move {
            call::serve(&app, endpoint, request).await
        };
        router = router.route(endpoint.path, post(handler));
    }
    router.fallback(unknown_path).method_not_allowed_fallback(method_not_allowed).with_state(app)
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request) -> Response {
    // The path is shown, the query is not: it may hold anything.
    let path = request.uri().path().chars().take(200).collect();
    call::refuse_unsigned(&app, &request, Refusal::UnknownPath(path))
}

async fn method_not_allowed(State(app): State<Arc<App>>, request: Request) -> Response {
    let method = request.method().to_string();
    call::refuse_unsigned(&app, &request, Refusal::Method(method))
}
