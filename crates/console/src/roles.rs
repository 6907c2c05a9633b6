//! The matrix of roles and permissions, and the users with a role.

use askama::Template;
use directory::Role;
use directory::role::{PERMISSIONS, ROLES_EDIT, ROLES_READ};
use wire::roles::{CreateRole, DeleteRole};

use super::request::PageRequest;
use super::shell::{Notice, Shell};
use super::{Page, PageError, PageResponse, endpoints, page, users};
use crate::method::Method::{Get, Post};

pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/roles", Get, ROLES_READ, |request| Box::pin(show(request))),
    page("/console/{account}/roles", Post, ROLES_EDIT, |request| Box::pin(create(request))),
    page("/console/{account}/roles/delete", Post, ROLES_EDIT, |request| Box::pin(delete(request))),
];

#[derive(Template)]
#[template(path = "roles.html")]
struct Roles {
    shell: Shell,
    roles: Vec<Column>,
    /// A permission, and whether each role has it.
    permissions: Vec<(String, Vec<bool>)>,
    /// Address, path and role.
    holders: Vec<(String, String, String)>,
    may_edit: bool,
}

struct Column {
    id: String,
    name: String,
    own: bool,
    partner: bool,
    holders: usize,
}

async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = match request.query.text("done") {
        "create" => Some(Notice::success("The role is created. Assign it to users on their pages.")),
        "delete" => Some(Notice::success("The role is deleted.")),
        _ => None,
    };
    render(request, notice).await.map(PageResponse::Html)
}

async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (console, account) = (request.console, request.scope.account().id);
    let ids = console.core.secure_ids();
    let roles = request.roles().await?;
    let administrators = console.core.store.list_administrators().await?;
    let here: Vec<_> = administrators.iter().filter(|user| user.account == account).collect();
    let column = |role: &Role| Column {
        id: ids.seal("role", account, role.id.as_bytes()),
        name: role.name.clone(),
        own: role.account.is_some(),
        partner: role.partner,
        holders: here.iter().filter(|user| user.role == Some(role.id)).count(),
    };
    let name =
        |id| roles.iter().find(|role| Some(role.id) == id).map_or("gone", |role| &role.name).to_owned();
    let page = Roles {
        shell: request.shell("/roles", "Roles").with_notice(notice),
        permissions: PERMISSIONS
            .iter()
            .map(|one| (one.to_string(), roles.iter().map(|role| role.allows(one)).collect()))
            .collect(),
        holders: here
            .iter()
            .map(|user| (user.address.to_string(), users::user_path(request, user), name(user.role)))
            .collect(),
        roles: roles.iter().map(column).collect(),
        may_edit: request.may(&ROLES_EDIT),
    };
    Ok(page.render()?)
}

async fn create(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = CreateRole {
        name: request.form.text("name").to_owned(),
        permissions: request.form.all("permission").map(str::to_owned).collect(),
    };
    let result = request.call_endpoint(&endpoints::CREATE_ROLE, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), "create").await
}

async fn delete(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = DeleteRole { id: request.form.text("id").to_owned() };
    let result = request.call_endpoint(&endpoints::DELETE_ROLE, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), "delete").await
}

async fn redirect_or_show_errors(
    request: &PageRequest<'_>,
    errors: &[String],
    done: &str,
) -> Result<PageResponse, PageError> {
    if errors.is_empty() {
        return Ok(PageResponse::Redirect(request.path(&format!("/roles?done={done}"))));
    }
    render(request, Some(Notice::error(errors.join(" ")))).await.map(PageResponse::Invalid)
}
