//! `POST /oauth/token` (spec/protocol.md 8; RFC 6749, 4.4).

use auth::token::TOKEN_LIFE;
use wire::header;
use wire::item::{Item as _, Row as _};
use wire::oauth::{Credentials, Form, Token};

use crate::call::{Reply, Unsigned};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/oauth/token",
    method: Method::Post,
    summary: "Issues a token to an application of API 2.0, valid for half an hour.",
    permission: None,
    products: &[],
    writes: false,
    takes: Takes::Form(Form::FIELDS),
    row: Token::FIELDS,
    codes: &[],
    run: Run::Unsigned(|call| Box::pin(token(call))),
};

async fn token(mut call: Unsigned<'_>) -> Result<Reply, CallError> {
    let authorization = call.headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
    let shown = Credentials::read(authorization, call.bytes())?;
    // A text that is not shaped like an id may be a misplaced secret and must not be logged.
    let id = if directory::application::is_client_id(&shown.client_id) {
        &shown.client_id
    } else {
        "(no client id)"
    };
    call.claims(id, "");
    let (principal, access_token) = call.core.authenticator.token(&shown).await?;
    call.claims(id, &principal.client.name);
    // The token's last second may be partly over already.
    let expires_in = TOKEN_LIFE.unsigned_abs() - 1;
    Ok(Reply::bare(&Token {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in,
        scope: String::new(),
    }))
}
