//! Serves a page: its sender, the account and the form; then what the page shows, as a response.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, StatusCode};

use super::form::Form;
use super::request::{PageRequest, enter_account, read_session, require_same_site, session_token};
use super::shell::error_page;
use super::sign_in_page::PendingForm;
use super::upload::{self};
use super::{Page, PageError, PageResponse, with_security_headers};
use crate::Console;
use api::Method;
use api::driver::{self, received};
use api::error::CallError;
use observe::Line;

/// Serves a page.
pub(super) async fn serve(console: &Arc<Console>, page: &Page, request: Request) -> Response {
    let mut line = Line::default();
    let (mut parts, body) = request.into_parts();
    let token = session_token(&parts.headers);
    let received = received(&parts.extensions);
    let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_or_else(
        |_| HashMap::new(),
        |params| params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    );
    let target = String::from_utf8_lossy(&received.target).into_owned();
    let shown = async {
        if let (Some(refused), _) = console.core.authenticator.count_unsigned(received.peer) {
            return Err(CallError::from(refused).into());
        }
        let (mut form, mut file) = (Form::default(), None);
        if page.method == Method::Post {
            require_same_site(&parts.headers)?;
            match read_session(console, token.as_ref()).await? {
                Some(_) => received.place.iter().for_each(|place| place.prove()),
                // No file is kept for somebody who may never come in.
                None if page.takes_file => return Err(PageError::SignedOut),
                None => {}
            }
            (form, file) = match page.takes_file {
                true => upload::read_form(&console.core, &parts.headers, body).await?,
                false => (Form::parse(&driver::collect(&console.core, body).await?), None),
            };
        }
        // A body takes as long as its sender likes: what its sender may counts from its end on.
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
        let code = params.get("account").cloned().unwrap_or_default();
        let scope = enter_account(console, &session, page.permission.as_ref(), &code).await?;
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let permission = page.permission.as_ref();
        let mut request = PageRequest {
            console,
            token,
            session,
            scope,
            params,
            query,
            form,
            file,
            headers: &parts.headers,
            peer: received.peer,
            permission,
            line: &mut line,
        };
        match (page.run)(&mut request).await {
            // The session ended in the middle: nothing was done.
            Err(PageError::SignedOut) if page.method == Method::Post => {
                Err(PageError::FormPending(Box::new(PendingForm::new(parts.uri.path(), &request.form))))
            }
            shown => shown,
        }
    };
    let shown = shown.await;
    let mut response = answer(shown, &parts.headers, &target, &mut line);
    response.extensions_mut().insert(line);
    response
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
            // Proxies must not buffer them.
            (
                [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")],
                body,
            )
                .into_response()
        }
        Err(PageError::SignedOut) => {
            let sign_in = super::sign_in_page::sign_in_path(target);
            match headers.contains_key("hx-request") {
                // A part of a page can't be the door: the browser goes there as a whole.
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
