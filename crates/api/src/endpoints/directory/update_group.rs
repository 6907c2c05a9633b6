//! `POST /api/directory/update-group` (spec/protocol.md 5). An item with only the id is a read `[ours]`.

use std::sync::Arc;

use directory::application::Product;
use directory::change::{Change, Effect};
use directory::error::ItemError;
use directory::groups::GroupChange;
use directory::role::SYNC_EDIT;
use wire::body::MAX_ITEMS;
use wire::groups::{GroupRow, UpdateGroup};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Code, Error};

use super::{blamed_field, group_id, group_name, parent_id, row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::secure_id::SecureIds;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/directory/update-group",
    method: Method::Post,
    summary: "Renames and moves groups; an item with only the id is read.",
    permission: Some(SYNC_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(UpdateGroup::FIELDS),
    row: GroupRow::FIELDS,
    codes: &[
        Code::InvalidId,
        Code::NotFound,
        Code::Length,
        Code::Characters,
        Code::AlreadyExists,
        Code::GroupPlacement,
    ],
    run: Run::Signed(|call| Box::pin(update_group(call))),
};

async fn update_group(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<UpdateGroup>(MAX_ITEMS)?;
    let scope = call.scope(&SYNC_EDIT, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let ids = core.secure_ids();
    let mut steps = Vec::with_capacity(entries.len());
    for Entry { key, item } in entries {
        let change = item.and_then(|item| {
            let id = group_id(&ids, account, &item.id);
            let description = item.description.as_deref().map(group_name).transpose();
            let parent = item.parent_id.as_deref().map(|id| parent_id(&ids, account, id)).transpose();
            match (id, description, parent) {
                (Ok(id), Ok(description), Ok(parent)) => Ok((id, description, parent)),
                (id, description, parent) => {
                    let all: Vec<Error> =
                        id.err().into_iter().chain(description.err()).chain(parent.err()).collect();
                    Err(all)
                }
            }
        });
        let plan = match change {
            Ok((id, None, None)) => match call.timed(core.store.group(id)).await? {
                Some(group) => Ok(Plan::read(&row(&ids, &group))),
                None => Err(vec![wrong("id", &ItemError::NotFound("group"))]),
            },
            Ok((id, description, parent)) => {
                let sealing = Arc::clone(&core.store.keys().secure_id);
                let shown = move |effect: &Effect| match effect {
                    Effect::Group(group) => row(&SecureIds::new(&sealing), group),
                    _ => GroupRow::default(),
                };
                let change = Change::Group(GroupChange::Update { id, description, parent });
                Ok(Plan::change("id", change, shown).blaming(blamed_field))
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}
