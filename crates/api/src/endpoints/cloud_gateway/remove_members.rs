//! `POST /directory/cloud-gateway/v1/groups/{id}/remove-members`: remove-group-member of members of one group (spec/protocol.md 8).

use directory::GroupId;
use directory::application::Product;
use directory::groups::{GroupChange, Subject};
use directory::role::GROUPS_EDIT;
use wire::Error;
use wire::item::{Item as _, Row as _};
use wire::rest::{ChangeMembers, ChangedMembers, NamesMember};

use super::members::change_members;
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::directory::{item_errors, remove_group_member};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/directory/cloud-gateway/v1/groups/{id}/remove-members",
    method: Method::Post,
    summary: "Removes addresses and domains from a group.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Object(ChangeMembers::FIELDS),
    row: ChangedMembers::FIELDS,
    codes: remove_group_member::CODES,
    run: Run::Signed(|call| Box::pin(change_members(call, judge))),
};

fn judge(group: GroupId, member: NamesMember) -> Result<GroupChange, Vec<Error>> {
    let subject = Subject::parse(member.email_address.as_deref(), member.domain.as_deref());
    let subject = subject.map_err(|wrong| item_errors(&[wrong]))?;
    Ok(GroupChange::RemoveMember { group, subject })
}
