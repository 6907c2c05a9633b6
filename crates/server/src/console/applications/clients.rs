//! Applications of API 2.0.

use std::collections::BTreeSet;

use askama::Template;
use directory::application::Product;
use directory::applications;
use directory::change::Change;
use directory::role::BuiltIn;
use directory::{RoleId, roles};
use secrecy::ExposeSecret;

use super::{change, list};
use crate::admin::new_client;
use crate::console::shell::{Notice, Shell};
use crate::console::visit::Visit;
use crate::console::{Shown, Trouble};

#[derive(Template)]
#[template(path = "console/applications/client.html")]
struct Registered {
    shell: Shell,
    name: String,
    client_id: String,
    secret: String,
    url: String,
}

async fn wrong(visit: &Visit<'_>, why: impl Into<String>) -> Result<Shown, Trouble> {
    list::render(visit, Some(Notice::bad(why))).await.map(Shown::Wrong)
}

pub(super) async fn register(visit: &mut Visit<'_>) -> Result<Shown, Trouble> {
    let (app, account) = (visit.app, visit.scope.account().id);
    let name = visit.form.text("name").to_owned();
    let id = RoleId::from_bytes(app.secure_ids().open_id("role", account, visit.form.text("role"))?);
    let role = match BuiltIn::by_id(id) {
        Some(built_in) => Some(built_in.role()),
        None => app.store.role(id).await?,
    };
    let role = roles::of_account(&visit.scope, role)?;
    let products: BTreeSet<_> = visit.form.all("product").filter_map(Product::by_name).collect();
    let listed: Vec<_> = products.iter().copied().collect();
    let judged = applications::name(&name).map_err(|why| format!("Name: {why}.")).and_then(|()| {
        applications::register_client(&visit.scope, &role, &listed).map_err(|why| format!("{why}."))
    });
    if let Err(why) = judged {
        return wrong(visit, why).await;
    }
    let (client, secret) = new_client(&*app.entropy, account, &name, role.id, products, app.clock.now());
    if let Err(why) = change(visit, || Change::AddClient(client.clone())).await? {
        return wrong(visit, why).await;
    }
    let page = Registered {
        shell: visit.shell("/applications", "Application registered"),
        name,
        client_id: client.client_id,
        secret: secret.expose_secret().to_owned(),
        url: visit.url(),
    };
    Ok(Shown::Html(page.render()?))
}

pub(super) async fn disable(visit: &mut Visit<'_>) -> Result<Shown, Trouble> {
    let found = visit.app.store.client_by_name(visit.form.text("client")).await?;
    let client = applications::client_of_account(&visit.scope, found)?;
    match change(visit, || Change::DisableClient(client.id)).await? {
        Ok(()) => Ok(Shown::Redirect(visit.path("/applications?done=disable"))),
        Err(why) => wrong(visit, why).await,
    }
}
