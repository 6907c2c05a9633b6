//! `GET /user/cloud-gateway/v1/users` (spec/protocol.md 8): the users of get-internal-users, in the same order.

use directory::application::Product;
use directory::port::Position;
use directory::role::INTERNAL_READ;
use wire::Code;
use wire::envelope::Pagination;
use wire::item::{Item as _, Row as _};
use wire::rest::{MAX_PAGE, PageMeta, PageQuery, Users};

use super::{USERS, row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::page;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: USERS,
    method: Method::Get,
    summary: "Lists users and aliases of the account: domain by domain, sorted by address.",
    permission: Some(INTERNAL_READ),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Query(PageQuery::FIELDS),
    row: Users::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(list_users(call))),
};

async fn list_users(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&INTERNAL_READ, None).await?;
    let query = match call.query::<PageQuery>().item {
        Ok(query) => query,
        Err(errors) => return Ok(Reply::errors(errors)),
    };
    let size = query.page_size.map_or(MAX_PAGE, |size| size.0);
    let (core, account) = (call.core, scope.account().id);
    let ids = core.secure_ids();
    let from = match ids.read_page(USERS, account, query.page_token.as_deref()) {
        Ok(from) => from.unwrap_or(Position::Start),
        Err(_) => return Ok(Reply::errors(vec![page::invalid("pageToken")])),
    };
    // One more row than the page, to detect a next page.
    let mut users = call.timed(core.store.list_users(account, None, &from, size + 1)).await?;
    let more = users.len() > size;
    users.truncate(size);
    let last = users.last().filter(|_| more);
    let next =
        last.map(|last| ids.page_token(USERS, account, &Position::After(last.address.key().to_owned())));
    call.count(users.len());
    let pagination = Pagination { page_size: users.len() as u64, total_count: None, next, previous: None };
    let users = users.iter().map(|user| row(&ids, user)).collect();
    Ok(Reply::bare(&Users { users, meta: PageMeta { pagination } }))
}
