//! A new user.

use askama::Template;
use secrecy::SecretString;
use wire::create_user::Item;

use crate::endpoints;
use crate::request::PageRequest;
use crate::shell::Shell;
use crate::{PageError, PageResponse, password};

#[derive(Template)]
#[template(path = "users/new.html")]
struct New {
    shell: Shell,
    domains: Vec<String>,
    /// A request id, so that the same form sent twice creates one user.
    request: String,
    address: String,
    name: String,
    how: String,
    force: bool,
    wrong: Wrong,
}

#[derive(Default)]
struct Wrong {
    address: Option<String>,
    name: Option<String>,
    password: Option<String>,
}

#[derive(Template)]
#[template(path = "users/made.html")]
struct Made {
    shell: Shell,
    address: String,
    password: Option<String>,
    force: bool,
    path: String,
}

pub(super) async fn form(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let page = page(request, Wrong::default()).await?;
    Ok(PageResponse::Html(page.render()?))
}

async fn page(request: &PageRequest<'_>, wrong: Wrong) -> Result<New, PageError> {
    let domains = super::list::domains(request).await?;
    let field = |name: &str| request.form.text(name).to_owned();
    Ok(New {
        shell: request.shell("/users", "New user"),
        domains,
        request: request.console.core.guid(),
        address: field("address"),
        name: field("name"),
        how: request.form.non_empty("how").unwrap_or("generate").to_owned(),
        force: request.form.is_checked("force") || !request.form.is_checked("address"),
        wrong,
    })
}

pub(super) async fn create(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let form = &request.form;
    let (address, name) = (form.text("address").to_owned(), form.text("name").to_owned());
    let password = match form.text("how") {
        "generate" => Some(password::generate(request.console, request.scope.account())),
        "type" => Some(form.raw("password").to_owned()),
        _ => None,
    };
    let force = form.is_checked("force") && password.is_some();
    let shown = password.clone().filter(|_| form.text("how") == "generate");
    let item = Item {
        name: Some(name),
        force_password_change: Some(force),
        password: password.map(SecretString::from),
        ..Item::new(address.clone())
    };
    let result = request.call_endpoint(&endpoints::CREATE_USER, &[item]).await?;
    let Some(created) = result.data.first() else {
        let wrong = Wrong {
            address: result.error_in("emailAddress").or_else(|| result.error_in("accountCode")),
            name: result.error_in("name"),
            password: result.error_in("password"),
        };
        return Ok(PageResponse::Invalid(page(request, wrong).await?.render()?));
    };
    let page = Made {
        shell: request.shell("/users", "User created"),
        address,
        password: shown,
        force,
        path: request.path(&format!("/users/{}", created.id)),
    };
    Ok(PageResponse::Html(page.render()?))
}
