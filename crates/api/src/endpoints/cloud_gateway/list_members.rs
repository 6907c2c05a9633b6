//! `GET /directory/cloud-gateway/v1/groups/{id}/members`: the members of get-group-members, in the same order
//! (spec/protocol.md 8).

use directory::application::Product;
use directory::groups::{self, Subject};
use directory::port::Position;
use directory::role::GROUPS_READ;
use directory::user::AddressType;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::rest::{GroupMembers, Member, PageQuery};

use super::{MEMBERS, asked, cut, named_group};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::page;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: MEMBERS,
    method: Method::Get,
    summary: "Lists the members of a group, sorted by domain and address.",
    permission: Some(GROUPS_READ),
    products: &[Product::EmailSecurityOnboarding, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Query(PageQuery::FIELDS),
    row: GroupMembers::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound, Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(list_members(call))),
};

async fn list_members(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&GROUPS_READ, None).await?;
    let (core, account) = (call.core, scope.account().id);
    // The group and the member after which the page starts.
    let (from, size) = match asked::<([u8; 16], String)>(&call, account) {
        Ok(asked) => asked,
        Err(refused) => return Ok(*refused),
    };
    let group = match named_group(&mut call, account).await? {
        Ok(group) => group,
        Err(refused) => return Ok(*refused),
    };
    let from = match from {
        None => Position::Start,
        Some((of, after)) if of == *group.id.as_bytes() => Position::After(after),
        Some(_) => return Ok(Reply::errors(vec![page::invalid("pageToken")])),
    };
    let mut members = call.timed(core.store.list_members(&group, &from, size + 1)).await?;
    let ids = core.secure_ids();
    let meta = cut(&mut members, size, |member| {
        ids.page_token(MEMBERS, account, &(group.id.as_bytes(), member.subject.key()))
    });
    call.count(members.len());
    let group_members = members.into_iter().map(row).collect();
    Ok(Reply::bare(&GroupMembers { group_members, meta }))
}

fn row(member: groups::Member) -> Member {
    let says = |text: &String| !text.is_empty();
    Member {
        email_address: match &member.subject {
            Subject::Address(address) => Some(address.to_string()),
            Subject::Domain(_) => None,
        },
        domain: member.subject.domain().to_owned(),
        name: member.user.map(|(_, name)| name).filter(says),
        internal: member.domain.is_some(),
        kind: AddressType::CreatedManually.as_str().to_owned(),
        note: Some(member.notes).filter(says),
    }
}
