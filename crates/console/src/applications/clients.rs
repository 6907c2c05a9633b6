//! The registration of applications of API 2.0.

use std::collections::BTreeSet;

use askama::Template;
use directory::application::Product;
use directory::applications;
use directory::change::Change;
use directory::{RoleId, roles};
use secrecy::ExposeSecret;

use super::{client_path, list};
use crate::request::PageRequest;
use crate::shell::Shell;
use crate::{PageError, PageResponse};
use directory::credentials::new_client;

#[derive(Template)]
#[template(path = "applications/client.html")]
struct Registered {
    shell: Shell,
    name: String,
    client_id: String,
    secret: String,
    url: String,
    /// Its page.
    path: String,
    /// Whether it may call SCIM.
    may_call_scim: bool,
}

pub(super) async fn register(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let (console, account) = (request.console, request.scope.account().id);
        let name = request.form.text("name");
        let id = RoleId::from_bytes(console.core.secure_ids().open_id(
            "role",
            account,
            request.form.text("role"),
        )?);
        let role = roles::of_account(&request.scope, console.core.store.role(id).await?)?;
        let products: BTreeSet<_> = request.form.all("product").filter_map(Product::by_name).collect();
        let listed: Vec<_> = products.iter().copied().collect();
        let judged = applications::name(name).map_err(|why| format!("Name: {why}.")).and_then(|()| {
            applications::register_client(&request.scope, &role, &listed).map_err(|why| format!("{why}."))
        });
        Ok(judged.map(|()| {
            let (client, secret) = new_client(
                &*console.core.entropy,
                account,
                name,
                role.id,
                products,
                console.core.clock.now(),
            );
            (vec![Change::AddClient(client.clone())], (client, secret))
        }))
    };
    let (client, secret) = match request.write_changes(judge).await? {
        Ok(made) => made,
        Err(why) => return list::refused(request, why).await,
    };
    let page = Registered {
        shell: request.shell("/applications", "Application registered"),
        path: client_path(request, &client.client_id),
        may_call_scim: client.products.contains(&Product::UserAndGroupManagement),
        name: client.name,
        client_id: client.client_id,
        secret: secret.expose_secret().to_owned(),
        url: request.url(),
    };
    Ok(PageResponse::Html(page.render()?))
}
