//! The routes of the server.

use std::collections::HashMap;
use std::sync::Arc;

use api::endpoint::ID;
use api::error::CallError;
use api::{Endpoint, Method, answer, driver, endpoints, openapi};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};
use tower::ServiceExt;

use crate::app::App;
use crate::health;

/// Whether callers of a path are identified only by the body: an endpoint that takes a password or a secret, or the
/// sign-in page of the console.
pub(crate) fn knows_nobody(path: &str) -> bool {
    console::SIGN_IN_PATHS.contains(&path) || api::endpoints::knows_nobody(path)
}

/// The path of the OpenAPI document.
pub const OPENAPI: &str = "/openapi.json";

/// The routes of a listener. Clones share them.
#[derive(Clone)]
pub(crate) struct Routes(Arc<Inner>);

struct Inner {
    /// Endpoints by method and path, except those with an id in the path. Nearly all requests are for one of these, which
    /// is found faster here than by the router.
    constant: HashMap<(&'static str, &'static str), &'static Endpoint>,
    /// Everything.
    router: Router,
}

impl Routes {
    /// Those of a server.
    pub(crate) fn of(app: &Arc<App>) -> Self {
        let constant = endpoints::all().filter(|endpoint| !endpoint.path.contains(ID));
        let constant =
            constant.map(|endpoint| ((endpoint.method.as_str(), endpoint.path), endpoint)).collect();
        Self(Arc::new(Inner { constant, router: router(app) }))
    }

    /// Those for plaintext HTTP on an HTTPS port. They refuse everything but the liveness check, which says nothing that
    /// needs protection, and with which the process checks itself.
    pub(crate) fn plaintext(app: Arc<App>) -> Self {
        let told = |State(app): State<Arc<App>>, request: Request| async move {
            driver::refuse_plaintext(&app.core, &request)
        };
        let router = Router::new().route(health::LIVE, get(health::live)).fallback(told);
        let router = router.method_not_allowed_fallback(told).with_state(app);
        Self(Arc::new(Inner { constant: HashMap::new(), router }))
    }

    /// Serves a request.
    pub(crate) async fn serve(&self, app: &App, request: Request) -> Response {
        let Inner { constant, router } = &*self.0;
        if let Some(endpoint) = constant.get(&(request.method().as_str(), request.uri().path())) {
            // On the heap only while it runs: a connection has room for its largest request, also when it is idle.
            return Box::pin(driver::serve(&app.core, endpoint, request)).await;
        }
        match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(infallible) => match infallible {},
        }
    }
}

fn router(app: &Arc<App>) -> Router {
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
    let router = router.merge(scim::routes(&app.core));
    let router = router.fallback(unknown_path).method_not_allowed_fallback(method_not_allowed);
    let router = router.with_state(Arc::clone(app));
    match app.control.get() {
        Some(control) => router.merge(control.routes()),
        None => router,
    }
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request) -> Response {
    if let Some(console) = app.console.as_ref().filter(|_| console::is_below(request.uri().path())) {
        return console::no_page(console, &request);
    }
    if scim::is_below(request.uri().path()) {
        return scim::no_route(&app.core, &request);
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
    if scim::is_below(request.uri().path()) {
        return scim::no_route(&app.core, &request);
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
