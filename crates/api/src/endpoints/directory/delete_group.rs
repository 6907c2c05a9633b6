//! `POST /api/directory/delete-group` (spec/protocol.md 5; which groups are kept is `[ours]`).

use directory::application::Product;
use directory::change::Change;
use directory::groups::GroupChange;
use directory::port::Affected;
use directory::role::GROUPS_EDIT;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::groups::{GroupGone, NamesGroup};
use wire::item::{Entry, Item as _, Row as _};

use super::group_id;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/directory/delete-group",
    method: Method::Post,
    summary: "Deletes groups without subgroups.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(NamesGroup::FIELDS),
    row: GroupGone::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound, Code::GroupHasFolders, Code::RoleNotCovered],
    run: Run::Signed(|call| Box::pin(delete_group(call))),
};

async fn delete_group(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<NamesGroup>(MAX_ITEMS)?;
    let scope = call.scope(&GROUPS_EDIT, body.account_code.as_deref()).await?;
    let (ids, account) = (call.core.secure_ids(), scope.account().id);
    let mut steps = Vec::with_capacity(entries.len());
    for Entry { key, item } in entries {
        let plan = match item {
            Ok(NamesGroup { id }) => match group_id(&ids, account, &id) {
                Ok(group) => {
                    // Deleting a group removes every member from it.
                    let roles = call.timed(call.core.store.roles_among(Affected::Members(group))).await?;
                    let covered = roles.iter().try_for_each(|role| scope.covers(Some(role)));
                    covered.map_err(|why| vec![wrong("id", &why)]).map(|()| {
                        Plan::done("id", Change::Group(GroupChange::Remove(group)), &GroupGone { id })
                    })
                }
                Err(error) => Err(vec![error]),
            },
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}
