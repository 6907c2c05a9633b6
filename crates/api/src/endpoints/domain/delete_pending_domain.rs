//! `POST /api/domain/delete-pending-domain` (spec/protocol.md 5): withdraws a registration.

use directory::application::Product;
use directory::change::{Change, Effect};
use directory::domains::{DomainChange, Registered};
use directory::error::ItemError;
use directory::role::REGISTER_DOMAIN;
use directory::{AccountId, DomainName, PendingDomainId};
use wire::body::MAX_ITEMS;
use wire::domains::{DeletePendingDomain, PendingDomainGone};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Code, Error};

use super::{PENDING, domain_name};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::secure_id::SecureIds;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/domain/delete-pending-domain",
    method: Method::Post,
    summary: "Deletes pending domains.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(DeletePendingDomain::FIELDS),
    row: PendingDomainGone::FIELDS,
    codes: &[Code::InvalidId, Code::InvalidDomain, Code::NotFound],
    run: Run::Signed(|call| Box::pin(delete_pending_domain(call))),
};

async fn delete_pending_domain(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<DeletePendingDomain>(MAX_ITEMS)?;
    let scope = call.scope(&REGISTER_DOMAIN, body.account_code.as_deref()).await?;
    let account = scope.account().id;
    let ids = call.core.secure_ids();
    let mut steps = Vec::with_capacity(entries.len());
    for Entry { key, item } in entries {
        let plan = match item.and_then(|item| read_item(&ids, account, item)) {
            Ok(named) => plan_deletion(&mut call, account, named).await?,
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}

/// The registration in an item: its id and optionally its domain.
struct Named {
    id: String,
    pending: PendingDomainId,
    domain: Option<DomainName>,
}

fn read_item(
    ids: &SecureIds<'_>,
    account: AccountId,
    item: DeletePendingDomain,
) -> Result<Named, Vec<Error>> {
    let DeletePendingDomain { id, domain } = item;
    let opened = ids.open_id(PENDING, account, &id).map_err(|why| wrong("id", &why));
    match (opened, domain.as_deref().map(domain_name).transpose()) {
        (Ok(opened), Ok(domain)) => Ok(Named { id, pending: PendingDomainId::from_bytes(opened), domain }),
        (opened, domain) => Err(opened.err().into_iter().chain(domain.err()).collect()),
    }
}

async fn plan_deletion(
    call: &mut Call<'_>,
    account: AccountId,
    Named { id, pending, domain }: Named,
) -> Result<Result<Plan, Vec<Error>>, CallError> {
    if let Some(domain) = domain {
        let found = call.timed(call.core.store.pending_domain(account, &domain)).await?;
        if found.is_none_or(|found| found.id != pending) {
            return Ok(Err(vec![wrong("domain", &ItemError::NotFound("pending domain with this id"))]));
        }
    }
    let row = move |effect: &Effect| PendingDomainGone { id: id.clone(), domain: domain_of(effect) };
    Ok(Ok(Plan::change("id", Change::Domain(DomainChange::Drop(pending)), row)))
}

fn domain_of(effect: &Effect) -> String {
    match effect {
        Effect::Domain(registered) => match &**registered {
            Registered::Pending(pending) => pending.name.to_string(),
            Registered::Internal(domain) => domain.name.to_string(),
        },
        _ => String::new(),
    }
}
