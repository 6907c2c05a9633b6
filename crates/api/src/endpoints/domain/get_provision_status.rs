//! `POST /api/domain/get-provision-status` (spec/protocol.md 5; the words are `[ours]`).

use directory::application::Product;
use directory::error::ItemError;
use directory::role::REGISTER_DOMAIN;
use directory::{AccountId, DomainName};
use wire::domains::{NamesDomain, ProvisionStatus};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Answer, Code, Failure};

use super::{MAX_LOOKUPS, domain_name};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/domain/get-provision-status",
    method: Method::Post,
    summary: "Shows the provisioning status of domains. At most 50 items.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Items(NamesDomain::FIELDS),
    row: ProvisionStatus::FIELDS,
    codes: &[Code::InvalidDomain, Code::NotFound],
    run: Run::Signed(|call| Box::pin(get_provision_status(call))),
};

async fn get_provision_status(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<NamesDomain>(MAX_LOOKUPS)?;
    let scope = call.scope(&REGISTER_DOMAIN, body.account_code.as_deref()).await?;
    call.count(entries.len());
    let (mut data, mut fail) = (Vec::new(), Vec::new());
    for Entry { key, item } in entries {
        let named = item.and_then(|item| domain_name(&item.domain).map_err(|error| vec![error]));
        let errors = match named {
            Ok(name) => match status(&mut call, scope.account().id, &name).await? {
                Some(status) => {
                    data.push(ProvisionStatus { domain: name.to_string(), status: status.to_owned() });
                    continue;
                }
                None => vec![wrong("domain", &ItemError::NotFound("domain of the account"))],
            },
            Err(errors) => errors,
        };
        fail.push(Failure::of(key, errors));
    }
    Ok(Reply::of(&Answer::ran(data, fail)))
}

async fn status(
    call: &mut Call<'_>,
    account: AccountId,
    name: &DomainName,
) -> Result<Option<&'static str>, CallError> {
    let (store, now) = (&call.core.store, call.core.clock.now());
    if call.timed(store.domain_of(account, name)).await?.is_some() {
        return Ok(Some("provisioned"));
    }
    let pending = call.timed(store.pending_domain(account, name)).await?;
    Ok(pending.map(|pending| if pending.live(now).is_ok() { "pending" } else { "expired" }))
}
