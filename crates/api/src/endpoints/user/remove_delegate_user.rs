//! `POST /api/user/remove-delegate-user` (spec/protocol.md 5).

use directory::application::Product;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::ALTERNATE_ADDRESS;
use directory::{DelegateId, Scope};
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{DelegateDone, RemoveDelegate};

use super::find_delegate_users::KIND;
use super::role;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/remove-delegate-user",
    method: Method::Post,
    summary: "Revokes the right to read another user's mail.",
    permission: Some(ALTERNATE_ADDRESS),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(RemoveDelegate::FIELDS),
    row: DelegateDone::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound, Code::RoleNotCovered],
    run: Run::Signed(|call| Box::pin(remove_delegate_user(call))),
};

async fn remove_delegate_user(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<RemoveDelegate>(MAX_ITEMS)?;
    let scope = call.scope(&ALTERNATE_ADDRESS, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let mut steps = Vec::with_capacity(entries.len());
    for Entry { key, item } in entries {
        let plan = match item {
            Ok(RemoveDelegate { id }) => {
                // The id is bound to the account: ids of other accounts are invalid here.
                let judged = match core.secure_ids().open_id(KIND, account, &id) {
                    Ok(delegate) => {
                        judge_removal(&mut call, &scope, DelegateId::from_bytes(delegate)).await?
                    }
                    Err(why) => Err(why),
                };
                judged
                    .map(|change| Plan::done("id", change, &DelegateDone { id, success: true }))
                    .map_err(|why| vec![wrong("id", &why)])
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}

/// Both users change: one loses a permission, the other a reader.
async fn judge_removal(
    call: &mut Call<'_>,
    scope: &Scope,
    id: DelegateId,
) -> Result<Result<Change, ItemError>, CallError> {
    let store = &call.core.store;
    let Some(delegate) = call.timed(store.delegate(id)).await? else {
        return Ok(Err(ItemError::NotFound("delegation")));
    };
    for found in call.timed(store.users_by_id(&[delegate.primary, delegate.delegate])).await? {
        let Some(user) = found else { continue };
        let role = role(call, &user).await?;
        if let Err(why) = call.user(scope, (Some(user), role)) {
            return Ok(Err(why));
        }
    }
    Ok(Ok(Change::RemoveDelegate(id)))
}
