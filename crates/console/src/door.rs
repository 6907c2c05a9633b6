//! The door: signing in and out, and changing one's own password, which needs no role.

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
use super::request::{COOKIE_NAME, own_site, signed_in, token};
use super::serve::answer;
use super::sign_in_page::{Left, SIGN_IN, SignInPage, inside};
use super::{PREFIX, PageError, Shown, assets, guarded};
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
    /// Why one is here, when one did not ask for it.
    why: Option<&'static str>,
    error: Option<String>,
    done: bool,
    address: String,
    next: String,
}

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/", any(hall))
        .route(PREFIX, get(start))
        .route(SIGN_IN, get(sign_in_page).post(sign_in))
        .route("/console/sign-out", post(sign_out))
        .route("/console/password", get(password_page).post(password))
}

type AppState = State<Arc<Console>>;

/// A browser that opens the server's address gets this; a program gets "no such endpoint".
async fn hall(State(console): AppState, request: Request) -> Response {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if request.method() == Method::GET && accepts.contains("text/html") {
        return guarded((StatusCode::SEE_OTHER, [(LOCATION, PREFIX)]).into_response());
    }
    driver::refuse_unsigned(&console.core, &request, CallError::UnknownPath("/".to_owned()))
}

async fn start(State(console): AppState, request: Request) -> Response {
    let shown = match signed_in(&console, token(request.headers()).as_ref()).await {
        Ok(Some(who)) => Ok(Shown::Redirect(format!("{PREFIX}/{}", who.caller.account().code))),
        Ok(None) => Err(PageError::SignedOut),
        Err(error) => Err(error),
    };
    finish(request.headers(), shown, Line::default())
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
        next: inside(form.text("next")).to_owned(),
        left: Left::default(),
    };
    let shown = page.render().map(Shown::Html).map_err(PageError::from);
    finish(request.headers(), shown, Line::default())
}

/// The result of a form at the door.
enum Entered {
    Shown(Shown),
    In(SessionToken, Box<Shown>),
}

async fn sign_in(State(console): AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut line = Line::default();
    let entered = async {
        let form = form_at(&console, &parts, body).await?;
        let mut call = Unsigned::at_the_door(&console.core, &parts.headers, &mut line);
        enter(&console, &mut call, &form, form.text("address"), form.raw("password")).await
    };
    let entered = entered.await;
    let_in(&console, &parts.headers, entered, line).await
}

/// Signs somebody in, or says why not.
async fn enter(
    console: &Console,
    call: &mut Unsigned<'_>,
    form: &Form,
    address: &str,
    password: &str,
) -> Result<Entered, PageError> {
    let next = inside(form.text("next")).to_owned();
    let again = |error: String| {
        let page = SignInPage {
            version: assets::VERSION,
            error: Some(error),
            notice: None,
            address: address.to_owned(),
            next: next.clone(),
            left: Left::read(form),
        };
        Ok(Entered::Shown(Shown::Wrong(page.render()?)))
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
        Ok(Entered::Shown(Shown::Wrong(page.render()?)))
    };
    let proof = prove(call, address, password).await?;
    let now = console.core.clock.now();
    let has_role = proof.right_for(now).map(|credentials| credentials.user.role.is_some());
    let (token, session) = SessionToken::draw(&*console.core.entropy, now);
    let grant = if has_role == Some(true) { Grant::Session(session) } else { Grant::Nothing };
    match (decide(call, proof, grant).await, has_role) {
        (Ok(Outcome::Granted), Some(true)) => {
            let left = Left::read(form);
            let shown = match left.is_there() {
                true => Shown::Html(resume(&token, left, next)?),
                false => Shown::Redirect(next),
            };
            Ok(Entered::In(token, Box::new(shown)))
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

/// The form that waited, for the session that begins.
fn resume(token: &SessionToken, left: Left, next: String) -> Result<String, PageError> {
    let Left { action, fields, dropped } = left;
    let page = Resume { version: assets::VERSION, token: token.form_token(), action, fields, dropped, next };
    Ok(page.render()?)
}

async fn password_page(State(console): AppState, request: Request) -> Response {
    let who = signed_in(&console, token(request.headers()).as_ref()).await.ok().flatten();
    let page = PasswordPage {
        version: assets::VERSION,
        why: None,
        error: None,
        done: false,
        address: who.map(|who| who.principal.address.clone()).unwrap_or_default(),
        next: PREFIX.to_owned(),
    };
    let shown = page.render().map(Shown::Html).map_err(PageError::from);
    finish(request.headers(), shown, Line::default())
}

async fn password(State(console): AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut line = Line::default();
    let entered = async {
        let form = form_at(&console, &parts, body).await?;
        let (address, new) = (form.text("address"), form.raw("new"));
        let page = |error: Option<String>| {
            let page = PasswordPage {
                version: assets::VERSION,
                why: None,
                done: error.is_none(),
                error,
                address: address.to_owned(),
                next: inside(form.text("next")).to_owned(),
            };
            page.render().map_err(PageError::from)
        };
        if new != form.raw("again") {
            let text = "The two new passwords differ.".to_owned();
            return Ok(Entered::Shown(Shown::Wrong(page(Some(text))?)));
        }
        let mut call = Unsigned::at_the_door(&console.core, &parts.headers, &mut line);
        let proof = prove(&mut call, address, form.raw("password")).await?;
        match renew(&mut call, proof, SecretString::from(new)).await {
            // A user with a role goes on to the console; others are done here.
            Ok(Ok(())) => match enter(&console, &mut call, &form, address, new).await? {
                entered @ Entered::In(..) => Ok(entered),
                Entered::Shown(_) => Ok(Entered::Shown(Shown::Html(page(None)?))),
            },
            Ok(Err(why)) => Ok(Entered::Shown(Shown::Wrong(page(Some(why.to_string()))?))),
            Err(CallError::Login) => {
                let text = "The address or the current password is wrong, or the user is locked.".to_owned();
                Ok(Entered::Shown(Shown::Wrong(page(Some(text))?)))
            }
            Err(refusal) => Err(refusal.into()),
        }
    };
    let entered = entered.await;
    let_in(&console, &parts.headers, entered, line).await
}

async fn sign_out(State(console): AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let shown = async {
        let form = form_at(&console, &parts, body).await?;
        let token = token(&parts.headers).ok_or(PageError::SignedOut)?;
        if !token.made_form(form.text("token")) {
            return Err(PageError::ForeignForm);
        }
        end(&console, &parts.headers).await?;
        Ok(Shown::Redirect(format!("{SIGN_IN}?after=sign-out")))
    };
    let shown = shown.await;
    let left = shown.is_ok();
    let mut response = finish(&parts.headers, shown, Line::default());
    if left {
        set_cookie(
            &mut response,
            &format!("{COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
        );
    }
    response
}

async fn form_at(
    console: &Console,
    parts: &http::request::Parts,
    body: axum::body::Body,
) -> Result<Form, PageError> {
    if let (Some(refused), _) = console.core.authenticator.count_unsigned(received(&parts.extensions).peer) {
        return Err(CallError::from(refused).into());
    }
    own_site(&parts.headers)?;
    Ok(Form::parse(&collect(&console.core, body).await?))
}

async fn prove(call: &mut Unsigned<'_>, address: &str, password: &str) -> Result<Proof, CallError> {
    let basic =
        Basic { scheme: Scheme::Cloud, user: address.to_owned(), password: SecretString::from(password) };
    let core = call.core;
    let proof = Proof::of(&*core.store, &core.gate, basic, core.clock.now()).await?;
    call.claims(&proof.address, "console");
    Ok(proof)
}

/// Ends the session that a browser shows, if there is one.
async fn end(console: &Console, headers: &HeaderMap) -> Result<(), PageError> {
    let Some(who) = signed_in(console, token(headers).as_ref()).await? else { return Ok(()) };
    let write = Write {
        once: None,
        evidence: Vec::new(),
        actor: who.caller.actor(),
        now: console.core.clock.now(),
        changes: vec![Change::EndSession(who.principal.session.id)],
        render: Box::new(|_| Vec::new()),
    };
    console.core.store.write(vec![write]).await?;
    Ok(())
}

/// Every sign-in creates a new session; an existing one ends (against session fixation).
async fn let_in(
    console: &Console,
    headers: &HeaderMap,
    entered: Result<Entered, PageError>,
    line: Line,
) -> Response {
    let (shown, cookie) = match entered {
        Ok(Entered::Shown(shown)) => (Ok(shown), None),
        Ok(Entered::In(token, inside)) => match end(console, headers).await {
            Ok(()) => {
                let value = token.expose();
                let cookie = format!("{COOKIE_NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Lax");
                (Ok(*inside), Some(cookie))
            }
            Err(error) => (Err(error), None),
        },
        Err(error) => (Err(error), None),
    };
    let mut response = finish(headers, shown, line);
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

fn finish(headers: &HeaderMap, shown: Result<Shown, PageError>, mut line: Line) -> Response {
    let mut response = match shown {
        // Already at the door: there is nowhere to come back to.
        Err(PageError::SignedOut) => guarded((StatusCode::SEE_OTHER, [(LOCATION, SIGN_IN)]).into_response()),
        shown => answer(shown, headers, PREFIX, &mut line),
    };
    response.extensions_mut().insert(line);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_one_goes_nowhere_but_into_the_console() {
        for target in ["/console", "/console/A/users?q=x", "/console?x=1"] {
            assert_eq!(inside(target), target);
        }
        for target in
            ["", "/", "//evil.example", "https://evil.example", "/consolex", "/console\\x", "/console/\n"]
        {
            assert_eq!(inside(target), PREFIX, "{target:?}");
        }
    }
}
