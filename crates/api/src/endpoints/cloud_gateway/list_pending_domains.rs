//! `GET /domain/cloud-gateway/v1/pending-domains`: the domains of get-pending-domain (spec/protocol.md 8).

use directory::application::Product;
use directory::port::Position;
use directory::role::REGISTER_DOMAIN;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::rest::{PageQuery, PendingDomains};

use super::{asked, cut};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::domain::pending_row;
use crate::error::CallError;

const PATH: &str = "/domain/cloud-gateway/v1/pending-domains";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Get,
    summary: "Lists pending and expired domains.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::EmailSecurityOnboarding],
    writes: false,
    takes: Takes::Query(PageQuery::FIELDS),
    row: PendingDomains::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(list_pending_domains(call))),
};

async fn list_pending_domains(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&REGISTER_DOMAIN, None).await?;
    let (core, account) = (call.core, scope.account().id);
    let (from, size) = match asked(&call, account) {
        Ok(asked) => asked,
        Err(refused) => return Ok(*refused),
    };
    let from = from.map_or(Position::Start, Position::After);
    let mut domains = call.timed(core.store.pending_domains_of(account, &from, size + 1)).await?.rows;
    let ids = core.secure_ids();
    let meta = cut(&mut domains, size, |domain| ids.page_token(PATH, account, &domain.name.as_str()));
    call.count(domains.len());
    let domains = domains.iter().map(|domain| pending_row(&ids, domain)).collect();
    Ok(Reply::bare(&PendingDomains { domains, meta }))
}
