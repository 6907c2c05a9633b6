//! `POST /api/domain/create-domain` (spec/protocol.md 5): registers a domain.

use directory::application::Product;
use directory::change::{Change, Effect};
use directory::domains::{DomainChange, PendingDomain, Registered};
use directory::role::REGISTER_DOMAIN;
use directory::{DomainId, PendingDomainId};
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::domains::{CreateDomain, RegisteredDomain};
use wire::item::{Entry, Item as _, Row as _};

use super::{KIND, domain_name, inbound_type, pending_row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/domain/create-domain",
    method: Method::Post,
    summary: "Registers domains; a subdomain of an internal domain is internal at once, others after verification.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(CreateDomain::FIELDS),
    row: RegisteredDomain::FIELDS,
    codes: &[Code::InvalidDomain, Code::NotOneOf, Code::AlreadyExists, Code::DomainManaged],
    run: Run::Signed(|call| Box::pin(create_domain(call))),
};

async fn create_domain(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<CreateDomain>(MAX_ITEMS)?;
    let scope = call.scope(&REGISTER_DOMAIN, body.account_code.as_deref()).await?;
    let (core, now, account) = (call.core, call.core.clock.now(), scope.account().id);
    let ids = core.secure_ids();
    let step = |Entry { key, item }: Entry<CreateDomain>| {
        let plan = item.and_then(|item| {
            let (name, inbound_type) = match (domain_name(&item.domain), inbound_type(&item.inbound_type)) {
                (Ok(name), Ok(inbound_type)) => (name, inbound_type),
                (name, inbound_type) => {
                    return Err(name.err().into_iter().chain(inbound_type.err()).collect());
                }
            };
            let mut random = [0; 16];
            core.entropy.fill(&mut random);
            let registered = PendingDomain::new(
                PendingDomainId::at(now, &core.entropy.randomness()),
                account,
                name,
                inbound_type,
                &random,
                now,
            );
            let id = DomainId::at(now, &core.entropy.randomness());
            let waiting = pending_row(&ids, &registered);
            let internal = ids.seal(KIND, account, id.as_bytes());
            let row = move |effect: &Effect| match effect {
                Effect::Domain(registered) if matches!(**registered, Registered::Internal(_)) => {
                    RegisteredDomain { id: internal.clone(), token: None, expiry: None, ..waiting.clone() }
                }
                _ => waiting.clone(),
            };
            Ok(Plan::change("domain", Change::Domain(DomainChange::Register(registered, id)), row))
        });
        Step { key, plan }
    };
    let steps = entries.into_iter().map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
