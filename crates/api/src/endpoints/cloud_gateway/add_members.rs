//! `POST /directory/cloud-gateway/v1/groups/{id}/members`: add-group-member of members of one group, each of which
//! succeeds or fails alone (spec/protocol.md 8; the results are `[ours]`).

use directory::application::Product;
use directory::change::Change;
use directory::groups;
use directory::role::GROUPS_EDIT;
use serde_json::Value;
use wire::Error;
use wire::item::{Entry, Item as _, Row as _};
use wire::rest::{ChangeMembers, ChangedMembers, NamesMember};

use super::{member_results, named_group, named_members};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::directory::{add_group_member, blamed_field, item_errors, judge_members};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: super::MEMBERS,
    method: Method::Post,
    summary: "Adds addresses and domains to a group.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Object(ChangeMembers::FIELDS),
    row: ChangedMembers::FIELDS,
    codes: add_group_member::CODES,
    run: Run::Signed(|call| Box::pin(add_members(call))),
};

async fn add_members(mut call: Call<'_>) -> Result<Reply, CallError> {
    let body = call.object::<ChangeMembers>()?;
    let scope = call.scope(&GROUPS_EDIT, None).await?;
    let group = match named_group(&mut call, scope.account().id).await? {
        Ok(group) => group.id,
        Err(refused) => return Ok(*refused),
    };
    let members = match named_members(body.item) {
        Ok(members) => members,
        Err(refused) => return Ok(*refused),
    };
    let addresses = members.iter().map(|entry| entry.item.as_ref().ok()?.email_address.as_deref());
    let judged = judge_members(&mut call, &scope, addresses).await?;
    let step = |(Entry { key, item }, judged): (Entry<NamesMember>, Result<(), _>)| {
        let plan = item.and_then(|NamesMember { email_address, domain, note }| {
            let change = groups::member(group, email_address.as_deref(), domain.as_deref(), note)
                .map_err(|all| item_errors(&all).into_iter().map(named_note).collect::<Vec<_>>())?;
            judged.map_err(|error| vec![error])?;
            let done = Plan::done("id", Change::Group(change), &Value::Object(key.clone()));
            Ok(done.blaming(blamed_field))
        });
        Step { key, plan }
    };
    let steps = members.into_iter().zip(judged).map(step).collect();
    call.carry_out_as(scope.evidence(), steps, member_results).await
}

/// The error with the name that the field has here; add-group-member has `notes`.
fn named_note(error: Error) -> Error {
    let is_note = error.field.as_deref() == Some("notes");
    if is_note { Error { field: Some("note".to_owned()), ..error } } else { error }
}
