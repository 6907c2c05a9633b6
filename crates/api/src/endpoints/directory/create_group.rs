//! `POST /api/directory/create-group` (spec/protocol.md 5).

use directory::application::Product;
use directory::change::Change;
use directory::groups::{Group, GroupChange};
use directory::role::GROUPS_EDIT;
use directory::{AccountId, GroupId};
use serde::Serialize;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::groups::{CreateGroup, GroupRow};
use wire::item::{Entry, Item as _, Row as _};

use super::{blamed_field, group_name, parent_id, row};
use crate::call::{Call, Reply};
use crate::core::Core;
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/directory/create-group",
    method: Method::Post,
    summary: "Creates groups, with or without a parent.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(CreateGroup::FIELDS),
    row: GroupRow::FIELDS,
    codes: CODES,
    run: Run::Signed(|call| Box::pin(create_group(call))),
};

/// The codes of a refused group.
pub(in crate::endpoints) const CODES: &[Code] = &[
    Code::Length,
    Code::Characters,
    Code::AlreadyExists,
    Code::InvalidId,
    Code::NotFound,
    Code::GroupPlacement,
];

async fn create_group(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<CreateGroup>(MAX_ITEMS)?;
    let scope = call.scope(&GROUPS_EDIT, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let step = |entry| step(core, account, entry, |row| row);
    let steps = entries.into_iter().map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}

/// The step of a new group, with what is shown of its row.
pub(in crate::endpoints) fn step<T: Serialize>(
    core: &Core,
    account: AccountId,
    Entry { key, item }: Entry<CreateGroup>,
    shown: fn(GroupRow) -> T,
) -> Step {
    let ids = core.secure_ids();
    let plan = item.and_then(|item| {
        let parent = parent_id(&ids, account, item.parent_id.as_deref().unwrap_or_default());
        let (description, parent) = match (group_name(&item.description), parent) {
            (Ok(description), Ok(parent)) => (description, parent),
            (description, parent) => {
                return Err(description.err().into_iter().chain(parent.err()).collect());
            }
        };
        let id = GroupId::at(core.clock.now(), &core.entropy.randomness());
        let group = Group { id, account, parent, description, users: 0, folders: 0 };
        let row = shown(row(&ids, &group));
        Ok(Plan::done("description", Change::Group(GroupChange::Add(group)), &row).blaming(blamed_field))
    });
    Step { key, plan }
}
