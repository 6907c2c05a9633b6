//! The start of an account's pages.

use askama::Template;
use directory::role::INTERNAL_READ;

use super::shell::Shell;
use super::visit::Visit;
use super::{Page, Shown, Trouble};
use crate::routes::Method::Get;

pub(super) const PAGES: &[Page] = &[Page {
    path: "/console/{account}",
    method: Get,
    permission: None,
    takes_file: false,
    run: |visit| Box::pin(home(visit)),
}];

#[derive(Template)]
#[template(path = "console/home.html")]
struct Home {
    shell: Shell,
    users: Option<u64>,
}

async fn home(visit: &mut Visit<'_>) -> Result<Shown, Trouble> {
    let users = match visit.may(&INTERNAL_READ) {
        true => Some(visit.app.store.count_listed(visit.scope.account().id, None).await?),
        false => None,
    };
    let page = Home { shell: visit.shell("", "Overview"), users };
    Ok(Shown::Html(page.render()?))
}
