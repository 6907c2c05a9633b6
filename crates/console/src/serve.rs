//! Serves a page: checks session, permission and form, and turns the result into a response.

use std::collections::HashMap;
use std::sync::Arc;

use auth::SessionToken;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};

use super::form::Form;
use super::request::{PageRequest, enter_account, read_session, require_same_site, session_token};
use super::shell::error_page;
use super::sign_in_page::PendingForm;
use super::upload::{self, File};
use super::{Page, PageError, PageResponse, with_security_headers};
use crate::Console;
use crate::method::Method;
use api::driver::{self, received};
use api::error::CallError;
use observe::Line;

pub(super) async fn serve(console: &Arc<Console>, page: &Page, request: Request) -> Response {
    let mut line = Line::default();
    let (mut parts, body) = request.into_parts();
    let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_or_else(
        |_| HashMap::new(),
        |params| params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    );
    let target = received(&parts.extensions).target.as_str().to_owned();
    let shown = run_page(console, page, &parts, body, params, &mut line).await;
    let mut response = answer(shown, &parts.headers, &target, &mut line);
    response.extensions_mut().insert(line);
    response
}

async fn run_page(
    console: &Arc<Console>,
    page: &Page,
    parts: &Parts,
    body: Body,
    params: HashMap<String, String>,
    line: &mut Line,
) -> Result<PageResponse, PageError> {
    let peer = received(&parts.extensions).peer;
    if let (Some(refused), _) = console.core.authenticator.count_unsigned(peer) {
        return Err(CallError::from(refused).into());
    }
    let token = session_token(&parts.headers);
    let (form, file) = match page.method {
        Method::Get => (Form::default(), None),
        Method::Post => read_form(console, page, parts, token.as_ref(), body).await?,
    };
    // Permissions are those at the end of the body, which may take long to arrive.
    let session = read_session(console, token.as_ref()).await?;
    let (Some(session), Some(token)) = (session, token.as_ref()) else {
        return Err(match page.method {
            Method::Get => PageError::SignedOut,
            Method::Post => PageError::FormPending(Box::new(PendingForm::new(parts.uri.path(), &form))),
        });
    };
    line.sender = Some(session.caller.sender().clone());
    if page.method == Method::Post {
        let sent = parts.headers.get("x-form-token").and_then(|value| value.to_str().ok());
        if !token.made_form(sent.unwrap_or_else(|| form.text("token"))) {
            return Err(PageError::ForeignForm);
        }
    }
    let permission = page.permission.as_ref();
    let code = params.get("account").cloned().unwrap_or_default();
    let scope = enter_account(console, &session, permission, &code).await?;
    let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let headers = &parts.headers;
    let mut request = PageRequest {
        console,
        token,
        session,
        scope,
        params,
        query,
        form,
        file,
        headers,
        peer,
        permission,
        line,
    };
    match (page.run)(&mut request).await {
        // The session ended before anything was changed.
        Err(PageError::SignedOut) if page.method == Method::Post => {
            Err(PageError::FormPending(Box::new(PendingForm::new(parts.uri.path(), &request.form))))
        }
        shown => shown,
    }
}

/// Reads the form of a page, and its file if the page takes one.
async fn read_form(
    console: &Console,
    page: &Page,
    parts: &Parts,
    token: Option<&SessionToken>,
    body: Body,
) -> Result<(Form, Option<File>), PageError> {
    require_same_site(&parts.headers)?;
    match read_session(console, token).await? {
        Some(_) => received(&parts.extensions).place.iter().for_each(|place| place.prove()),
        // A file is read only for a signed-in user.
        None if page.takes_file => return Err(PageError::SignedOut),
        None => {}
    }
    match page.takes_file {
        true => upload::read_form(&console.core, &parts.headers, body).await,
        false => Ok((Form::parse(&driver::collect(&console.core, body).await?), None)),
    }
}

pub(super) fn answer(
    shown: Result<PageResponse, PageError>,
    headers: &HeaderMap,
    target: &str,
    line: &mut Line,
) -> Response {
    let html = |status: StatusCode, page: String| {
        (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
    };
    let response = match shown {
        Ok(PageResponse::Html(page)) => html(StatusCode::OK, page),
        Ok(PageResponse::Invalid(page)) => html(StatusCode::UNPROCESSABLE_ENTITY, page),
        Ok(PageResponse::Redirect(to)) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        Ok(PageResponse::Download { name, kind, body }) => {
            let disposition = format!("attachment; filename=\"{name}\"");
            ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response()
        }
        Ok(PageResponse::Events(body)) => {
            // Proxies must not buffer events.
            (
                [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")],
                body,
            )
                .into_response()
        }
        Err(PageError::SignedOut) => {
            let sign_in = super::sign_in_page::sign_in_path(target);
            match headers.contains_key("hx-request") {
                // The sign-in page is not a fragment, so htmx loads it as a whole page.
                true => (StatusCode::UNAUTHORIZED, [("hx-redirect", sign_in)]).into_response(),
                false => (StatusCode::SEE_OTHER, [(LOCATION, sign_in)]).into_response(),
            }
        }
        Err(PageError::FormPending(pending)) => match super::sign_in_page::sign_in_again(*pending) {
            Ok(page) => html(StatusCode::UNAUTHORIZED, page),
            Err(error) => {
                let (status, page) = error_page(&error.into());
                html(status, page)
            }
        },
        Err(why) => {
            let (status, page) = error_page(&why);
            line.why = Some(why.to_string());
            if let PageError::Refused(refusal) = &why {
                line.code = Some(refusal.code().as_str());
                line.why = refusal.private();
            }
            html(status, page)
        }
    };
    with_security_headers(response)
}
