//! The pages of users: the list, a single user, and changes of one or many.

mod change;
mod create;
mod list;
mod remove;
mod show;

use directory::role::{
    GROUPS_EDIT, INTERNAL_EDIT, INTERNAL_READ, PURGE_ADDRESS, ROLES_EDIT, UNPURGE_ADDRESS,
};
use directory::user::User;
use directory::{Role, UserId};
use jiff::Timestamp;

use super::request::PageRequest;
use super::{Page, PageError, page};
use crate::method::Method::{Get, Post};
use crate::tag::Tag;

/// The pages of users.
pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/users", Get, INTERNAL_READ, |request| Box::pin(list::list(request))),
    page("/console/{account}/users.csv", Get, INTERNAL_READ, |request| Box::pin(list::export(request))),
    page("/console/{account}/users/bulk", Post, INTERNAL_EDIT, |request| Box::pin(change::bulk(request))),
    page("/console/{account}/users/new", Get, INTERNAL_EDIT, |request| Box::pin(create::form(request))),
    page("/console/{account}/users/new", Post, INTERNAL_EDIT, |request| Box::pin(create::create(request))),
    page("/console/{account}/users/{user}", Get, INTERNAL_READ, |request| Box::pin(show::show(request))),
    page("/console/{account}/users/{user}", Post, INTERNAL_EDIT, |request| Box::pin(change::edit(request))),
    page("/console/{account}/users/{user}/address", Post, INTERNAL_EDIT, |request| {
        Box::pin(change::rename(request))
    }),
    page("/console/{account}/users/{user}/state", Post, INTERNAL_EDIT, |request| {
        Box::pin(change::set_state(request))
    }),
    page("/console/{account}/users/{user}/password", Post, INTERNAL_EDIT, |request| {
        Box::pin(change::reset_password(request))
    }),
    page("/console/{account}/users/{user}/role", Post, ROLES_EDIT, |request| {
        Box::pin(change::set_role(request))
    }),
    page("/console/{account}/users/{user}/alias", Post, GROUPS_EDIT, |request| {
        Box::pin(change::change_alias(request))
    }),
    page("/console/{account}/users/{user}/remove", Get, INTERNAL_EDIT, |request| {
        Box::pin(remove::form(request))
    }),
    page("/console/{account}/users/{user}/remove", Post, INTERNAL_EDIT, |request| {
        Box::pin(remove::remove(request))
    }),
    page("/console/{account}/users/{user}/purge", Post, PURGE_ADDRESS, |request| {
        Box::pin(remove::purge(request))
    }),
    page("/console/{account}/users/{user}/keep", Post, UNPURGE_ADDRESS, |request| {
        Box::pin(remove::cancel_purge(request))
    }),
];

/// The state of a user as tags.
pub(super) fn tags(user: &User, now: Timestamp) -> Vec<Tag> {
    let tag = |text, look| Tag { text, look };
    let mut tags = Vec::new();
    for (is_so, text, look) in [
        (user.alias_of.is_some(), "alias", ""),
        (user.reserved, "of the domain", ""),
        (user.role.is_some(), "administrator", ""),
        (user.disabled, "disabled", "bad"),
        (user.locked, "locked", "bad"),
        (user.attempts.locked_until.is_some_and(|until| now < until), "locked out", "warn"),
        (user.purge_at.is_some(), "to be removed", "bad"),
        (user.must_change_password, "must change password", "warn"),
        (user.password.is_none() && user.alias_of.is_none(), "no password", ""),
    ] {
        if is_so {
            tags.push(tag(text, look));
        }
    }
    tags
}

/// The user in the path, and the user's role.
pub(super) async fn named_user(request: &PageRequest<'_>) -> Result<(User, Option<Role>), PageError> {
    let console = request.console;
    let id =
        console.core.secure_ids().open_id("user", request.scope.account().id, request.path_param("user"))?;
    let found = console.core.store.users_by_id(&[UserId::from_bytes(id)]).await?.pop().flatten();
    let user = request.scope.address(found)?;
    let role = match user.role {
        Some(role) => console.core.store.role(role).await?,
        None => None,
    };
    Ok((user, role))
}

/// The path of the page of the user in the path.
fn own_path(request: &PageRequest<'_>) -> String {
    request.path(&format!("/users/{}", request.path_param("user")))
}

pub(super) fn user_path(request: &PageRequest<'_>, user: &User) -> String {
    let id = request.console.core.secure_ids().user(user.account, user.id);
    request.path(&format!("/users/{id}"))
}
