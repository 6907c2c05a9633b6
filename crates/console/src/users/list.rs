//! The list of users with search, filters and pages, and its export as a file.

use std::sync::Arc;

use api::page;
use api::search::find_users;
use askama::Template;
use axum::body::Body;
use bytes::Bytes;
use directory::port::{Position, StoreError};
use directory::role::INTERNAL_EDIT;
use directory::user::User;
use directory::user_query::{Cursor, State, UserQuery};
use directory::{AccountId, DomainName};
use futures_util::stream;

use super::tags;
use crate::Console;
use crate::csv::cell;
use crate::form::query_string;
use crate::request::PageRequest;
use crate::shell::{Notice, Shell};
use crate::shown_time::ShownTime;
use crate::tag::Tag;
use crate::{PageError, PageResponse};

/// Users per page.
const PAGE: usize = 50;

/// Maximum domains in the filter.
const DOMAINS: usize = 200;

/// Users per read of the export.
const SLICE: usize = 500;

/// The purpose of a page token.
const TOKEN: &str = "/console/users";

#[derive(Template)]
#[template(path = "users/list.html", blocks = ["rows"])]
struct List {
    shell: Shell,
    domains: Vec<String>,
    search: SearchForm,
    /// Name in a form, label, and whether it is selected.
    states: Vec<(String, &'static str, bool)>,
    may_edit: bool,
    page: Rows,
    /// Events that the search index does not have yet.
    unread: u64,
}

/// The search as typed.
struct SearchForm {
    text: String,
    domain: String,
    state: String,
}

impl SearchForm {
    fn read(request: &PageRequest<'_>) -> Self {
        let text = |name: &str| request.query.text(name).to_owned();
        Self { text: text("q"), domain: text("domain"), state: text("state") }
    }

    fn user_query(&self) -> UserQuery {
        let state = State::ALL.into_iter().find(|state| state_name(*state) == self.state);
        UserQuery::new(&self.text, DomainName::parse(&self.domain).ok(), state)
    }

    /// The query string of this search; empty without filters.
    fn link(&self) -> String {
        let fields = query_string(&[("q", &self.text), ("domain", &self.domain), ("state", &self.state)]);
        if fields.is_empty() { fields } else { format!("?{fields}") }
    }

    fn is_everything(&self) -> bool {
        self.text.is_empty() && self.state.is_empty()
    }
}

struct Rows {
    rows: Vec<Row>,
    /// The number of users; `None` for a search, which is not counted.
    total: Option<u64>,
    /// Whether the search stopped early and can be continued.
    may_continue: bool,
    previous: Option<String>,
    next: Option<String>,
}

struct Row {
    path: String,
    address: String,
    name: String,
    tags: Vec<Tag>,
    made: ShownTime,
}

/// The label of a state.
const fn state_label(state: State) -> &'static str {
    match state {
        State::Locked => "locked",
        State::Disabled => "disabled",
        State::MustChangePassword => "must change password",
        State::LockedOut => "locked out",
        State::ToBePurged => "to be removed",
        State::Administrator => "administrators",
        State::Alias => "aliases",
    }
}

/// The name of a state in a form.
fn state_name(state: State) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The internal domains of the account.
pub(super) async fn domains(request: &PageRequest<'_>) -> Result<Vec<String>, PageError> {
    let listed =
        request.console.core.store.domains_of(request.scope.account().id, &Position::Start, DOMAINS).await?;
    Ok(listed.rows.into_iter().map(|domain| domain.name.to_string()).collect())
}

pub(super) async fn list(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let search = SearchForm::read(request);
    let (page, unread) = match search.is_everything() {
        true => (list_page(request, &search).await?, 0),
        false => search_page(request, &search).await?,
    };
    let notice = (request.query.text("done") == "remove").then(|| Notice::success("The user is removed."));
    let page = List {
        shell: request.shell("/users", "Users").with_notice(notice),
        domains: domains(request).await?,
        states: State::ALL
            .map(|state| (state_name(state), state_label(state), state_name(state) == search.state))
            .to_vec(),
        may_edit: request.may(&INTERNAL_EDIT),
        page,
        unread,
        search,
    };
    Ok(PageResponse::Html(if request.wants_fragment() { page.as_rows().render()? } else { page.render()? }))
}

/// A page of all users, or of a domain's, in the order of addresses.
async fn list_page(request: &PageRequest<'_>, search: &SearchForm) -> Result<Rows, PageError> {
    let (store, account) = (&request.console.core.store, request.scope.account().id);
    let domain = DomainName::parse(&search.domain).ok();
    let from = match (request.query.non_empty("after"), request.query.non_empty("before")) {
        (Some(key), _) => Position::After(key.to_owned()),
        (None, Some(key)) => Position::Before(key.to_owned()),
        (None, None) => Position::Start,
    };
    let mut users = store.list_users(account, domain.as_ref(), &from, PAGE + 1).await?;
    let around = page::cut(&mut users, PAGE, &from, |user: &User| user.address.key().to_owned());
    let link = |at: Position| {
        let (name, key) = match &at {
            Position::After(key) => ("after", key.as_str()),
            Position::Before(key) => ("before", key.as_str()),
            Position::Start => ("after", ""),
        };
        request.path(&format!("/users?{}", query_string(&[("domain", &search.domain), (name, key)])))
    };
    Ok(Rows {
        rows: rows(request, &users),
        total: Some(store.count_listed(account, domain.as_ref()).await?),
        may_continue: false,
        previous: around.previous.map(link),
        next: around.next.map(link),
    })
}

/// A page of a search, and the number of events that the search index does not have yet.
async fn search_page(request: &PageRequest<'_>, search: &SearchForm) -> Result<(Rows, u64), PageError> {
    let (console, account) = (request.console, request.scope.account().id);
    let ids = console.core.secure_ids();
    let wanted = search.user_query();
    let after: Option<Cursor> = match request.query.non_empty("page") {
        Some(token) => {
            ids.read_page(TOKEN, account, Some(token)).map_err(|_| PageError::NotFound("page of the list"))?
        }
        None => None,
    };
    let found =
        find_users(&*console.core.store, account, &wanted, after.as_ref(), PAGE, console.core.clock.now())
            .await?;
    let link = |cursor: Cursor| {
        let (text, domain, state) = (&search.text, &search.domain, &search.state);
        let token = ids.page_token(TOKEN, account, &cursor);
        let fields = [("q", text.as_str()), ("domain", domain), ("state", state), ("page", &token)];
        request.path(&format!("/users?{}", query_string(&fields)))
    };
    let rows = Rows {
        rows: rows(request, &found.users),
        total: None,
        may_continue: !found.complete,
        previous: None,
        next: found.next.map(link),
    };
    Ok((rows, if search.text.is_empty() { 0 } else { found.left }))
}

fn rows(request: &PageRequest<'_>, users: &[User]) -> Vec<Row> {
    let now = request.console.core.clock.now();
    let row = |user: &User| Row {
        path: super::user_path(request, user),
        address: user.address.to_string(),
        name: user.name.clone(),
        tags: tags(user, now),
        made: ShownTime(user.created_at),
    };
    users.iter().map(row).collect()
}

/// Where the export continues.
enum Next {
    /// A position in the order of addresses.
    Listed(Position),
    /// A position in a search; `None`: its start.
    Found(Option<Cursor>),
}

/// The first line of an export.
const EXPORT_HEADER: &str = "emailAddress,name,alias,aliasOf,locked,disabled,createdAt\r\n";

/// What is exported next.
struct Slice {
    from: Next,
    /// First the users, then the aliases, because an import needs the user of an alias first.
    aliases: bool,
}

/// The selected users and aliases, in a format that `matricula import` reads, without passwords.
pub(super) async fn export(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (console, account) = (Arc::clone(request.console), request.scope.account().id);
    let search = SearchForm::read(request);
    let query = Arc::new(search.user_query());
    let domain = DomainName::parse(&search.domain).ok();
    let is_everything = search.is_everything();
    let start = move || if is_everything { Next::Listed(Position::Start) } else { Next::Found(None) };
    let first = Some((Slice { from: start(), aliases: false }, EXPORT_HEADER.to_owned()));
    // Streamed: memory holds one slice, regardless of the number of users.
    let lines = stream::unfold(first, move |state| {
        let (console, query, domain) = (Arc::clone(&console), Arc::clone(&query), domain.clone());
        async move {
            let (Slice { from, aliases }, mut text) = state?;
            let next = match read_slice(&console, account, &query, domain.as_ref(), from).await {
                Ok((users, next)) => append_lines(&console, &users, aliases, &mut text).await.map(|()| next),
                Err(error) => Err(error),
            };
            let next = match next {
                Ok(Some(from)) => Some(Slice { from, aliases }),
                Ok(None) => (!aliases).then(|| Slice { from: start(), aliases: true }),
                // Breaks the connection, so that an incomplete file does not look complete.
                Err(error) => return Some((Err(std::io::Error::other(error)), None)),
            };
            Some((Ok(Bytes::from(text)), next.map(|next| (next, String::new()))))
        }
    });
    Ok(PageResponse::Download {
        name: format!("users-{}.csv", request.scope.account().code),
        kind: "text/csv; charset=utf-8",
        body: Body::from_stream(lines),
    })
}

/// Adds the lines of the users, or those of the aliases.
async fn append_lines(
    console: &Console,
    users: &[User],
    aliases: bool,
    text: &mut String,
) -> Result<(), StoreError> {
    let selected: Vec<&User> = users.iter().filter(|user| user.alias_of.is_some() == aliases).collect();
    let ids: Vec<_> = selected.iter().filter_map(|user| user.alias_of).collect();
    let owners = if ids.is_empty() { Vec::new() } else { console.core.store.users_by_id(&ids).await? };
    let owners = owners.iter().map(|owner| owner.as_ref().map_or("", |owner| owner.address.as_str()));
    for (user, owner) in selected.into_iter().zip(owners.chain(std::iter::repeat(""))) {
        text.push_str(&line(user, owner));
    }
    Ok(())
}

/// Users at a position, and where the export continues.
async fn read_slice(
    console: &Console,
    account: AccountId,
    query: &UserQuery,
    domain: Option<&DomainName>,
    from: Next,
) -> Result<(Vec<User>, Option<Next>), StoreError> {
    let (store, now) = (&console.core.store, console.core.clock.now());
    match from {
        Next::Listed(from) => {
            let users = store.list_users(account, domain, &from, SLICE).await?;
            let last = users.last().filter(|_| users.len() == SLICE);
            let next = last.map(|user| Next::Listed(Position::After(user.address.key().to_owned())));
            Ok((users, next))
        }
        Next::Found(after) => {
            let found = find_users(&**store, account, query, after.as_ref(), SLICE, now).await?;
            Ok((found.users, found.next.map(|cursor| Next::Found(Some(cursor)))))
        }
    }
}

/// `owner`: the address of an alias's user.
fn line(user: &User, owner: &str) -> String {
    format!(
        "{},{},{},{},{},{},{}\r\n",
        cell(user.address.as_str()),
        cell(&user.name),
        user.alias_of.is_some(),
        cell(owner),
        user.locked,
        user.disabled,
        user.created_at
    )
}
