//! The router of the server.

use std::sync::Arc;

use api::Method;
use api::error::CallError;
use api::{answer, driver, endpoints, openapi};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};

use crate::app::App;
use crate::health;

/// Whether callers of a path are identified only by the body: an endpoint that takes a password or a secret, or the
/// sign-in page of the console.
pub(crate) fn knows_nobody(path: &str) -> bool {
    console::SIGN_IN_PATHS.contains(&path) || api::endpoints::knows_nobody(path)
}

/// The path of the OpenAPI document.
pub const OPENAPI: &str = "/openapi.json";

pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router =
        Router::new().route(health::LIVE, get(health::live)).route(health::READY, get(health::ready));
    let document = Bytes::from(answer::rendered(&openapi::document()));
    let described = move |State(app): State<Arc<App>>, request: Request| async move {
        driver::serve_document(&app.core, &request, document.clone())
    };
    router = router.route(OPENAPI, get(described));
    for endpoint in endpoints::all() {
        let handler = move |State(app): State<Arc<App>>, request: Request| async move {
            driver::serve(&app.core, endpoint, request).await
        };
        let handler: MethodRouter<Arc<App>> = match endpoint.method {
            Method::Post => post(handler),
            Method::Get => get(handler),
            Method::Put => put(handler),
        };
        router = router.route(endpoint.path, handler);
    }
    if let Some(console) = &app.console {
        router = router.merge(console::routes(console));
    }
    let router = router.fallback(unknown_path).method_not_allowed_fallback(method_not_allowed);
    let router = router.with_state(Arc::clone(app));
    match app.control.get() {
        Some(control) => router.merge(control.routes()),
        None => router,
    }
}

/// The router for plaintext HTTP on an HTTPS port.
pub(crate) fn plaintext(app: Arc<App>) -> Router {
    let told = |State(app): State<Arc<App>>, request: Request| async move {
        driver::refuse_plaintext(&app.core, &request)
    };
    Router::new().fallback(told).with_state(app)
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request) -> Response {
    if let Some(console) = app.console.as_ref().filter(|_| console::is_below(request.uri().path())) {
        return console::no_page(console, &request);
    }
    // The path without the query, which may contain anything.
    let path: String = request.uri().path().chars().take(200).collect();
    let nearest = endpoints::nearest(&path);
    driver::refuse_unsigned(&app.core, &request, CallError::UnknownPath(path, nearest))
}

async fn method_not_allowed(State(app): State<Arc<App>>, request: Request) -> Response {
    if let Some(console) = app.console.as_ref().filter(|_| console::is_below(request.uri().path())) {
        return console::no_page(console, &request);
    }
    let method = request.method().as_str().chars().take(32).collect();
    let allowed: Vec<_> = endpoints::all()
        .filter(|e| e.id_in(request.uri().path()).is_some())
        .map(|e| e.method.as_str())
        .collect();
    // Paths without endpoints are read-only.
    let allowed = if allowed.is_empty() { vec![Method::Get.as_str()] } else { allowed };
    driver::refuse_unsigned(&app.core, &request, CallError::Method(method, allowed.join(" or ")))
}
