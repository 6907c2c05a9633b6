//! `POST /api/directory/get-group-members` (spec/protocol.md 5, 1c).

use directory::GroupId;
use directory::application::Product;
use directory::error::ItemError;
use directory::groups::{Member, Subject};
use directory::port::Position;
use directory::role::GROUPS_READ;
use directory::user::AddressType;
use serde::{Deserialize, Serialize};
use wire::groups::{GroupMembers, MemberRow, NamesGroup};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Answer, Code};

use super::group_id;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};
use crate::page;

const PATH: &str = "/api/directory/get-group-members";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Post,
    summary: "Lists the members of a group, sorted by domain and address.",
    permission: Some(GROUPS_READ),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Page(NamesGroup::FIELDS),
    row: GroupMembers::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound, Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(get_group_members(call))),
};

/// The content of a page token.
#[derive(Serialize, Deserialize)]
struct State {
    group: [u8; 16],
    from: Position,
}

async fn get_group_members(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<NamesGroup>()?;
    let scope = call.scope(&GROUPS_READ, body.account_code.as_deref()).await?;
    let (store, account) = (&call.core.store, scope.account().id);
    let ids = call.core.secure_ids();
    let State { group, from } = match ids.open_page(PATH, account, &body.page) {
        Ok(Some(state)) => state,
        Ok(None) => {
            match item.and_then(|item| group_id(&ids, account, &item.id).map_err(|error| vec![error])) {
                Ok(group) => State { group: *group.as_bytes(), from: Position::Start },
                Err(errors) => return Ok(refused_item(key, errors)),
            }
        }
        Err(reply) => return Ok(*reply),
    };
    let Some(group) = call.timed(store.group(GroupId::from_bytes(group))).await? else {
        return Ok(refused_item(key, vec![wrong("id", &ItemError::NotFound("group"))]));
    };
    let size = body.page.size;
    let mut members = call.timed(store.list_members(&group, &from, size + 1)).await?;
    let around = page::cut(&mut members, size, &from, |member: &Member| member.subject.key().to_owned());
    let token = |from| ids.page_token(PATH, account, &State { group: *group.id.as_bytes(), from });
    let pagination = around.pagination(members.len(), group.users, token);
    call.count(members.len());
    let row = GroupMembers { group_members: members.into_iter().map(row).collect() };
    Ok(Reply::of(&Answer::page(vec![row], pagination)))
}

fn row(member: Member) -> MemberRow {
    let says = |text: &String| !text.is_empty();
    MemberRow {
        email_address: match &member.subject {
            Subject::Address(address) => address.to_string(),
            Subject::Domain(_) => String::new(),
        },
        domain: member.subject.domain().to_owned(),
        internal: member.domain.is_some(),
        member_type: AddressType::CreatedManually.as_str().to_owned(),
        name: member.user.map(|(_, name)| name).filter(says),
        notes: Some(member.notes).filter(says),
    }
}
