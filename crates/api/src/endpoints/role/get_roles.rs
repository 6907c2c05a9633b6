//! `POST /api/role/get-roles` `[ours]`

use directory::Role;
use directory::application::Product;
use directory::role::{BuiltIn, ROLES_READ};
use wire::Answer;
use wire::item::{Entry, Item as _, Row as _};
use wire::roles::{GetRoles, RoleRow};

use super::row;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/role/get-roles",
    method: Method::Post,
    summary: "Lists the roles of the account. [ours]",
    permission: Some(ROLES_READ),
    products: &[Product::RoleManagement],
    writes: false,
    takes: Takes::One(GetRoles::FIELDS),
    row: RoleRow::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(get_roles(call))),
};

async fn get_roles(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<GetRoles>()?;
    let scope = call.scope(&ROLES_READ, body.account_code.as_deref()).await?;
    let item = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let account = scope.account().id;
    let own = call.timed(call.core.store.roles_of(account)).await?;
    let wanted =
        |role: &Role| item.name.as_ref().is_none_or(|name| role.name.eq_ignore_ascii_case(name.trim()));
    let roles = BuiltIn::ALL.into_iter().map(BuiltIn::role).chain(own).filter(wanted);
    let ids = call.core.secure_ids();
    let rows = roles.map(|role| row(&ids, account, &role)).collect();
    Ok(Reply::of(&Answer::ran(rows, Vec::new())))
}
