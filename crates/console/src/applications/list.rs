//! The applications of an account, and how one is registered.

use askama::Template;
use directory::Role;
use directory::application::Product;
use directory::applications;
use directory::change::Change;
use directory::role::{APPLICATIONS_EDIT, BuiltIn};
use secrecy::ExposeSecret;

use crate::shell::{Notice, Shell};
use crate::usage::{self, Used};
use crate::visit::Visit;
use crate::when::When;
use crate::{PageError, Shown};
use directory::credentials::new_application;

#[derive(Template)]
#[template(path = "applications/list.html")]
struct List {
    shell: Shell,
    applications: Vec<Row>,
    clients: Vec<ClientRow>,
    roles: Vec<(String, String)>,
    products: Vec<&'static str>,
    may_edit: bool,
}

struct Row {
    path: String,
    name: String,
    app_id: String,
    disabled: bool,
    made: When,
}

struct ClientRow {
    name: String,
    client_id: String,
    role: String,
    products: String,
    made: When,
    used: Option<Used>,
}

#[derive(Template)]
#[template(path = "applications/registered.html")]
struct Registered {
    shell: Shell,
    name: String,
    app_id: String,
    app_key: String,
    path: String,
}

pub(super) async fn list(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let notice = match visit.query.text("done") {
        "disable" => Some(Notice::done("The application is disabled: its requests are refused from now on.")),
        _ => None,
    };
    render(visit, notice).await.map(Shown::Html)
}

/// All roles that can be given in the account.
pub(super) async fn roles(visit: &Visit<'_>) -> Result<Vec<Role>, PageError> {
    let own = visit.console.core.store.roles_of(visit.scope.account().id).await?;
    Ok(BuiltIn::ALL.map(BuiltIn::role).into_iter().chain(own).collect())
}

pub(super) async fn render(visit: &Visit<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (console, account) = (visit.console, visit.scope.account().id);
    let roles = roles(visit).await?;
    let role = |id| roles.iter().find(|role| role.id == id).map_or("gone", |role| &role.name).to_owned();
    let applications = console.core.store.list_applications().await?.into_iter();
    let mut clients = console.core.store.list_clients().await?;
    clients.retain(|client| client.account == account);
    let credentials: Vec<_> = clients.iter().map(|client| *client.id.as_bytes()).collect();
    let used = usage::of(visit, &credentials).await?;
    let page = List {
        shell: visit.shell("/applications", "Applications").with(notice),
        applications: applications
            .filter(|application| application.account == account)
            .map(|application| Row {
                path: visit.path(&format!("/applications/{}", application.app_id)),
                name: application.name,
                app_id: application.app_id,
                disabled: application.disabled_at.is_some(),
                made: When(application.created_at),
            })
            .collect(),
        clients: clients
            .into_iter()
            .zip(used)
            .map(|(client, used)| ClientRow {
                role: role(client.role),
                products: client
                    .products
                    .iter()
                    .map(|product| product.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                name: client.name,
                client_id: client.client_id,
                made: When(client.created_at),
                used,
            })
            .collect(),
        roles: roles
            .iter()
            .filter(|role| visit.scope.covers(Some(role)).is_ok())
            .map(|role| {
                (console.core.secure_ids().seal("role", account, role.id.as_bytes()), role.name.clone())
            })
            .collect(),
        products: Product::ALL.map(Product::as_str).to_vec(),
        may_edit: visit.may(&APPLICATIONS_EDIT),
    };
    Ok(page.render()?)
}

pub(super) async fn register(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let judge = async |visit: &Visit<'_>| {
        let (console, name) = (visit.console, visit.form.text("name"));
        Ok(applications::name(name).map_err(|why| why.to_string()).map(|()| {
            let made = new_application(
                &*console.core.entropy,
                visit.scope.account().id,
                name,
                console.core.clock.now(),
            );
            (vec![Change::AddApplication(made.clone())], made)
        }))
    };
    let made = match visit.change(judge).await? {
        Ok(made) => made,
        Err(why) => return refused(visit, why).await,
    };
    let page = Registered {
        shell: visit.shell("/applications", "Application registered"),
        name: made.name,
        path: visit.path(&format!("/applications/{}", made.app_id)),
        app_key: made.app_key.expose_secret().to_owned(),
        app_id: made.app_id,
    };
    Ok(Shown::Html(page.render()?))
}

/// The list, and why nothing was done.
pub(super) async fn refused(visit: &Visit<'_>, why: impl Into<String>) -> Result<Shown, PageError> {
    render(visit, Some(Notice::bad(why))).await.map(Shown::Wrong)
}
