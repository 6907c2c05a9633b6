//! `POST /directory/cloud-gateway/v1/groups/{id}/members`: add-group-member of members of one group (spec/protocol.md 8).

use directory::GroupId;
use directory::application::Product;
use directory::groups::{self, GroupChange};
use directory::role::GROUPS_EDIT;
use wire::Error;
use wire::item::{Item as _, Row as _};
use wire::rest::{ChangeMembers, ChangedMembers, NamesMember};

use super::members::change_members;
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::directory::{add_group_member, item_errors};

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
    run: Run::Signed(|call| Box::pin(change_members(call, judge))),
};

fn judge(group: GroupId, member: NamesMember) -> Result<GroupChange, Vec<Error>> {
    let NamesMember { email_address, domain, note } = member;
    groups::member(group, email_address.as_deref(), domain.as_deref(), note)
        .map_err(|all| item_errors(&all).into_iter().map(named_note).collect())
}

/// The error with the name that the field has here; add-group-member has `notes`.
fn named_note(error: Error) -> Error {
    let is_note = error.field.as_deref() == Some("notes");
    if is_note { Error { field: Some("note".to_owned()), ..error } } else { error }
}
