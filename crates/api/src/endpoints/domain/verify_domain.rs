//! `POST /api/domain/verify-domain` (spec/protocol.md 5): a token in the domain's DNS proves that the account owns the
//! domain.

use directory::application::Product;
use directory::change::Change;
use directory::domains::{DomainChange, InboundType, PendingDomain};
use directory::error::ItemError;
use directory::role::REGISTER_DOMAIN;
use directory::{Domain, DomainId};
use futures_util::future::join_all;
use wire::domains::{InternalDomain, VerifyDomain};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Code, Error};

use super::{domain_name, inbound_type, internal_row};
use crate::call::{Call, Reply};
use crate::core::Core;
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// Most items of a request: each is a DNS lookup, and all run at once. `[ours]`
const MAX_QUESTIONS: usize = 10;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/domain/verify-domain",
    method: Method::Post,
    summary: "Verifies domains by their TXT record. At most 10 items.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(VerifyDomain::FIELDS),
    row: InternalDomain::FIELDS,
    codes: &[
        Code::InvalidDomain,
        Code::NotOneOf,
        Code::NotFound,
        Code::DomainNotVerified,
        Code::DomainLookupFailed,
        Code::VerificationExpired,
        Code::DomainManaged,
        Code::AlreadyExists,
    ],
    run: Run::Signed(|call| Box::pin(verify_domain(call))),
};

async fn verify_domain(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<VerifyDomain>(MAX_QUESTIONS)?;
    let scope = call.scope(&REGISTER_DOMAIN, body.account_code.as_deref()).await?;
    // A verified domain is no longer pending: a repeated request must not look it up and fail.
    if let Some(reply) = call.recall().await? {
        return Ok(reply);
    }
    let (core, now, account) = (call.core, call.core.clock.now(), scope.account().id);
    let (mut keys, mut asked) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for Entry { key, item } in entries {
        keys.push(key);
        let read = item.and_then(|item| {
            let inbound_type = item.inbound_type.as_deref().map(inbound_type).transpose();
            match (domain_name(&item.domain), inbound_type) {
                (Ok(name), Ok(inbound_type)) => Ok((name, inbound_type)),
                (name, inbound_type) => Err(name.err().into_iter().chain(inbound_type.err()).collect()),
            }
        });
        asked.push(match read {
            Ok((name, inbound_type)) => {
                let found = call.timed(core.store.pending_domain(account, &name)).await?;
                let pending = found.ok_or(ItemError::NotFound("pending domain"));
                let live = pending.and_then(|pending| pending.live(now).map(|()| pending));
                live.map(|pending| (pending, inbound_type)).map_err(|why| vec![wrong("domain", &why)])
            }
            Err(errors) => Err(errors),
        });
    }
    // DNS lookups run before the write, so that only this request waits for them.
    let proven = join_all(asked.into_iter().map(|asked| prove_ownership(core, asked))).await;
    let ids = core.secure_ids();
    let step = |(key, proven): (_, Result<(PendingDomain, Option<InboundType>), _>)| {
        let plan = proven.map(|(pending, inbound_type)| {
            let inbound_type = inbound_type.unwrap_or(pending.inbound_type);
            let id = DomainId::at(now, &core.entropy.randomness());
            let domain = Domain { inbound_type, ..Domain::new(id, account, pending.name, now) };
            let row = internal_row(&ids, &domain);
            let change = DomainChange::Verify { pending: pending.id, id, inbound_type };
            Plan::done("domain", Change::Domain(change), &row)
        });
        Step { key, plan }
    };
    let steps = keys.into_iter().zip(proven).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}

/// Looks up the token in the DNS. In offline mode the registration itself is the proof. `[ours]`
async fn prove_ownership(
    core: &Core,
    asked: Result<(PendingDomain, Option<InboundType>), Vec<Error>>,
) -> Result<(PendingDomain, Option<InboundType>), Vec<Error>> {
    let (pending, inbound_type) = asked?;
    if !core.txt.offline() {
        let records = core.txt.records(&pending.name).await.map_err(|error| {
            vec![Error::in_field(Code::DomainLookupFailed, "domain", format!("Not looked up: {error}"))]
        })?;
        pending.proven_by(&records).map_err(|why| vec![wrong("domain", &why)])?;
    }
    Ok((pending, inbound_type))
}
