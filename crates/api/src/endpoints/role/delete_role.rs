//! `POST /api/role/delete-role` `[ours]`

use directory::RoleId;
use directory::application::Product;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::ROLES_EDIT;
use directory::roles;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::item::{Entry, Item as _, Row as _};
use wire::roles::{DeleteRole, RoleGone};

use super::KIND;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/role/delete-role",
    method: Method::Post,
    summary: "Deletes roles without holders. [ours]",
    permission: Some(ROLES_EDIT),
    products: &[Product::RoleManagement],
    writes: true,
    takes: Takes::Items(DeleteRole::FIELDS),
    row: RoleGone::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound, Code::RoleNotCovered, Code::RoleHeld],
    run: Run::Signed(|call| Box::pin(delete_role(call))),
};

async fn delete_role(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<DeleteRole>(MAX_ITEMS)?;
    let scope = call.scope(&ROLES_EDIT, body.account_code.as_deref()).await?;
    let core = call.core;
    let mut steps = Vec::with_capacity(entries.len());
    for Entry { key, item } in entries {
        let plan = match item {
            Ok(DeleteRole { id }) => {
                let opened = core.secure_ids().open_id(KIND, scope.account().id, &id);
                let found = match &opened {
                    Ok(role) => call.timed(core.store.role(RoleId::from_bytes(*role))).await?,
                    Err(_) => None,
                };
                let judge = || {
                    opened?;
                    let role = roles::of_account(&scope, found)?;
                    // A built-in role belongs to no account.
                    role.account.ok_or(ItemError::NotFound("role of the account's own"))?;
                    scope.covers(Some(&role))?;
                    Ok(Plan::done("id", Change::RemoveRole(role.id), &RoleGone { id }))
                };
                judge().map_err(|why: ItemError| vec![wrong("id", &why)])
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}
