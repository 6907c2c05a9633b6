//! `GET /user/cloud-gateway/v1/users` (spec/protocol.md 8): the users of get-internal-users, in the same order.

use directory::application::Product;
use directory::port::Position;
use directory::role::INTERNAL_READ;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::rest::{PageQuery, Users};

use super::{USERS, asked, cut, row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

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
    let (core, account) = (call.core, scope.account().id);
    let (from, size) = match asked(&call, account) {
        Ok(asked) => asked,
        Err(refused) => return Ok(*refused),
    };
    let from = from.unwrap_or(Position::Start);
    let mut users = call.timed(core.store.list_users(account, None, &from, size + 1)).await?;
    let ids = core.secure_ids();
    let meta = cut(&mut users, size, |last| {
        ids.page_token(USERS, account, &Position::After(last.address.key().to_owned()))
    });
    call.count(users.len());
    let users = users.iter().map(|user| row(&ids, user)).collect();
    Ok(Reply::bare(&Users { users, meta }))
}
