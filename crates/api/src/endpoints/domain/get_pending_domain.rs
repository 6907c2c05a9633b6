//! `POST /api/domain/get-pending-domain` (spec/protocol.md 5).

use directory::application::Product;
use directory::port::Position;
use directory::role::REGISTER_DOMAIN;
use wire::Code;
use wire::account::Nothing;
use wire::domains::RegisteredDomain;
use wire::item::{Item as _, Row as _};

use super::{list_reply, page_size, pending_row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

const PATH: &str = "/api/domain/get-pending-domain";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Post,
    summary: "Lists pending and expired domains.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Page(Nothing::FIELDS),
    row: RegisteredDomain::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(get_pending_domain(call))),
};

async fn get_pending_domain(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    body.one::<Nothing>()?;
    let scope = call.scope(&REGISTER_DOMAIN, body.account_code.as_deref()).await?;
    let (store, account) = (&call.core.store, scope.account().id);
    let ids = call.core.secure_ids();
    let from = match ids.open_page(PATH, account, &body.page) {
        Ok(from) => from.unwrap_or(Position::Start),
        Err(reply) => return Ok(*reply),
    };
    let found = call.timed(store.pending_domains_of(account, &from, page_size(&body.page) + 1)).await?;
    Ok(list_reply((&ids, PATH, account), &body.page, &from, found, |domain| &domain.name, pending_row))
}
