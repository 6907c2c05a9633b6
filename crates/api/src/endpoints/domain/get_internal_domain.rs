//! `POST /api/domain/get-internal-domain` (spec/protocol.md 5, spec/clients.md 4.7).

use directory::application::Product;
use directory::port::Position;
use directory::role::INTERNAL_READ;
use wire::domains::{GetInternalDomain, InternalDomain};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Answer, Code};

use super::{domain_name, internal_row, list_reply, page_size};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::CallError;

const PATH: &str = "/api/domain/get-internal-domain";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Post,
    summary: "Lists the internal domains of the account.",
    permission: Some(INTERNAL_READ),
    products: &[Product::DomainManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Page(GetInternalDomain::FIELDS),
    row: InternalDomain::FIELDS,
    codes: &[Code::InvalidDomain, Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(get_internal_domain(call))),
};

async fn get_internal_domain(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<GetInternalDomain>()?;
    let scope = call.scope(&INTERNAL_READ, body.account_code.as_deref()).await?;
    let (store, account) = (&call.core.store, scope.account().id);
    let ids = call.core.secure_ids();
    let from = match ids.open_page(PATH, account, &body.page) {
        Ok(Some(from)) => from,
        Ok(None) => match item {
            Ok(item) => {
                let wanted = item.domain.filter(|domain| !domain.trim().is_empty());
                if let Some(domain) = wanted {
                    let name = match domain_name(&domain) {
                        Ok(name) => name,
                        Err(error) => return Ok(refused_item(key, vec![error])),
                    };
                    let found = call.timed(store.domain_of(account, &name)).await?;
                    let rows = found.iter().map(|domain| internal_row(&ids, domain)).collect();
                    return Ok(Reply::of(&Answer::ran(rows, Vec::new())));
                }
                Position::Start
            }
            Err(errors) => return Ok(refused_item(key, errors)),
        },
        Err(reply) => return Ok(*reply),
    };
    let found = call.timed(store.domains_of(account, &from, page_size(&body.page) + 1)).await?;
    Ok(list_reply((&ids, PATH, account), &body.page, &from, found, |domain| &domain.name, internal_row))
}
