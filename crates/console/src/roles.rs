//! Roles as a matrix, and who holds them.

use askama::Template;
use directory::Role;
use directory::role::{BuiltIn, PERMISSIONS, ROLES_EDIT, ROLES_READ};
use serde_json::json;

use super::shell::{Notice, Shell};
use super::visit::{Asked, Visit};
use super::{Page, PageError, Shown, page, users};
use api::endpoint::Method::{Get, Post};
use api::endpoints::role::{create_role, delete_role};

pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/roles", Get, ROLES_READ, |visit| Box::pin(show(visit))),
    page("/console/{account}/roles", Post, ROLES_EDIT, |visit| Box::pin(create(visit))),
    page("/console/{account}/roles/delete", Post, ROLES_EDIT, |visit| Box::pin(delete(visit))),
];

#[derive(Template)]
#[template(path = "roles.html")]
struct Roles {
    shell: Shell,
    roles: Vec<Column>,
    /// A permission, and whether each role holds it.
    permissions: Vec<(String, Vec<bool>)>,
    /// Address, path, role.
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

async fn show(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let notice = match visit.query.text("done") {
        "create" => Some(Notice::done("The role is created. Assign it to users on their pages.")),
        "delete" => Some(Notice::done("The role is deleted.")),
        _ => None,
    };
    render(visit, notice).await.map(Shown::Html)
}

async fn render(visit: &Visit<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (console, account) = (visit.console, visit.scope.account().id);
    let ids = console.core.secure_ids();
    let own = console.core.store.roles_of(account).await?;
    let roles: Vec<Role> = BuiltIn::ALL.map(BuiltIn::role).into_iter().chain(own).collect();
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
        shell: visit.shell("/roles", "Roles").with(notice),
        permissions: PERMISSIONS
            .iter()
            .map(|one| (one.to_string(), roles.iter().map(|role| role.allows(one)).collect()))
            .collect(),
        holders: here
            .iter()
            .map(|user| (user.address.to_string(), users::path(visit, user), name(user.role)))
            .collect(),
        roles: roles.iter().map(column).collect(),
        may_edit: visit.may(&ROLES_EDIT),
    };
    Ok(page.render()?)
}

async fn create(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let permissions: Vec<_> = visit.form.all("permission").collect();
    let item = json!({ "name": visit.form.text("name"), "permissions": permissions });
    let asked = visit.ask(&create_role::ENDPOINT, vec![item]).await?;
    back(visit, asked, "create").await
}

async fn delete(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let item = json!({ "id": visit.form.text("id") });
    let asked = visit.ask(&delete_role::ENDPOINT, vec![item]).await?;
    back(visit, asked, "delete").await
}

async fn back(visit: &Visit<'_>, asked: Asked, done: &str) -> Result<Shown, PageError> {
    match asked.errors() {
        errors if errors.is_empty() => Ok(Shown::Redirect(visit.path(&format!("/roles?done={done}")))),
        errors => render(visit, Some(Notice::bad(errors.join(" ")))).await.map(Shown::Wrong),
    }
}
