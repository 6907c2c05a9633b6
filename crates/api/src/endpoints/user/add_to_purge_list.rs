//! `POST /api/user/add-to-purge-list` (spec/protocol.md 5; what the list does is `[ours]`).

use directory::application::Product;
use directory::change::Change;
use directory::role::PURGE_ADDRESS;
use jiff::SignedDuration;
use wire::item::{Item as _, Row as _};
use wire::users::{Done, Purge};

use super::{CHANGES_USER, purge_list};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// How long a user stays on the list before it is removed. `[ours]`
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/add-to-purge-list",
    method: Method::Post,
    summary: "Disables users and removes them after 30 days.",
    permission: Some(PURGE_ADDRESS),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::One(Purge::FIELDS),
    row: Done::FIELDS,
    codes: CHANGES_USER,
    run: Run::Signed(|call| Box::pin(add_to_purge_list(call))),
};

async fn add_to_purge_list(mut call: Call<'_>) -> Result<Reply, CallError> {
    let at = call.core.clock.now().checked_add(GRACE).ok();
    purge_list(&mut call, &PURGE_ADDRESS, |user| Ok(Change::Purge(user.id, at))).await
}
