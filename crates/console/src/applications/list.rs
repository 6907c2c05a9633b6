//! The list of applications, and the registration of a new one.

use askama::Template;
use directory::application::{Client, Product};
use directory::applications;
use directory::change::Change;
use directory::role::APPLICATIONS_EDIT;
use secrecy::ExposeSecret;

use super::client_path;
use crate::request::PageRequest;
use crate::shell::{Notice, Shell};
use crate::shown_time::ShownTime;
use crate::usage::{self, Used};
use crate::{PageError, PageResponse};
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
    made: ShownTime,
}

struct ClientRow {
    path: String,
    name: String,
    client_id: String,
    role: String,
    products: String,
    made: ShownTime,
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

pub(super) async fn list(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = match request.query.text("done") {
        "disable" => {
            Some(Notice::success("The application is disabled: its requests are refused from now on."))
        }
        _ => None,
    };
    render(request, notice).await.map(PageResponse::Html)
}

pub(super) async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (console, account) = (request.console, request.scope.account().id);
    let roles = request.roles().await?;
    let role = |id| roles.iter().find(|role| role.id == id).map_or("gone", |role| &role.name).to_owned();
    let applications = console.core.store.list_applications().await?.into_iter();
    let mut clients = console.core.store.list_clients().await?;
    clients.retain(|client| client.account == account);
    let credentials: Vec<_> = clients.iter().map(|client| *client.id.as_bytes()).collect();
    let used = usage::read_usage(request, &credentials).await?;
    let page = List {
        shell: request.shell("/applications", "Applications").with_notice(notice),
        applications: applications
            .filter(|application| application.account == account)
            .map(|application| Row {
                path: request.path(&format!("/applications/{}", application.app_id)),
                name: application.name,
                app_id: application.app_id,
                disabled: application.disabled_at.is_some(),
                made: ShownTime(application.created_at),
            })
            .collect(),
        clients: clients
            .into_iter()
            .zip(used)
            .map(|(client, used)| ClientRow {
                path: client_path(request, &client.client_id),
                role: role(client.role),
                products: product_names(&client),
                name: client.name,
                client_id: client.client_id,
                made: ShownTime(client.created_at),
                used,
            })
            .collect(),
        roles: roles
            .iter()
            .filter(|role| request.scope.covers(Some(role)).is_ok())
            .map(|role| {
                (console.core.secure_ids().seal("role", account, role.id.as_bytes()), role.name.clone())
            })
            .collect(),
        products: Product::ALL.map(Product::as_str).to_vec(),
        may_edit: request.may(&APPLICATIONS_EDIT),
    };
    Ok(page.render()?)
}

/// The names of an application's products, as text.
pub(super) fn product_names(client: &Client) -> String {
    client.products.iter().map(|product| product.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) async fn register(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let (console, name) = (request.console, request.form.text("name"));
        Ok(applications::name(name).map_err(|why| why.to_string()).map(|()| {
            let made = new_application(
                &*console.core.entropy,
                request.scope.account().id,
                name,
                console.core.clock.now(),
            );
            (vec![Change::AddApplication(made.clone())], made)
        }))
    };
    let made = match request.write_changes(judge).await? {
        Ok(made) => made,
        Err(why) => return refused(request, why).await,
    };
    let page = Registered {
        shell: request.shell("/applications", "Application registered"),
        name: made.name,
        path: request.path(&format!("/applications/{}", made.app_id)),
        app_key: made.app_key.expose_secret().to_owned(),
        app_id: made.app_id,
    };
    Ok(PageResponse::Html(page.render()?))
}

/// The list with an error.
pub(super) async fn refused(
    request: &PageRequest<'_>,
    why: impl Into<String>,
) -> Result<PageResponse, PageError> {
    render(request, Some(Notice::error(why))).await.map(PageResponse::Invalid)
}
