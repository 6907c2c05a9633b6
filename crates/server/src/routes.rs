//! The route table: everything the server answers.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use directory::application::Product;
use directory::{Caller, Permission};
use wire::Code;
use wire::item::FieldSpec;

use crate::answer;
use crate::app::App;
use crate::call::{self, Call, Reply, Unsigned};
use crate::console;
use crate::refusal::Refusal;
use crate::{api, health, openapi};

/// An endpoint: what it takes, what it asks for, what it answers. The tests of what all endpoints share, the
/// authorisation matrix and the OpenAPI document go over the table of these.
pub struct Endpoint {
    /// Its path, as it is signed.
    pub path: &'static str,
    /// Its method.
    pub method: Method,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The permission it asks for; the rule itself stands in `directory`.
    pub permission: Option<Permission>,
    /// The product an application of API 2.0 must be registered for. `None`: in the new style it is for all of them, in the
    /// old one for none.
    pub product: Option<Product>,
    /// Whether it changes something, and so leaves an event in the audit.
    pub writes: bool,
    /// What it takes.
    pub takes: Takes,
    /// The fields of a row of its answer.
    pub row: &'static [FieldSpec],
    /// The codes with which it refuses an item, beside those of types and mandatory fields.
    pub codes: &'static [Code],
    pub(crate) run: Run,
}

/// The method of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Of nearly all of them, also those that read (spec/protocol.md 1.1).
    Post,
    /// Of some of API 2.0.
    Get,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Get => "GET",
        }
    }
}

/// What the answers of an endpoint look like, and how it refuses. The path tells, so that one that can't be routed is
/// refused in the style of its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `meta`, `data`, `fail` (spec/protocol.md 1).
    Envelope,
    /// What is asked for and no more, or `errors`; statuses are HTTP's (spec/protocol.md 8).
    Rest,
    /// Of OAuth (RFC 6749, 5).
    OAuth,
}

impl Style {
    /// The style of a path.
    pub fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("oauth") => Style::OAuth,
            Some("identity") => Style::Rest,
            Some("api") => Style::Envelope,
            _ if path.contains("/cloud-gateway/") => Style::Rest,
            _ => Style::Envelope,
        }
    }
}

/// What an endpoint takes.
#[derive(Clone, Copy)]
pub enum Takes {
    /// Items with these fields.
    Items(&'static [FieldSpec]),
    /// At most one item with these fields.
    One(&'static [FieldSpec]),
    /// The same, and asks for a page of what there is.
    Page(&'static [FieldSpec]),
    /// One object with these fields, without a list or `meta` around it.
    Object(&'static [FieldSpec]),
    /// No body, but a query with these parameters.
    Query(&'static [FieldSpec]),
    /// A form with these fields.
    Form(&'static [FieldSpec]),
    /// Something else, which the OpenAPI document describes on its own.
    Other,
}

impl Endpoint {
    /// Whether it is called with a signature or a token.
    pub fn is_signed(&self) -> bool {
        matches!(self.run, Run::Signed(_))
    }

    /// What its answers look like.
    pub fn style(&self) -> Style {
        Style::of(self.path)
    }

    /// Whether the caller's application may call it at all.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        match self.product {
            Some(product) => caller.reaches(product),
            None => self.style() == Style::Rest || caller.user().is_some(),
        }
    }
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;

pub(crate) enum Run {
    Signed(for<'a> fn(Call<'a>) -> Running<'a>),
    Unsigned(for<'a> fn(Unsigned<'a>) -> Running<'a>),
}

/// Every endpoint.
pub const ENDPOINTS: &[Endpoint] = &[
    api::account::get_account::ENDPOINT,
    api::account::get_support_info::ENDPOINT,
    api::audit::get_audit_events::ENDPOINT,
    api::cloud_gateway::create_user::ENDPOINT,
    api::cloud_gateway::list_roles::ENDPOINT,
    api::cloud_gateway::list_users::ENDPOINT,
    api::directory::add_group_member::ENDPOINT,
    api::directory::create_group::ENDPOINT,
    api::directory::delete_group::ENDPOINT,
    api::directory::find_groups::ENDPOINT,
    api::directory::get_group_members::ENDPOINT,
    api::directory::remove_group_member::ENDPOINT,
    api::directory::update_group::ENDPOINT,
    api::domain::create_domain::ENDPOINT,
    api::domain::delete_pending_domain::ENDPOINT,
    api::domain::get_internal_domain::ENDPOINT,
    api::domain::get_pending_domain::ENDPOINT,
    api::domain::get_provision_status::ENDPOINT,
    api::domain::get_verification_code::ENDPOINT,
    api::domain::verify_domain::ENDPOINT,
    api::identity::whoami::ENDPOINT,
    api::login::discover_authentication::ENDPOINT,
    api::login::login::ENDPOINT,
    api::login::logout::ENDPOINT,
    api::oauth::token::ENDPOINT,
    api::role::assign_role::ENDPOINT,
    api::role::create_role::ENDPOINT,
    api::role::delete_role::ENDPOINT,
    api::role::get_roles::ENDPOINT,
    api::user::add_delegate_user::ENDPOINT,
    api::user::add_to_purge_list::ENDPOINT,
    api::user::change_password::ENDPOINT,
    api::user::check_user::ENDPOINT,
    api::user::create_user::ENDPOINT,
    api::user::delete_user::ENDPOINT,
    api::user::find_delegate_users::ENDPOINT,
    api::user::get_aliases::ENDPOINT,
    api::user::get_attributes::ENDPOINT,
    api::user::get_internal_users::ENDPOINT,
    api::user::get_profile::ENDPOINT,
    api::user::remove_alias::ENDPOINT,
    api::user::remove_delegate_user::ENDPOINT,
    api::user::remove_from_purge_list::ENDPOINT,
    api::user::update_alias::ENDPOINT,
    api::user::update_attributes::ENDPOINT,
    api::user::update_user::ENDPOINT,
];

/// Whether nobody is known before they have read the body where a path leads to: an endpoint that takes a password or a
/// secret, or the door of the console.
pub(crate) fn knows_nobody(path: &str) -> bool {
    console::DOOR.contains(&path)
        || ENDPOINTS.iter().any(|endpoint| !endpoint.is_signed() && endpoint.path == path)
}

/// Where the OpenAPI document is served.
pub const OPENAPI: &str = "/openapi.json";

pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router =
        Router::new().route(health::LIVE, get(health::live)).route(health::READY, get(health::ready));
    let document = Bytes::from(answer::rendered(&openapi::document()));
    let described = move |State(app): State<Arc<App>>, request: Request| async move {
        call::serve_document(&app, &request, document.clone())
    };
    router = router.route(OPENAPI, get(described));
    for endpoint in ENDPOINTS {
        let handler = move |State(app): State<Arc<App>>, request: Request| async move {
            call::serve(&app, endpoint, request).await
        };
        let handler: MethodRouter<Arc<App>> = match endpoint.method {
            Method::Post => post(handler),
            Method::Get => get(handler),
        };
        router = router.route(endpoint.path, handler);
    }
    if app.has_console {
        router = router.merge(console::routes());
    }
    router.fallback(unknown_path).method_not_allowed_fallback(method_not_allowed).with_state(app)
}

/// What answers plaintext HTTP on a port that speaks HTTPS.
pub(crate) fn plaintext(app: Arc<App>) -> Router {
    let told =
        |State(app): State<Arc<App>>, request: Request| async move { call::refuse_plaintext(&app, &request) };
    Router::new().fallback(told).with_state(app)
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.has_console && console::is_below(request.uri().path()) {
        return console::no_page(&app, &request);
    }
    // The path is shown, the query is not: it may hold anything.
    let path = request.uri().path().chars().take(200).collect();
    call::refuse_unsigned(&app, &request, Refusal::UnknownPath(path))
}

async fn method_not_allowed(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.has_console && console::is_below(request.uri().path()) {
        return console::no_page(&app, &request);
    }
    let method = request.method().as_str().chars().take(32).collect();
    let allowed: Vec<_> =
        ENDPOINTS.iter().filter(|e| e.path == request.uri().path()).map(|e| e.method.as_str()).collect();
    // What is no endpoint is there to be read.
    let allowed = if allowed.is_empty() { vec![Method::Get.as_str()] } else { allowed };
    call::refuse_unsigned(&app, &request, Refusal::Method(method, allowed.join(" or ")))
}
