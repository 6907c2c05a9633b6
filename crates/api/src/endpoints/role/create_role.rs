//! `POST /api/role/create-role` `[ours]`

use directory::RoleId;
use directory::application::Product;
use directory::change::Change;
use directory::role::ROLES_EDIT;
use directory::roles::{self, Field};
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::item::{Entry, Item as _, Row as _};
use wire::roles::{CreateRole, RoleRow};

use super::row;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/role/create-role",
    method: Method::Post,
    summary: "Creates roles from permissions that the caller holds. [ours]",
    permission: Some(ROLES_EDIT),
    products: &[Product::RoleManagement],
    writes: true,
    takes: Takes::Items(CreateRole::FIELDS),
    row: RoleRow::FIELDS,
    codes: &[Code::Length, Code::Characters, Code::NotOneOf, Code::RoleNotCovered, Code::AlreadyExists],
    run: Run::Signed(|call| Box::pin(create_role(call))),
};

async fn create_role(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<CreateRole>(MAX_ITEMS)?;
    let scope = call.scope(&ROLES_EDIT, body.account_code.as_deref()).await?;
    let (core, now) = (call.core, call.core.clock.now());
    let step = |Entry { key, item }: Entry<CreateRole>| {
        let plan = item.and_then(|item| {
            let id = RoleId::at(now, &core.entropy.randomness());
            let role = roles::create(&scope, id, &item.name, &item.permissions).map_err(|all| {
                all.iter().map(|(field, why)| wrong(field_name(*field), why)).collect::<Vec<_>>()
            })?;
            let row = row(&core.secure_ids(), scope.account().id, &role);
            Ok(Plan::done("name", Change::AddRole(role), &row))
        });
        Step { key, plan }
    };
    let steps = entries.into_iter().map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Permissions => "permissions",
    }
}
