//! `POST /user/cloud-gateway/v1/users`: create-user of one user, in the new style (spec/protocol.md 8). The fields of the
//! request, the rules and the deduplication by request id are create-user's `[ours]`.

use directory::application::Product;
use directory::role::INTERNAL_EDIT;
use wire::create_user::Item;
use wire::item::{Item as _, Row as _};
use wire::rest;

use super::{USERS, row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::user::creation;
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: USERS,
    method: Method::Post,
    summary: "Creates a cloud user in an internal directory.",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Object(Item::FIELDS),
    row: rest::User::FIELDS,
    codes: creation::CODES,
    run: Run::Signed(|call| Box::pin(create(call))),
};

async fn create(mut call: Call<'_>) -> Result<Reply, CallError> {
    let entry = call.object()?;
    Ok(creation::create_users(&mut call, None, vec![entry], row).await?.unwrapped(201))
}
