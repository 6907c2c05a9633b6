//! `GET /directory/cloud-gateway/v1/groups/{id}` (spec/protocol.md 8).

use directory::application::Product;
use directory::role::GROUPS_READ;
use wire::Code;
use wire::groups::GroupRow;
use wire::item::{Item as _, Row as _};
use wire::rest::NoQuery;

use super::named_group;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::directory::row;
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/directory/cloud-gateway/v1/groups/{id}",
    method: Method::Get,
    summary: "Shows a group.",
    permission: Some(GROUPS_READ),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Query(NoQuery::FIELDS),
    row: GroupRow::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound],
    run: Run::Signed(|call| Box::pin(get_group(call))),
};

async fn get_group(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&GROUPS_READ, None).await?;
    match named_group(&mut call, scope.account().id).await? {
        Ok(group) => Ok(Reply::bare(&row(&call.core.secure_ids(), &group))),
        Err(refused) => Ok(*refused),
    }
}
