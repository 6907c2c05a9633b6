//! The page of a user.

use askama::Template;
use directory::attribute::Attribute;
use directory::audit::Action;
use directory::audit::{Event, Search};
use directory::role::{
    APPLICATIONS_READ, GROUPS_EDIT, GROUPS_READ, INTERNAL_EDIT, LOGS_READ, ROLES_EDIT, UNPURGE_ADDRESS,
};
use directory::user::User;
use jiff::Timestamp;

use super::{named_user, own_path, tags, user_path};
use crate::form::query_string;
use crate::key_status::KeyStatus;
use crate::request::PageRequest;
use crate::shell::{Notice, Shell};
use crate::shown_time::ShownTime;
use crate::tag::Tag;
use crate::usage::{self, Used};
use crate::{PageError, PageResponse};

#[derive(Template)]
#[template(path = "users/show.html")]
struct Show {
    shell: Shell,
    path: String,
    user: User,
    tags: Vec<Tag>,
    may: May,
    role: Option<String>,
    /// Secure id, name, and whether the user has the role.
    roles: Vec<(String, String, bool)>,
    aliases: Vec<String>,
    /// Address and path of the user of this alias.
    alias_of: Option<(String, String)>,
    groups: Vec<(String, String)>,
    attributes: Vec<(String, String)>,
    times: Times,
    history: Option<History>,
    keys: Vec<Key>,
    id: String,
}

/// Events of the audit about the user.
struct History {
    events: Vec<(ShownTime, String, String, String)>,
    /// Path of the audit's search for more.
    path: String,
}

struct Times {
    created: ShownTime,
    updated: Option<ShownTime>,
    logged_in: Option<ShownTime>,
    password: ShownTime,
    locked_until: Option<ShownTime>,
    purge: Option<ShownTime>,
}

/// The permissions of the signed-in user.
struct May {
    edit: bool,
    give_roles: bool,
    keep: bool,
    alias: bool,
    see_aliases: bool,
    see_groups: bool,
    see_keys: bool,
}

/// Maximum events on the page.
const HISTORY: usize = 30;

struct Key {
    application: String,
    access_key: String,
    tag: Tag,
    ends: Option<ShownTime>,
    made: ShownTime,
    used: Option<Used>,
}

/// A form's path below the user's, and its value of `to`.
type Form = (&'static str, &'static str);

/// Actions, their notices, and the forms that undo them.
const DONE: &[(&str, &str, Option<Form>)] = &[
    ("edit", "Saved.", None),
    ("address", "The user has this address now.", None),
    (
        "lock",
        "Locked. The user is signed out and its key pairs are revoked; unlocking does not restore them.",
        Some(("state", "unlock")),
    ),
    ("unlock", "Unlocked.", Some(("state", "lock"))),
    (
        "disable",
        "Disabled. The user is signed out and its key pairs are revoked; enabling does not restore them.",
        Some(("state", "enable")),
    ),
    ("enable", "Enabled.", Some(("state", "disable"))),
    ("force", "The password must be changed at the next sign-in.", Some(("state", "unforce"))),
    ("unforce", "The password does not have to be changed.", Some(("state", "force"))),
    ("purge", "The user is disabled now and will be removed in 30 days.", Some(("keep", ""))),
    ("keep", "The removal is cancelled.", Some(("purge", ""))),
    ("alias", "The alias is added.", None),
    ("unalias", "The alias is removed.", None),
];

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let path = own_path(request);
    let notice = DONE.iter().find(|(done, ..)| *done == request.query.text("done")).map(|(_, text, undo)| {
        let notice = Notice::success(*text);
        match undo {
            Some((action, to)) => notice.undo(format!("{path}/{action}"), vec![("to", (*to).to_owned())]),
            None => notice,
        }
    });
    // Undone by assigning the previous role.
    let notice = match request.query.text("done") {
        "role" => {
            let before = request.query.text("before").to_owned();
            Some(Notice::success("The role is set.").undo(format!("{path}/role"), vec![("role", before)]))
        }
        _ => notice,
    };
    let page = page(request, notice).await?;
    Ok(PageResponse::Html(page))
}

/// The page, with a notice at its top.
pub(super) async fn page(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (user, role) = named_user(request).await?;
    let (store, account) = (&request.console.core.store, request.scope.account().id);
    let ids = request.console.core.secure_ids();
    let now = request.console.core.clock.now();
    let alias_of = match user.alias_of {
        Some(primary) => store.users_by_id(&[primary]).await?.pop().flatten(),
        None => None,
    };
    let attributes = match request.may(&INTERNAL_EDIT) {
        true => store.attributes(user.id).await?,
        false => Vec::new(),
    };
    let roles = request.roles().await?.into_iter();
    let roles = roles
        .map(|role| (ids.seal("role", account, role.id.as_bytes()), role.name, user.role == Some(role.id)));
    let groups = store.groups_of(account, &user.address).await?.into_iter().map(|group| {
        let id = ids.seal("group", account, group.id.as_bytes());
        (group.description.as_str().to_owned(), request.path(&format!("/groups/{id}")))
    });
    let page = Show {
        history: history(request, &user).await?,
        path: user_path(request, &user),
        tags: tags(&user, now),
        may: May::read(request, &user),
        role: role.map(|role| role.name),
        roles: roles.collect(),
        aliases: store.aliases(user.id).await?.iter().map(|alias| alias.address.to_string()).collect(),
        alias_of: alias_of.map(|primary| (primary.address.to_string(), user_path(request, &primary))),
        groups: groups.collect(),
        attributes: attributes.into_iter().map(attribute_text).collect(),
        keys: keys(request, &user, now).await?,
        times: Times::of_user(&user),
        id: ids.user(account, user.id),
        shell: request.shell("/users", user.address.as_str()).with_notice(notice),
        user,
    };
    Ok(page.render()?)
}

impl May {
    /// Nobody may change a user that belongs to its domain.
    fn read(request: &PageRequest<'_>, user: &User) -> Self {
        let may_change = |permission| !user.reserved && request.may(permission);
        Self {
            edit: may_change(&INTERNAL_EDIT),
            give_roles: may_change(&ROLES_EDIT),
            keep: may_change(&UNPURGE_ADDRESS),
            alias: may_change(&GROUPS_EDIT),
            see_aliases: request.may(&GROUPS_READ),
            see_groups: request.may(&GROUPS_READ),
            see_keys: request.may(&APPLICATIONS_READ),
        }
    }
}

impl Times {
    fn of_user(user: &User) -> Self {
        Self {
            created: ShownTime(user.created_at),
            updated: user.updated_at.map(ShownTime),
            logged_in: user.logged_in_at.map(ShownTime),
            password: ShownTime(user.password_changed_at.unwrap_or(user.created_at)),
            locked_until: user.attempts.locked_until.map(ShownTime),
            purge: user.purge_at.map(ShownTime),
        }
    }
}

/// The key pairs of a user, the newest first.
async fn keys(request: &PageRequest<'_>, user: &User, now: Timestamp) -> Result<Vec<Key>, PageError> {
    let store = &request.console.core.store;
    let applications = store.list_applications().await?;
    let bindings = store.list_bindings(Some(user.id)).await?;
    let credentials: Vec<_> = bindings.iter().map(|row| *row.id.as_bytes()).collect();
    let used = usage::read_usage(request, &credentials).await?;
    let keys = bindings.into_iter().zip(used).rev().map(|(row, used)| {
        let application = applications.iter().find(|application| application.app_id == row.app_id);
        Key {
            application: application.map_or_else(|| row.app_id.clone(), |found| found.name.clone()),
            access_key: row.access_key.as_str().chars().take(12).collect(),
            tag: KeyStatus::of_pair(&row, now).tag(),
            ends: row.expires_at.map(ShownTime),
            made: ShownTime(row.created_at),
            used,
        }
    });
    Ok(keys.collect())
}

/// The newest events and the creation event, for users who may read the audit.
async fn history(request: &PageRequest<'_>, user: &User) -> Result<Option<History>, PageError> {
    if !request.may(&LOGS_READ) {
        return Ok(None);
    }
    let (store, account) = (&request.console.core.store, request.scope.account().id);
    let target = user.address.as_str();
    let recent = Search { from: Some(user.created_at), target: target.to_owned(), ..Search::default() };
    let mut found = store.search_audit(account, &recent, None, HISTORY).await?;
    if found.rest.is_some() {
        // Searched by its time, so that it is found after any number of events.
        let action = if user.alias_of.is_some() { Action::AliasAdded } else { Action::UserCreated };
        let made = Search { to: Some(user.created_at), action: action.as_str().to_owned(), ..recent };
        let made = store.search_audit(account, &made, None, 1).await?.events;
        let new = |made: &Event| found.events.iter().all(|event| event.hash != made.hash);
        let made: Vec<_> = made.into_iter().filter(new).collect();
        found.events.extend(made);
    }
    let path = request.path(&format!("/audit?{}", query_string(&[("target", target)])));
    let events = found.events.into_iter();
    let events = events.map(|event| (ShownTime(event.at), event.action, event.actor, event.detail)).collect();
    Ok(Some(History { events, path }))
}

/// The name and text of an attribute; of a picture only the size.
fn attribute_text((attribute, value): (Attribute, String)) -> (String, String) {
    let value = match attribute {
        Attribute::ThumbnailPhoto => format!("a picture of {} bytes", value.len()),
        _ => value,
    };
    (attribute.name().to_owned(), value)
}
