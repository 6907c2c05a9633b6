//! `GET /domain/cloud-gateway/v1/external-domains`: the domains of members of groups that are not internal to the account
//! (spec/protocol.md 8; which domains they are is `[ours]`).

use directory::DomainName;
use directory::application::Product;
use directory::role::EXTERNAL_READ;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::rest::{ExternalDomain, ExternalDomains, PageQuery};

use super::{asked, cut};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

const PATH: &str = "/domain/cloud-gateway/v1/external-domains";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Get,
    summary: "Lists domains that are not internal: those of members of groups.",
    permission: Some(EXTERNAL_READ),
    products: &[Product::DomainManagement, Product::EmailSecurityOnboarding],
    writes: false,
    takes: Takes::Query(PageQuery::FIELDS),
    row: ExternalDomains::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(list_external_domains(call))),
};

async fn list_external_domains(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&EXTERNAL_READ, None).await?;
    let (core, account) = (call.core, scope.account().id);
    let (after, size) = match asked::<String>(&call, account) {
        Ok(asked) => asked,
        Err(refused) => return Ok(*refused),
    };
    let after = after.and_then(|after| DomainName::parse(&after).ok());
    let mut domains = call.timed(core.store.external_domains(account, after.as_ref(), size + 1)).await?;
    let ids = core.secure_ids();
    let meta = cut(&mut domains, size, |domain| ids.page_token(PATH, account, &domain.as_str()));
    call.count(domains.len());
    let row = |domain: &DomainName| ExternalDomain {
        id: ids.seal("external domain", account, domain.as_str().as_bytes()),
        domain: domain.to_string(),
    };
    let domains = domains.iter().map(row).collect();
    Ok(Reply::bare(&ExternalDomains { domains, meta }))
}
