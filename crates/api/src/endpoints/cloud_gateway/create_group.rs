//! `POST /directory/cloud-gateway/v1/groups`: create-group of one group (spec/protocol.md 8).

use directory::application::Product;
use directory::role::GROUPS_EDIT;
use wire::groups::CreateGroup;
use wire::item::{Item as _, Row as _};
use wire::rest::Created;

use super::GROUPS;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::directory::create_group;
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: GROUPS,
    method: Method::Post,
    summary: "Creates a group, with or without a parent.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Object(CreateGroup::FIELDS),
    row: Created::FIELDS,
    codes: create_group::CODES,
    run: Run::Signed(|call| Box::pin(create(call))),
};

async fn create(mut call: Call<'_>) -> Result<Reply, CallError> {
    let entry = call.object()?;
    let scope = call.scope(&GROUPS_EDIT, None).await?;
    let step = create_group::step(call.core, scope.account().id, entry, |row| Created { id: row.id });
    Ok(call.carry_out(scope.evidence(), vec![step]).await?.unwrapped(201))
}
