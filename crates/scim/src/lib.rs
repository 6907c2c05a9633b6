//! SCIM 2.0 (RFC 7643, RFC 7644): identity providers such as Entra ID and Okta create, change and remove users and groups
//! by it. It has no rules: it translates resources into the directory's users, aliases and groups and calls their rules
//! (docs/SCIM.md).

mod answer;
mod bulk;
mod call;
mod groups;
mod list;
mod refused;
mod resource;
mod serve;
mod service;
mod users;

use std::pin::Pin;
use std::sync::Arc;

use api::Core;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use directory::Permission;
use directory::role::{GROUPS_EDIT, GROUPS_READ, INTERNAL_EDIT, INTERNAL_READ};

use answer::Answer;
use call::Call;
use refused::Refused;

/// The path below which everything is SCIM.
pub const PREFIX: &str = "/scim/v2";

/// Whether a path belongs to SCIM.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix("/scim").is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, Refused>> + Send + 'a>>;

/// What a path and a method do.
pub struct Route {
    /// The path; `{id}` is a segment.
    pub path: &'static str,
    /// The method.
    pub method: Method,
    /// The required permission; `None`: every application with a valid token.
    pub permission: Option<Permission>,
    run: for<'a> fn(&'a mut Call<'_>) -> Running<'a>,
}

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or searches.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// Its name in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Patch => MethodFilter::PATCH,
            Method::Delete => MethodFilter::DELETE,
        }
    }
}

macro_rules! routes {
    ($( $method:ident $path:literal, $permission:expr => $run:path; )*) => {
        /// Everything that SCIM clients may call.
        pub const ROUTES: &[Route] = &[$(
            Route {
                path: concat!("/scim/v2", $path),
                method: Method::$method,
                permission: $permission,
                run: |call| Box::pin($run(call)),
            },
        )*];
    };
}

routes! {
    Get "/ServiceProviderConfig", None => service::configuration;
    Get "/ResourceTypes", None => service::resource_types;
    Get "/ResourceTypes/{id}", None => service::resource_type;
    Get "/Schemas", None => service::schemas;
    Get "/Schemas/{id}", None => service::schema;
    // Groups need their permission too.
    Post "/.search", Some(INTERNAL_READ) => groups::search_all;
    // Each operation needs the permission of its route.
    Post "/Bulk", None => bulk::run;
    Get "/Users", Some(INTERNAL_READ) => users::list;
    Post "/Users", Some(INTERNAL_EDIT) => users::create;
    Post "/Users/.search", Some(INTERNAL_READ) => users::search;
    Get "/Users/{id}", Some(INTERNAL_READ) => users::read;
    Put "/Users/{id}", Some(INTERNAL_EDIT) => users::replace;
    Patch "/Users/{id}", Some(INTERNAL_EDIT) => users::patch;
    Delete "/Users/{id}", Some(INTERNAL_EDIT) => users::delete;
    Get "/Groups", Some(GROUPS_READ) => groups::list;
    Post "/Groups", Some(GROUPS_EDIT) => groups::create;
    Post "/Groups/.search", Some(GROUPS_READ) => groups::search;
    Get "/Groups/{id}", Some(GROUPS_READ) => groups::read;
    Put "/Groups/{id}", Some(GROUPS_EDIT) => groups::replace;
    Patch "/Groups/{id}", Some(GROUPS_EDIT) => groups::patch;
    Delete "/Groups/{id}", Some(GROUPS_EDIT) => groups::delete;
}

/// The routes of SCIM.
pub fn routes<S: Clone + Send + Sync + 'static>(core: &Arc<Core>) -> Router<S> {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = move |State(core): State<Arc<Core>>, request: Request| async move {
            serve::serve(&core, route, request).await
        };
        router = router.route(route.path, on(route.method.filter(), handler));
    }
    router.with_state(Arc::clone(core))
}

/// The response for a path, or a method of a path, that does not exist.
pub fn no_route(core: &Core, request: &Request) -> Response {
    serve::no_route(core, request)
}
