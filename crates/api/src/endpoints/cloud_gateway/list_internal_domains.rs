//! `GET /domain/cloud-gateway/v1/internal-domains`: the domains of get-internal-domain (spec/protocol.md 8).

use directory::application::Product;
use directory::port::Position;
use directory::role::INTERNAL_READ;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::rest::{InternalDomains, PageQuery};

use super::{asked, cut};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::domain::internal_row;
use crate::error::CallError;

const PATH: &str = "/domain/cloud-gateway/v1/internal-domains";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Get,
    summary: "Lists the internal domains of the account.",
    permission: Some(INTERNAL_READ),
    products: &[Product::DomainManagement, Product::EmailSecurityOnboarding],
    writes: false,
    takes: Takes::Query(PageQuery::FIELDS),
    row: InternalDomains::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(list_internal_domains(call))),
};

async fn list_internal_domains(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&INTERNAL_READ, None).await?;
    let (core, account) = (call.core, scope.account().id);
    let (from, size) = match asked(&call, account) {
        Ok(asked) => asked,
        Err(refused) => return Ok(*refused),
    };
    let from = from.map_or(Position::Start, Position::After);
    let mut domains = call.timed(core.store.domains_of(account, &from, size + 1)).await?.rows;
    let ids = core.secure_ids();
    let meta = cut(&mut domains, size, |domain| ids.page_token(PATH, account, &domain.name.as_str()));
    call.count(domains.len());
    let domains = domains.iter().map(|domain| internal_row(&ids, domain)).collect();
    Ok(Reply::bare(&InternalDomains { domains, meta }))
}
