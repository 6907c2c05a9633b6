//! `GET /directory/cloud-gateway/v1/groups`: the groups of find-groups, in the same order (spec/protocol.md 8).

use directory::GroupId;
use directory::application::Product;
use directory::port::Position;
use directory::role::GROUPS_READ;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::rest::{Groups, PageQuery};

use super::{GROUPS, asked, cut};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::directory::row;
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: GROUPS,
    method: Method::Get,
    summary: "Lists the groups of the account.",
    permission: Some(GROUPS_READ),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Query(PageQuery::FIELDS),
    row: Groups::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(list_groups(call))),
};

async fn list_groups(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&GROUPS_READ, None).await?;
    let (core, account) = (call.core, scope.account().id);
    let (from, size) = match asked::<[u8; 16]>(&call, account) {
        Ok(asked) => asked,
        Err(refused) => return Ok(*refused),
    };
    let after = |id| Position::After(GroupId::from_bytes(id).to_string());
    let from = from.map_or(Position::Start, after);
    let mut groups = call.timed(core.store.list_groups(account, None, &from, size + 1)).await?;
    let ids = core.secure_ids();
    let meta = cut(&mut groups, size, |group| ids.page_token(GROUPS, account, group.id.as_bytes()));
    call.count(groups.len());
    let groups = groups.iter().map(|group| row(&ids, group)).collect();
    Ok(Reply::bare(&Groups { groups, meta }))
}
