//! The console: pages for administrators, rendered here and served by the same process. It has no own rules: what
//! a page changes it changes by the endpoints of the API, or by the same change of the directory.

mod account;
mod applications;
mod assets;
mod audit;
mod chart;
mod confirmation;
mod csv;
mod endpoints;
mod figures;
mod form;
mod groups;
mod home;
mod import;
mod journal;
mod key_status;
mod password;
mod request;
mod roles;
mod serve;
mod shell;
mod shown_time;
mod sign_in;
mod sign_in_page;
mod tag;
mod upload;
mod usage;
mod users;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use directory::Permission;
use directory::access::{Denied, ForbiddenForAddress};
use directory::error as rules;
use directory::port::StoreError;
use http::header::HeaderValue;

use api::driver::received;
use api::error::CallError;
use api::{Core, Method};
use directory::session::SessionLimits;
use http::Request as HttpRequest;
use observe::Line;
use observe::journal::Journal;
use request::PageRequest;
use tokio::sync::Semaphore;

/// The console of a server.
pub struct Console {
    pub(crate) core: Arc<Core>,
    pub(crate) host: Box<dyn Host>,
    /// How long sessions last.
    pub(crate) sessions: SessionLimits,
    /// For who verifies the audit.
    pub(crate) verifying: Semaphore,
    /// Files of users that were uploaded.
    pub(crate) imports: import::Imports,
}

/// The server that a console belongs to.
pub trait Host: Send + Sync {
    /// Where requests are written down, if they are.
    fn journal(&self) -> Option<Arc<Journal>>;

    /// Whether the server has begun to stop.
    fn is_stopping(&self) -> bool;

    /// Serves a request as if a client had sent it. Gives its number in the journal, if there is one.
    fn replay(
        &self,
        request: HttpRequest<Body>,
        peer: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>>;
}

impl Console {
    /// A console over the directory of a server.
    pub fn new(core: Arc<Core>, sessions: SessionLimits, host: Box<dyn Host>) -> Self {
        Self { core, host, sessions, verifying: Semaphore::new(1), imports: import::Imports::default() }
    }

    /// Forgets imports that nobody came back for.
    pub fn forget_imports(&self) {
        self.imports.forget(self.core.clock.now());
    }
}

/// The path prefix of the console.
pub const PREFIX: &str = "/console";

/// Where forms are sent before anybody is known.
pub const SIGN_IN_PATHS: [&str; 3] = ["/console/sign-in", "/console/sign-out", "/console/password"];

/// Whether a path is one of the console.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// A page, or what a form of one does. Those of an account lie below `/console/{account}`.
pub struct Page {
    /// Its path, with `{names}` for what differs.
    pub path: &'static str,
    /// POST when it changes something.
    pub method: Method,
    /// The permission that a visitor needs; `None`: any role.
    pub permission: Option<Permission>,
    /// Whether its form brings a file along.
    pub takes_file: bool,
    pub(crate) run: for<'a> fn(&'a mut PageRequest<'_>) -> PageFuture<'a>,
}

/// A page whose visitor must hold a permission.
const fn page(
    path: &'static str,
    method: Method,
    permission: Permission,
    run: for<'a> fn(&'a mut PageRequest<'_>) -> PageFuture<'a>,
) -> Page {
    Page { path, method, permission: Some(permission), takes_file: false, run }
}

pub(crate) type PageFuture<'a> = Pin<Box<dyn Future<Output = Result<PageResponse, PageError>> + Send + 'a>>;

/// Every page behind the door.
pub const PAGES: &[&[Page]] = &[
    home::PAGES,
    users::PAGES,
    import::PAGES,
    groups::PAGES,
    roles::PAGES,
    applications::PAGES,
    account::PAGES,
    journal::PAGES,
    audit::PAGES,
];

/// The response of a page.
pub(crate) enum PageResponse {
    /// A page, or a part of one.
    Html(String),
    /// The same form once more, with what is wrong with it.
    Invalid(String),
    /// Look there: what was asked for is done.
    Redirect(String),
    /// A file.
    Download {
        /// How it is called.
        name: String,
        /// Its media type.
        kind: &'static str,
        body: Body,
    },
    /// Server-sent events, until there are no more.
    Events(Body),
}

/// Why a page can't be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Refused(#[from] CallError),
    /// The addressed object does not exist.
    #[error("No such {0} in this account; it may have been removed")]
    NotFound(&'static str),
    /// The session is over: to the door, and back here afterwards.
    #[error("Your session has ended: sign in again")]
    SignedOut,
    /// The session ended before this form was sent: to the door, with what was typed.
    #[error("Your session has ended: sign in again")]
    FormPending(Box<sign_in_page::PendingForm>),
    /// The rules refuse it.
    #[error("{0}")]
    Rule(rules::ItemError),
    #[error("Page not found")]
    NoPage,
    /// The form comes from elsewhere, or is of an earlier session.
    #[error(
        "Your session changed after this form was loaded. Nothing was saved; reload the page and try again"
    )]
    ForeignForm,
    #[error(
        "The file is too large: at most {} MiB are accepted here. Import larger files with the command line: matricula import FILE --keys KEYS",
        upload::MAX_BODY >> 20
    )]
    FileTooLarge,
    #[error("The page cannot be rendered: {0}")]
    Render(#[from] askama::Error),
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        PageError::Refused(error.into())
    }
}

impl From<Denied> for PageError {
    fn from(denied: Denied) -> Self {
        PageError::Refused(denied.into())
    }
}

impl From<ForbiddenForAddress> for PageError {
    fn from(_: ForbiddenForAddress) -> Self {
        // Somebody else's user, and nobody: the page says the same of both.
        PageError::NotFound("user")
    }
}

impl From<rules::ItemError> for PageError {
    fn from(why: rules::ItemError) -> Self {
        match why {
            rules::ItemError::InvalidId(what) | rules::ItemError::NotFound(what) => PageError::NotFound(what),
            rules::ItemError::ForbiddenForAddress(why) => why.into(),
            why => PageError::Rule(why),
        }
    }
}

/// The routes of the console.
pub fn routes<S: Clone + Send + Sync + 'static>(console: &Arc<Console>) -> Router<S> {
    let mut router = sign_in::routes().merge(assets::routes());
    for page in PAGES.iter().copied().flatten() {
        let handler = move |State(console): State<Arc<Console>>, request: Request| async move {
            serve::serve(&console, page, request).await
        };
        let handler: MethodRouter<Arc<Console>> = match page.method {
            Method::Get => get(handler),
            Method::Post => post(handler),
        };
        router = router.route(page.path, handler);
    }
    router.with_state(Arc::clone(console))
}

/// Answers what no page is at, in HTML: who comes here by a link, or back from the door to where a form went, reads no JSON.
pub fn no_page(console: &Console, request: &Request) -> Response {
    let path = request.uri().path();
    let mut line = Line::default();
    let counted = console.core.authenticator.count_unsigned(received(request.extensions()).peer);
    let shown = match (counted, nearest_page(path)) {
        ((Some(refused), _), _) => Err(CallError::from(refused).into()),
        // A form is sent there: what it was on is shown.
        (_, Some(page)) if request.method() == http::Method::GET && page != path => {
            Ok(PageResponse::Redirect(page))
        }
        _ => Err(PageError::NoPage),
    };
    let mut response = serve::answer(shown, request.headers(), path, &mut line);
    response.extensions_mut().insert(line);
    response
}

/// The page nearest to where a form goes: at the same path, or above it. `None`: nothing is at that path.
fn nearest_page(path: &str) -> Option<String> {
    let fits = |pattern: &str, path: &str| {
        let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
        loop {
            match (pattern.next(), path.next()) {
                (None, None) => return true,
                (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {}
                (Some(name), Some(part)) if name == part => {}
                _ => return false,
            }
        }
    };
    let pages = || PAGES.iter().copied().flatten();
    // Like the router, fixed segments win over variable ones.
    let pattern = |path: &str| {
        let fitting = pages().map(|page| page.path).filter(|pattern| fits(pattern, path));
        fitting.min_by_key(|pattern| pattern.matches('{').count())
    };
    let mut above = path;
    pattern(above)?;
    loop {
        let found = pattern(above);
        if pages().any(|page| page.method == Method::Get && Some(page.path) == found) {
            return Some(above.to_owned());
        }
        (above, _) = above.rsplit_once('/')?;
    }
}

/// Headers of every response of the console: nothing in a page runs, is fetched or shown that is not of this server, and
/// no other site can put one into a frame.
pub(crate) fn with_security_headers(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                          connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry("cache-control").or_insert(HeaderValue::from_static("no-store"));
    response
}
