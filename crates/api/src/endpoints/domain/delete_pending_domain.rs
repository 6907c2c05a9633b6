//! `POST /api/domain/delete-pending-domain` (spec/protocol.md 5): gives a registration up.

use directory::PendingDomainId;
use directory::application::Product;
use directory::change::{Change, Effect};
use directory::domains::{DomainChange, Registered};
use directory::error::ItemError;
use directory::role::REGISTER_DOMAIN;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::domains::{DeletePendingDomain, PendingDomainGone};
use wire::item::{Entry, Item as _, Row as _};

use super::{PENDING, name};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/domain/delete-pending-domain",
    method: Method::Post,
    summary: "Deletes pending domains.",
    permission: Some(REGISTER_DOMAIN),
    product: Some(Product::UserAndGroupManagement),
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
    let (core, account) = (call.core, scope.account().id);
    let ids = core.secure_ids();
    let mut steps = Vec::with_capacity(entries.len());
    for Entry { key, item } in entries {
        let read = item.and_then(|DeletePendingDomain { id, domain }| {
            let opened = ids.open_id(PENDING, account, &id).map_err(|why| wrong("id", &why));
            match (opened, domain.as_deref().map(name).transpose()) {
                (Ok(opened), Ok(name)) => Ok((id, PendingDomainId::from_bytes(opened), name)),
                (opened, name) => Err(opened.err().into_iter().chain(name.err()).collect()),
            }
        });
        let plan = match read {
            Ok((id, pending, named)) => {
                let other = match named {
                    Some(name) => {
                        let found = call.timed(core.store.pending_domain(account, &name)).await?;
                        found.is_none_or(|found| found.id != pending)
                    }
                    None => false,
                };
                if other {
                    Err(vec![wrong("domain", &ItemError::NotFound("pending domain with this id"))])
                } else {
                    let row = move |effect: &Effect| {
                        let domain = match effect {
                            Effect::Domain(registered) => match &**registered {
                                Registered::Pending(pending) => pending.name.to_string(),
                                Registered::Internal(domain) => domain.name.to_string(),
                            },
                            _ => String::new(),
                        };
                        PendingDomainGone { id: id.clone(), domain }
                    };
                    Ok(Plan::change("id", Change::Domain(DomainChange::Drop(pending)), row))
                }
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}
