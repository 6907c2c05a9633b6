//! `GET /role/cloud-gateway/v1/roles` (spec/protocol.md 7). An account has few roles, so they are one page. `[ours]`

use directory::application::Product;
use directory::role::{BuiltIn, ROLES_READ};
use wire::envelope::Pagination;
use wire::item::{Item as _, Row as _};
use wire::rest::{NoQuery, PageMeta, Role, Roles};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::role;
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/role/cloud-gateway/v1/roles",
    method: Method::Get,
    summary: "Lists the roles of the account.",
    permission: Some(ROLES_READ),
    products: &[Product::EmailSecurityOnboarding, Product::RoleManagement],
    writes: false,
    takes: Takes::Query(NoQuery::FIELDS),
    row: Roles::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(list_roles(call))),
};

async fn list_roles(mut call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&ROLES_READ, None).await?;
    let account = scope.account().id;
    let own = call.timed(call.core.store.roles_of(account)).await?;
    let ids = call.core.secure_ids();
    let row = |role: directory::Role| {
        let role = role::row(&ids, account, &role);
        Role { id: role.id, role_name: role.name }
    };
    let roles: Vec<_> = BuiltIn::ALL.into_iter().map(BuiltIn::role).chain(own).map(row).collect();
    call.count(roles.len());
    let pagination =
        Pagination { page_size: roles.len() as u64, total_count: None, next: None, previous: None };
    Ok(Reply::bare(&Roles { roles, meta: PageMeta { pagination } }))
}
