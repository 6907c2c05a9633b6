//! `POST /api/domain/get-verification-code` (spec/protocol.md 5).

use directory::application::Product;
use directory::error::ItemError;
use directory::role::REGISTER_DOMAIN;
use wire::domains::{NamesDomain, VerificationCode};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Answer, Code, Failure};

use super::{MAX_LOOKUPS, domain_name};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/domain/get-verification-code",
    method: Method::Post,
    summary: "Shows the TXT value to publish. At most 50 items.",
    permission: Some(REGISTER_DOMAIN),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Items(NamesDomain::FIELDS),
    row: VerificationCode::FIELDS,
    codes: &[Code::InvalidDomain, Code::NotFound, Code::VerificationExpired],
    run: Run::Signed(|call| Box::pin(get_verification_code(call))),
};

async fn get_verification_code(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<NamesDomain>(MAX_LOOKUPS)?;
    let scope = call.scope(&REGISTER_DOMAIN, body.account_code.as_deref()).await?;
    let (store, now) = (&call.core.store, call.core.clock.now());
    call.count(entries.len());
    let (mut data, mut fail) = (Vec::new(), Vec::new());
    for Entry { key, item } in entries {
        let found = match item.and_then(|item| domain_name(&item.domain).map_err(|error| vec![error])) {
            Ok(name) => Ok(call.timed(store.pending_domain(scope.account().id, &name)).await?),
            Err(errors) => Err(errors),
        };
        let shown = found.and_then(|found| {
            let pending = found.ok_or(ItemError::NotFound("pending domain"));
            let live = pending.and_then(|pending| pending.live(now).map(|()| pending));
            live.map_err(|why| vec![wrong("domain", &why)])
        });
        match shown {
            Ok(pending) => {
                data.push(VerificationCode { domain: pending.name.to_string(), token: pending.token });
            }
            Err(errors) => fail.push(Failure::of(key, errors)),
        }
    }
    Ok(Reply::of(&Answer::ran(data, fail)))
}
