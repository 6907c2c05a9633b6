//! The console: web pages for administrators, served by the same process. It contains no rules: pages change
//! something only through endpoints of the API or changes of the directory.

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
mod method;
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

use api::Core;
use api::driver::received;
use api::error::CallError;
use directory::session::SessionLimits;
use http::Request as HttpRequest;
pub use method::Method;
use observe::Line;
use observe::journal::Journal;
use request::PageRequest;
use tokio::sync::Semaphore;

/// The console of a server.
pub struct Console {
    pub(crate) core: Arc<Core>,
    pub(crate) host: Box<dyn Host>,
    /// Lifetime of sessions.
    pub(crate) sessions: SessionLimits,
    /// Limits verifications of the audit to one at a time.
    pub(crate) verifying: Semaphore,
}

/// The server that a console belongs to.
pub trait Host: Send + Sync {
    /// The request journal, if there is one.
    fn journal(&self) -> Option<Arc<Journal>>;

    /// Whether the server is stopping.
    fn is_stopping(&self) -> bool;

    /// Serves a request like one from a client. Returns its number in the journal.
    fn replay(
        &self,
        request: HttpRequest<Body>,
        peer: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>>;
}

impl Console {
    /// A console for the directory of a server.
    pub fn new(core: Arc<Core>, sessions: SessionLimits, host: Box<dyn Host>) -> Self {
        Self { core, host, sessions, verifying: Semaphore::new(1) }
    }
}

/// The path prefix of the console.
pub const PREFIX: &str = "/console";

/// Paths that receive forms without a session.
pub const SIGN_IN_PATHS: [&str; 3] = ["/console/sign-in", "/console/sign-out", "/console/password"];

/// Whether a path belongs to the console.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// A page, or the target of a form. Those of an account are below `/console/{account}`.
pub struct Page {
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// POST if it changes something.
    pub method: Method,
    /// The required permission; `None`: any role.
    pub permission: Option<Permission>,
    /// Whether its form contains a file.
    pub takes_file: bool,
    pub(crate) run: for<'a> fn(&'a mut PageRequest<'_>) -> PageFuture<'a>,
}

/// A page that requires a permission.
const fn page(
    path: &'static str,
    method: Method,
    permission: Permission,
    run: for<'a> fn(&'a mut PageRequest<'_>) -> PageFuture<'a>,
) -> Page {
    Page { path, method, permission: Some(permission), takes_file: false, run }
}

pub(crate) type PageFuture<'a> = Pin<Box<dyn Future<Output = Result<PageResponse, PageError>> + Send + 'a>>;

/// All pages that need a session.
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
    /// A page or a fragment of one.
    Html(String),
    /// The page with the errors of its form.
    Invalid(String),
    /// A redirect after success.
    Redirect(String),
    /// A file to download.
    Download { name: String, kind: &'static str, body: Body },
    /// A stream of server-sent events.
    Events(Body),
}

/// Why a page is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Refused(#[from] CallError),
    /// The addressed object does not exist.
    #[error("No such {0} in this account; it may have been removed")]
    NotFound(&'static str),
    /// The session has ended. The sign-in page leads back here.
    #[error("Your session has ended: sign in again")]
    SignedOut,
    /// The session ended before the form arrived. The sign-in page keeps the form.
    #[error("Your session has ended: sign in again")]
    FormPending(Box<sign_in_page::PendingForm>),
    /// A rule of the directory refuses the change.
    #[error("{0}")]
    Rule(rules::ItemError),
    #[error("Page not found")]
    NoPage,
    /// The form comes from another site or an earlier session.
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
        // The response does not reveal whether the user exists in another account.
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

/// The response for unknown paths: an HTML page, because people follow links to them, or return from the
/// sign-in page to the path of a form.
pub fn no_page(console: &Console, request: &Request) -> Response {
    let path = request.uri().path();
    let mut line = Line::default();
    let counted = console.core.authenticator.count_unsigned(received(request.extensions()).peer);
    let shown = match (counted, nearest_page(path)) {
        ((Some(refused), _), _) => Err(CallError::from(refused).into()),
        // The path accepts only forms: redirect to the page that has the form.
        (_, Some(page)) if request.method() == http::Method::GET && page != path => {
            Ok(PageResponse::Redirect(page))
        }
        _ => Err(PageError::NoPage),
    };
    let mut response = serve::answer(shown, request.headers(), path, &mut line);
    response.extensions_mut().insert(line);
    response
}

/// The GET page at the path of a form, or the nearest one above; `None` if the path is unknown.
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

/// Adds the security headers: a page loads and runs only content of this server, and no other site can embed
/// it.
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
