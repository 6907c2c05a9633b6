//! How a user goes: in thirty days, which can be called off, or at once, which can't.

use askama::Template;
use directory::role::PURGE_ADDRESS;
use serde_json::json;

use super::{item, named, path, show};
use crate::ask::{self, Ending};
use crate::shell::{Notice, Shell};
use crate::visit::Visit;
use crate::{PageError, Shown};
use api::Endpoint;
use api::endpoints::user::{add_to_purge_list, delete_user, remove_from_purge_list};

#[derive(Template)]
#[template(path = "users/remove.html")]
struct Remove {
    shell: Shell,
    address: String,
    aliases: usize,
    path: String,
    may_purge: bool,
    /// Key pairs that end either way.
    endings: Vec<Ending>,
}

pub(super) async fn form(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    page(visit, None).await.map(Shown::Html)
}

async fn page(visit: &Visit<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (user, _) = named(visit).await?;
    let page = Remove {
        endings: ask::endings(visit, std::slice::from_ref(&user)).await?,
        aliases: visit.console.core.store.aliases(user.id).await?.len(),
        address: user.address.to_string(),
        path: path(visit, &user),
        may_purge: visit.may(&PURGE_ADDRESS) && user.purge_at.is_none() && user.alias_of.is_none(),
        shell: visit.shell("/users", format!("Remove {}", user.address)).with(notice),
    };
    Ok(page.render()?)
}

pub(super) async fn remove(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let (user, _) = named(visit).await?;
    // Compared like every address: case does not matter.
    if !visit.form.text("confirm").eq_ignore_ascii_case(user.address.as_str()) {
        let notice = Notice::bad(format!("Nothing was removed: type {} to confirm.", user.address));
        return page(visit, Some(notice)).await.map(Shown::Wrong);
    }
    let asked = visit.ask(&delete_user::ENDPOINT, vec![item(&user, json!({}))]).await?;
    if asked.fail.is_empty() {
        return Ok(Shown::Redirect(visit.path("/users?done=remove")));
    }
    page(visit, Some(Notice::bad(asked.errors().join(" ")))).await.map(Shown::Wrong)
}

pub(super) async fn purge(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    on_list(visit, &add_to_purge_list::ENDPOINT, "purge").await
}

pub(super) async fn keep(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    on_list(visit, &remove_from_purge_list::ENDPOINT, "keep").await
}

async fn on_list(visit: &mut Visit<'_>, endpoint: &Endpoint, done: &str) -> Result<Shown, PageError> {
    let (user, _) = named(visit).await?;
    let item = json!({ "emailAddresses": [user.address.as_str()] });
    let asked = visit.ask(endpoint, vec![item]).await?;
    let errors = asked.errors();
    if errors.is_empty() {
        return Ok(Shown::Redirect(format!("{}?done={done}", path(visit, &user))));
    }
    show::page(visit, Some(Notice::bad(errors.join(" ")))).await.map(Shown::Wrong)
}
