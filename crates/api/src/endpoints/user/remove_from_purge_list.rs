//! `POST /api/user/remove-from-purge-list` (spec/protocol.md 5).

use directory::application::Product;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::UNPURGE_ADDRESS;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::users::{Done, Purge};

use super::purge_list;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/remove-from-purge-list",
    method: Method::Post,
    summary: "Cancels the removal and enables the users.",
    permission: Some(UNPURGE_ADDRESS),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::One(Purge::FIELDS),
    row: Done::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::RoleNotCovered,
        Code::NotFound,
    ],
    run: Run::Signed(|call| Box::pin(remove_from_purge_list(call))),
};

async fn remove_from_purge_list(mut call: Call<'_>) -> Result<Reply, CallError> {
    purge_list(&mut call, &UNPURGE_ADDRESS, |user| match user.purge_at {
        Some(_) => Ok(Change::Purge(user.id, None)),
        None => Err(ItemError::NotFound("address on the purge list")),
    })
    .await
}
