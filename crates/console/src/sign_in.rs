//! Sign-in, sign-out, and changing the own password, which needs no role.

use std::sync::Arc;

use askama::Template;
use auth::{Proof, SessionToken};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use directory::change::Change;
use directory::login::{Grant, Outcome};
use directory::port::Write;
use http::header::{ACCEPT, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use secrecy::SecretString;
use wire::header::{Basic, Scheme};

use super::form::Form;
use super::request::{COOKIE_NAME, read_session, require_same_site, session_token};
use super::serve::answer;
use super::sign_in_page::{PendingForm, SIGN_IN, SignInPage, console_path};
use super::{PREFIX, PageError, PageResponse, assets, with_security_headers};
use crate::Console;
use api::call::Unsigned;
use api::driver::{self, collect, received};
use api::endpoints::login::decide;
use api::endpoints::user::change_password::renew;
use api::error::CallError;
use observe::Line;

#[derive(Template)]
#[template(path = "resume.html")]
struct Resume {
    version: u64,
    token: String,
    action: String,
    fields: Vec<(String, String)>,
    dropped: bool,
    next: String,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    version: u64,
    /// Why the password must be changed, after a redirect from the sign-in.
    why: Option<&'static str>,
    error: Option<String>,
    done: bool,
    address: String,
    next: String,
}

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/", any(redirect_root))
        .route(PREFIX, get(redirect_home))
        .route(SIGN_IN, get(sign_in_page).post(sign_in))
        .route("/console/sign-out", post(sign_out))
        .route("/console/password", get(password_page).post(change_password))
}

type AppState = State<Arc<Console>>;

/// Browsers are redirected to the console; programs get an unknown path.
async fn redirect_root(State(console): AppState, request: Request) -> Response {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if request.method() == Method::GET && accepts.contains("text/html") {
        return with_security_headers((StatusCode::SEE_OTHER, [(LOCATION, PREFIX)]).into_response());
    }
    driver::refuse_unsigned(&console.core, &request, CallError::UnknownPath("/".to_owned(), None))
}

async fn redirect_home(State(console): AppState, request: Request) -> Response {
    let shown = match read_session(&console, session_token(request.headers()).as_ref()).await {
        Ok(Some(session)) => {
            Ok(PageResponse::Redirect(format!("{PREFIX}/{}", session.caller.account().code)))
        }
        Ok(None) => Err(PageError::SignedOut),
        Err(error) => Err(error),
    };
    respond(request.headers(), shown, Line::default())
}

async fn sign_in_page(request: Request) -> Response {
    let form = Form::parse(request.uri().query().unwrap_or_default().as_bytes());
    let page = SignInPage {
        version: assets::VERSION,
        error: None,
        notice: match form.text("after") {
            "sign-out" => Some("You are signed out."),
            "password" => Some("Your password has been changed. Sign in with the new one."),
            _ => None,
        },
        address: form.text("address").to_owned(),
        next: console_path(form.text("next")).to_owned(),
        pending: PendingForm::default(),
    };
    let shown = page.render().map(PageResponse::Html).map_err(PageError::from);
    respond(request.headers(), shown, Line::default())
}

/// The result of a sign-in form.
enum SignInResult {
    Page(PageResponse),
    SignedIn(SessionToken, Box<PageResponse>),
}

async fn sign_in(State(console): AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut line = Line::default();
    let result = async {
        let form = read_form(&console, &parts, body).await?;
        let mut call = Unsigned::at_the_door(&console.core, &parts.headers, &mut line);
        sign_in_user(&console, &mut call, &form, form.text("address"), form.raw("password")).await
    };
    let result = result.await;
    start_session(&console, &parts.headers, result, line).await
}

/// Signs a user in, or shows why not.
async fn sign_in_user(
    console: &Console,
    call: &mut Unsigned<'_>,
    form: &Form,
    address: &str,
    password: &str,
) -> Result<SignInResult, PageError> {
    let next = console_path(form.text("next")).to_owned();
    let again = |error: String| {
        let page = SignInPage {
            version: assets::VERSION,
            error: Some(error),
            notice: None,
            address: address.to_owned(),
            next: next.clone(),
            pending: PendingForm::read(form),
        };
        Ok(SignInResult::Page(PageResponse::Invalid(page.render()?)))
    };
    let change = |why: &'static str| {
        let page = PasswordPage {
            version: assets::VERSION,
            why: Some(why),
            error: None,
            done: false,
            address: address.to_owned(),
            next: next.clone(),
        };
        Ok(SignInResult::Page(PageResponse::Invalid(page.render()?)))
    };
    let proof = prove_password(call, address, password).await?;
    let now = console.core.clock.now();
    let has_role = proof.right_for(now).map(|credentials| credentials.user.role.is_some());
    let (token, session) = SessionToken::draw(&*console.core.entropy, now);
    let grant = if has_role == Some(true) { Grant::Session(session) } else { Grant::Nothing };
    match (decide(call, proof, grant).await, has_role) {
        (Ok(Outcome::Granted), Some(true)) => {
            let pending = PendingForm::read(form);
            let shown = match pending.exists() {
                true => PageResponse::Html(resume(&token, pending, next)?),
                false => PageResponse::Redirect(next),
            };
            Ok(SignInResult::SignedIn(token, Box::new(shown)))
        }
        (Ok(Outcome::Granted), _) => again(
            "The password is right, but this user has no administrator role and cannot use the console. An administrator can assign one. You can change the password below."
                .to_owned(),
        ),
        (Ok(Outcome::MustChange), _) => change("Your password must be changed before you can sign in."),
        (Ok(Outcome::Expired), _) => change("Your password has expired: change it to sign in."),
        (Ok(Outcome::TooManyBindings | Outcome::Refused) | Err(CallError::Login), _) => {
            again("The address or the password is wrong, or the user is locked.".to_owned())
        }
        (Err(refusal), _) => Err(refusal.into()),
    }
}

/// The page that sends the pending form in the new session.
fn resume(token: &SessionToken, pending: PendingForm, next: String) -> Result<String, PageError> {
    let PendingForm { action, fields, dropped } = pending;
    let page = Resume { version: assets::VERSION, token: token.form_token(), action, fields, dropped, next };
    Ok(page.render()?)
}

async fn password_page(State(console): AppState, request: Request) -> Response {
    let session = read_session(&console, session_token(request.headers()).as_ref()).await.ok().flatten();
    let page = PasswordPage {
        version: assets::VERSION,
        why: None,
        error: None,
        done: false,
        address: session.map(|session| session.principal.address.clone()).unwrap_or_default(),
        next: PREFIX.to_owned(),
    };
    let shown = page.render().map(PageResponse::Html).map_err(PageError::from);
    respond(request.headers(), shown, Line::default())
}

async fn change_password(State(console): AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut line = Line::default();
    let result = async {
        let form = read_form(&console, &parts, body).await?;
        let (address, new) = (form.text("address"), form.raw("new"));
        let page = |error: Option<String>| {
            let page = PasswordPage {
                version: assets::VERSION,
                why: None,
                done: error.is_none(),
                error,
                address: address.to_owned(),
                next: console_path(form.text("next")).to_owned(),
            };
            page.render().map_err(PageError::from)
        };
        if new != form.raw("again") {
            let text = "The two new passwords differ.".to_owned();
            return Ok(SignInResult::Page(PageResponse::Invalid(page(Some(text))?)));
        }
        let mut call = Unsigned::at_the_door(&console.core, &parts.headers, &mut line);
        let proof = prove_password(&mut call, address, form.raw("password")).await?;
        match renew(&mut call, proof, SecretString::from(new)).await {
            // Users without a role see only that the password is changed.
            Ok(Ok(())) => match sign_in_user(&console, &mut call, &form, address, new).await? {
                result @ SignInResult::SignedIn(..) => Ok(result),
                SignInResult::Page(_) => Ok(SignInResult::Page(PageResponse::Html(page(None)?))),
            },
            Ok(Err(why)) => Ok(SignInResult::Page(PageResponse::Invalid(page(Some(why.to_string()))?))),
            Err(CallError::Login) => {
                let text = "The address or the current password is wrong, or the user is locked.".to_owned();
                Ok(SignInResult::Page(PageResponse::Invalid(page(Some(text))?)))
            }
            Err(refusal) => Err(refusal.into()),
        }
    };
    let result = result.await;
    start_session(&console, &parts.headers, result, line).await
}

async fn sign_out(State(console): AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let shown = async {
        let form = read_form(&console, &parts, body).await?;
        let token = session_token(&parts.headers).ok_or(PageError::SignedOut)?;
        if !token.made_form(form.text("token")) {
            return Err(PageError::ForeignForm);
        }
        end_session(&console, &parts.headers).await?;
        Ok(PageResponse::Redirect(format!("{SIGN_IN}?after=sign-out")))
    };
    let shown = shown.await;
    let signed_out = shown.is_ok();
    let mut response = respond(&parts.headers, shown, Line::default());
    if signed_out {
        set_cookie(
            &mut response,
            &format!("{COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
        );
    }
    response
}

async fn read_form(
    console: &Console,
    parts: &http::request::Parts,
    body: axum::body::Body,
) -> Result<Form, PageError> {
    if let (Some(refused), _) = console.core.authenticator.count_unsigned(received(&parts.extensions).peer) {
        return Err(CallError::from(refused).into());
    }
    require_same_site(&parts.headers)?;
    Ok(Form::parse(&collect(&console.core, body).await?))
}

async fn prove_password(call: &mut Unsigned<'_>, address: &str, password: &str) -> Result<Proof, CallError> {
    let basic =
        Basic { scheme: Scheme::Cloud, user: address.to_owned(), password: SecretString::from(password) };
    let core = call.core;
    let proof = Proof::of(&*core.store, &core.hasher, basic, core.clock.now()).await?;
    call.claims(&proof.address, "console");
    Ok(proof)
}

/// Ends the session of the request, if there is one.
async fn end_session(console: &Console, headers: &HeaderMap) -> Result<(), PageError> {
    let Some(session) = read_session(console, session_token(headers).as_ref()).await? else { return Ok(()) };
    let write = Write {
        once: None,
        evidence: Vec::new(),
        actor: session.caller.actor(),
        now: console.core.clock.now(),
        changes: vec![Change::EndSession(session.principal.session.id)],
        render: Box::new(|_| Vec::new()),
        times: None,
    };
    console.core.store.write(vec![write]).await?;
    Ok(())
}

/// Sets the cookie of a new session, and ends the old session (against session fixation).
async fn start_session(
    console: &Console,
    headers: &HeaderMap,
    result: Result<SignInResult, PageError>,
    line: Line,
) -> Response {
    let (shown, cookie) = match result {
        Ok(SignInResult::Page(shown)) => (Ok(shown), None),
        Ok(SignInResult::SignedIn(token, page)) => match end_session(console, headers).await {
            Ok(()) => {
                let value = token.expose();
                let cookie = format!("{COOKIE_NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Lax");
                (Ok(*page), Some(cookie))
            }
            Err(error) => (Err(error), None),
        },
        Err(error) => (Err(error), None),
    };
    let mut response = respond(headers, shown, line);
    if let Some(cookie) = cookie {
        set_cookie(&mut response, &cookie);
    }
    response
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = cookie.parse() {
        response.headers_mut().insert(SET_COOKIE, value);
    }
}

fn respond(headers: &HeaderMap, shown: Result<PageResponse, PageError>, mut line: Line) -> Response {
    let mut response = match shown {
        // No `next` path: the request is already about the sign-in.
        Err(PageError::SignedOut) => {
            with_security_headers((StatusCode::SEE_OTHER, [(LOCATION, SIGN_IN)]).into_response())
        }
        shown => answer(shown, headers, PREFIX, &mut line),
    };
    response.extensions_mut().insert(line);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_only_into_the_console() {
        for target in ["/console", "/console/A/users?q=x", "/console?x=1"] {
            assert_eq!(console_path(target), target);
        }
        for target in
            ["", "/", "//evil.example", "https://evil.example", "/consolex", "/console\\x", "/console/\n"]
        {
            assert_eq!(console_path(target), PREFIX, "{target:?}");
        }
    }
}
