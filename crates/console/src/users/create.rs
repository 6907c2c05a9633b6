//! A new user.

use askama::Template;
use serde_json::{Map, Value};

use crate::shell::Shell;
use crate::visit::Visit;
use crate::{PageError, Shown, password};
use api::endpoints::user::create_user;

#[derive(Template)]
#[template(path = "users/new.html")]
struct New {
    shell: Shell,
    domains: Vec<String>,
    /// The request id that makes sending the form twice the same as once.
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

pub(super) async fn form(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let page = page(visit, Wrong::default()).await?;
    Ok(Shown::Html(page.render()?))
}

async fn page(visit: &Visit<'_>, wrong: Wrong) -> Result<New, PageError> {
    let domains = super::list::domains(visit).await?;
    let field = |name: &str| visit.form.text(name).to_owned();
    Ok(New {
        shell: visit.shell("/users", "New user"),
        domains,
        request: visit.console.core.guid(),
        address: field("address"),
        name: field("name"),
        how: visit.form.some("how").unwrap_or("generate").to_owned(),
        force: visit.form.ticked("force") || !visit.form.ticked("address"),
        wrong,
    })
}

pub(super) async fn create(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let form = &visit.form;
    let (address, name) = (form.text("address").to_owned(), form.text("name").to_owned());
    let password = match form.text("how") {
        "generate" => Some(password::draw(visit.console, visit.scope.account())),
        "type" => Some(form.raw("password").to_owned()),
        _ => None,
    };
    let force = form.ticked("force") && password.is_some();
    let shown = password.clone().filter(|_| form.text("how") == "generate");
    let mut item = Map::new();
    item.insert("emailAddress".to_owned(), Value::from(address.clone()));
    item.insert("name".to_owned(), Value::from(name));
    item.insert("forcePasswordChange".to_owned(), Value::from(force));
    if let Some(password) = password {
        item.insert("password".to_owned(), Value::from(password));
    }
    let asked = visit.ask(&create_user::ENDPOINT, vec![Value::Object(item)]).await?;
    let Some(created) = asked.data.first() else {
        let wrong = Wrong {
            address: asked.error_in("emailAddress").or_else(|| asked.error_in("accountCode")),
            name: asked.error_in("name"),
            password: asked.error_in("password"),
        };
        return Ok(Shown::Wrong(page(visit, wrong).await?.render()?));
    };
    let id = created["id"].as_str().unwrap_or_default();
    let page = Made {
        shell: visit.shell("/users", "User created"),
        address,
        password: shown,
        force,
        path: visit.path(&format!("/users/{id}")),
    };
    Ok(Shown::Html(page.render()?))
}
