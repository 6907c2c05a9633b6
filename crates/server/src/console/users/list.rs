//! The list of users: searched, filtered, page by page; and all of it as a file.

use askama::Template;
use axum::body::Body;
use bytes::Bytes;
use directory::DomainName;
use directory::port::Position;
use directory::role::INTERNAL_EDIT;
use directory::user::User;
use futures_util::stream;

use super::{Tag, tags};
use crate::console::form::query;
use crate::console::shell::{Notice, Shell};
use crate::console::visit::Visit;
use crate::console::when::When;
use crate::console::{Shown, Trouble};
use crate::page;

/// Users on a page.
const PAGE: usize = 50;

/// Domains that can be chosen from.
const DOMAINS: usize = 200;

/// Users read in one go for the file.
const SLICE: usize = 500;

#[derive(Template)]
#[template(path = "console/users/list.html", blocks = ["rows"])]
struct List {
    shell: Shell,
    domains: Vec<String>,
    domain: String,
    may_edit: bool,
    total: u64,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

struct Row {
    path: String,
    address: String,
    name: String,
    tags: Vec<Tag>,
    made: When,
}

/// The internal domains of the account.
pub(super) async fn domains(visit: &Visit<'_>) -> Result<Vec<String>, Trouble> {
    let listed = visit.app.store.domains_of(visit.scope.account().id, &Position::Start, DOMAINS).await?;
    Ok(listed.rows.into_iter().map(|domain| domain.name.to_string()).collect())
}

pub(super) async fn list(visit: &mut Visit<'_>) -> Result<Shown, Trouble> {
    let (app, account) = (visit.app, visit.scope.account().id);
    let domain = visit.query.some("domain").and_then(|name| DomainName::parse(name).ok());
    let from = match (visit.query.some("after"), visit.query.some("before")) {
        (Some(key), _) => Position::After(key.to_owned()),
        (None, Some(key)) => Position::Before(key.to_owned()),
        (None, None) => Position::Start,
    };
    let mut users = app.store.list_users(account, domain.as_ref(), &from, PAGE + 1).await?;
    let around = page::cut(&mut users, PAGE, &from, |user: &User| user.address.key().to_owned());
    let total = app.store.count_listed(account, domain.as_ref()).await?;
    let now = app.clock.now();
    let chosen = domain.map(|domain| domain.to_string()).unwrap_or_default();
    let link = |at: Position| {
        let (name, key) = match &at {
            Position::After(key) => ("after", key.as_str()),
            Position::Before(key) => ("before", key.as_str()),
            Position::Start => ("after", ""),
        };
        visit.path(&format!("/users?{}", query(&[("domain", &chosen), (name, key)])))
    };
    let notice = (visit.query.text("done") == "remove").then(|| Notice::done("The user is removed."));
    let page = List {
        shell: visit.shell("/users", "Users").with(notice),
        domains: domains(visit).await?,
        may_edit: visit.may(&INTERNAL_EDIT),
        total,
        rows: users
            .iter()
            .map(|user| Row {
                path: super::path(visit, user),
                address: user.address.to_string(),
                name: user.name.clone(),
                tags: tags(user, now),
                made: When(user.created_at),
            })
            .collect(),
        previous: around.previous.map(link),
        next: around.next.map(link),
        domain: chosen,
    };
    Ok(Shown::Html(if visit.wants_part() { page.as_rows().render()? } else { page.render()? }))
}

/// All users and aliases of the account, as `matricula import` reads them; but for passwords, which nobody can read.
pub(super) async fn export(visit: &mut Visit<'_>) -> Result<Shown, Trouble> {
    let (store, account) = (std::sync::Arc::clone(&visit.app.store), visit.scope.account().id);
    let first = Some((Position::Start, "emailAddress,name,alias,locked,disabled,createdAt\r\n".to_owned()));
    // Read as it is sent: however many users there are, no more than a slice is held.
    let lines = stream::unfold(first, move |state| {
        let store = std::sync::Arc::clone(&store);
        async move {
            let (from, mut text) = state?;
            let users = match store.list_users(account, None, &from, SLICE).await {
                Ok(users) => users,
                // The connection ends before the file does: a file that is cut short must not look whole.
                Err(error) => return Some((Err(std::io::Error::other(error)), None)),
            };
            for user in &users {
                text.push_str(&line(user));
            }
            let next = users.last().filter(|_| users.len() == SLICE);
            let next = next.map(|user| (Position::After(user.address.key().to_owned()), String::new()));
            Some((Ok(Bytes::from(text)), next))
        }
    });
    Ok(Shown::Download {
        name: format!("users-{}.csv", visit.scope.account().code),
        kind: "text/csv; charset=utf-8",
        body: Body::from_stream(lines),
    })
}

fn line(user: &User) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    // A spreadsheet would take such a name for a formula, and carry it out.
    let name = match user.name.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{}", user.name),
        _ => user.name.clone(),
    };
    format!(
        "{},{},{},{},{},{}\r\n",
        quoted(user.address.as_str()),
        quoted(&name),
        user.alias_of.is_some(),
        user.locked,
        user.disabled,
        user.created_at
    )
}
