//! `POST /api/role/assign-role` `[ours]`

use directory::RoleId;
use directory::application::Product;
use directory::change::Change;
use directory::role::ROLES_EDIT;
use directory::roles;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::roles::{AssignRole, RoleAssigned};

use super::KIND;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::user::{Named, named_users};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/role/assign-role",
    method: Method::Post,
    summary: "Assigns or removes users' roles. [ours]",
    permission: Some(ROLES_EDIT),
    products: &[Product::RoleManagement],
    writes: true,
    takes: Takes::Items(AssignRole::FIELDS),
    row: RoleAssigned::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::InvalidId,
        Code::NotFound,
        Code::RoleNotCovered,
        Code::LastSuperAdministrator,
    ],
    run: Run::Signed(|call| Box::pin(assign_role(call))),
};

async fn assign_role(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<AssignRole>(&mut call, &ROLES_EDIT, "emailAddress", |item| &item.email_address).await?;
    let core = call.core;
    let mut steps = Vec::with_capacity(named.len());
    for Named { key, named } in named {
        let plan = match named {
            Ok((item, user)) => {
                let opened = item
                    .id
                    .filter(|id| !id.is_empty())
                    .map(|id| core.secure_ids().open_id(KIND, scope.account().id, &id))
                    .transpose();
                let found = match &opened {
                    Ok(Some(role)) => call.timed(core.store.role(RoleId::from_bytes(*role))).await?,
                    Ok(None) | Err(_) => None,
                };
                let after = match opened {
                    Ok(None) => Ok(None),
                    Ok(Some(_)) => roles::of_account(&scope, found).map(Some),
                    Err(why) => Err(why),
                };
                let judged = after.and_then(|after| scope.covers(after.as_ref()).map(|()| after));
                judged.map_err(|why| vec![wrong("id", &why)]).map(|after| {
                    let change = Change::SetRole(user.id, after.as_ref().map(|role| role.id));
                    let row = RoleAssigned {
                        email_address: user.address.to_string(),
                        role: after.map(|role| role.name),
                    };
                    Plan::done("emailAddress", change, &row)
                })
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}
