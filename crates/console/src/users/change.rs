//! Changes of one or many users.

use askama::Template;
use directory::user::User;
use directory::{EmailAddress, Role, RoleId, roles};
use secrecy::SecretString;
use wire::Failure;
use wire::roles::AssignRole;
use wire::users::{Alias, UpdateUser};

use super::{named_user, own_path, show, user_path};
use crate::endpoints;
use crate::form::{Form, query_string};
use crate::request::PageRequest;
use crate::shell::{Notice, Shell};
use crate::{PageError, PageResponse, confirmation, password};

/// Maximum users per bulk change, which is the maximum of an endpoint.
const MAX_BULK: usize = 1_000;

/// A change of a user's state.
struct StateChange {
    /// Its name in a form.
    name: &'static str,
    /// The name of the change that undoes it.
    opposite: &'static str,
    /// The start of the question before it, if it revokes the user's key pairs.
    revokes_keys: Option<&'static str>,
    /// The item that makes it for the user with this address.
    item: fn(String) -> UpdateUser,
}

const STATES: &[StateChange] = &[
    StateChange {
        name: "lock",
        opposite: "unlock",
        revokes_keys: Some("Lock"),
        item: |address| UpdateUser { account_locked: Some(true), ..unchanged(address) },
    },
    StateChange {
        name: "unlock",
        opposite: "lock",
        revokes_keys: None,
        item: |address| UpdateUser { account_locked: Some(false), ..unchanged(address) },
    },
    StateChange {
        name: "disable",
        opposite: "enable",
        revokes_keys: Some("Disable"),
        item: |address| UpdateUser { account_disabled: Some(true), ..unchanged(address) },
    },
    StateChange {
        name: "enable",
        opposite: "disable",
        revokes_keys: None,
        item: |address| UpdateUser { account_disabled: Some(false), ..unchanged(address) },
    },
    StateChange {
        name: "force",
        opposite: "unforce",
        revokes_keys: None,
        item: |address| UpdateUser { force_password_change: Some(true), ..unchanged(address) },
    },
    StateChange {
        name: "unforce",
        opposite: "force",
        revokes_keys: None,
        item: |address| UpdateUser { force_password_change: Some(false), ..unchanged(address) },
    },
];

/// The state change that a form names.
fn state_change(form: &Form) -> Result<&'static StateChange, PageError> {
    let name = form.text("to");
    STATES.iter().find(|change| change.name == name).ok_or(PageError::NotFound("state"))
}

/// An item that changes nothing.
fn unchanged(address: String) -> UpdateUser {
    UpdateUser { email_address: address, ..UpdateUser::default() }
}

/// The confirmation page, if the form at `below` the user's path revokes key pairs of the user.
async fn confirm_first(
    request: &PageRequest<'_>,
    user: &User,
    does: &str,
    below: &str,
) -> Result<Option<PageResponse>, PageError> {
    let own = own_path(request);
    confirmation::confirm_key_loss(request, std::slice::from_ref(user), does, format!("{own}/{below}"), own)
        .await
}

/// Redirects to the user's page, or shows it with the errors.
async fn redirect_or_show_errors(
    request: &PageRequest<'_>,
    errors: &[String],
    done: &str,
) -> Result<PageResponse, PageError> {
    if errors.is_empty() {
        let query = query_string(&[("done", done)]);
        return Ok(PageResponse::Redirect(format!("{}?{query}", own_path(request))));
    }
    show::page(request, Some(Notice::error(errors.join(" ")))).await.map(PageResponse::Invalid)
}

pub(super) async fn edit(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let form = &request.form;
    let item = UpdateUser {
        name: Some(form.text("name").to_owned()),
        password_never_expires: Some(form.is_checked("never_expires")),
        allow_smtp: Some(form.is_checked("smtp")),
        allow_pop: Some(form.is_checked("pop")),
        ..unchanged(user.address.to_string())
    };
    let result = request.call_endpoint(&endpoints::UPDATE_USER, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), "edit").await
}

/// Gives the user another address; its id, password, role, key pairs and groups stay.
pub(super) async fn rename(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let form = &request.form;
    let item = UpdateUser {
        new_email_address: Some(form.text("address").to_owned()),
        keep_alias: Some(form.is_checked("keep")),
        ..unchanged(user.address.to_string())
    };
    let result = request.call_endpoint(&endpoints::UPDATE_USER, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), "address").await
}

pub(super) async fn set_state(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let change = state_change(&request.form)?;
    if let Some(does) = change.revokes_keys
        && let Some(page) =
            confirm_first(request, &user, &format!("{does} {}", user.address), "state").await?
    {
        return Ok(page);
    }
    let item = (change.item)(user.address.to_string());
    let result = request.call_endpoint(&endpoints::UPDATE_USER, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), change.name).await
}

#[derive(Template)]
#[template(path = "users/password.html")]
struct Reset {
    shell: Shell,
    address: String,
    password: String,
    path: String,
}

/// Sets a generated password. It is shown once, and must be changed at the next login.
pub(super) async fn reset_password(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let does = format!("Reset the password of {}", user.address);
    if let Some(page) = confirm_first(request, &user, &does, "password").await? {
        return Ok(page);
    }
    let password = password::generate(request.console, request.scope.account());
    let item = UpdateUser {
        password: Some(SecretString::from(password.as_str())),
        force_password_change: Some(true),
        ..unchanged(user.address.to_string())
    };
    let result = request.call_endpoint(&endpoints::UPDATE_USER, &[item]).await?;
    if !result.fail.is_empty() {
        return redirect_or_show_errors(request, &result.errors(), "").await;
    }
    let page = Reset {
        shell: request.shell("/users", format!("New password for {}", user.address)),
        address: user.address.to_string(),
        password,
        path: user_path(request, &user),
    };
    Ok(PageResponse::Html(page.render()?))
}

/// The role that a form names; `None` if it is not found, which the endpoint refuses.
async fn chosen_role(request: &PageRequest<'_>) -> Result<Option<Role>, PageError> {
    let account = request.scope.account().id;
    match request.console.core.secure_ids().open_id("role", account, request.form.text("role")) {
        Ok(id) => Ok(request.console.core.store.role(RoleId::from_bytes(id)).await?),
        Err(_) => Ok(None),
    }
}

pub(super) async fn set_role(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, before) = named_user(request).await?;
    let account = request.scope.account().id;
    if roles::promotes(before.as_ref(), chosen_role(request).await?.as_ref()) {
        let does = format!("Give {} a role with more permissions", user.address);
        if let Some(page) = confirm_first(request, &user, &does, "role").await? {
            return Ok(page);
        }
    }
    let before =
        before.map(|role| request.console.core.secure_ids().seal("role", account, role.id.as_bytes()));
    let id = request.form.text("role").to_owned();
    let item = AssignRole { email_address: user.address.to_string(), id: Some(id) };
    let result = request.call_endpoint(&endpoints::ASSIGN_ROLE, &[item]).await?;
    if !result.fail.is_empty() {
        return redirect_or_show_errors(request, &result.errors(), "").await;
    }
    let before = query_string(&[("done", "role"), ("before", &before.unwrap_or_default())]);
    Ok(PageResponse::Redirect(format!("{}?{before}", user_path(request, &user))))
}

pub(super) async fn change_alias(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let item = Alias { alias_for: user.address.to_string(), alias: request.form.text("alias").to_owned() };
    let (endpoint, done) = match request.form.is_checked("remove") {
        true => (&endpoints::REMOVE_ALIAS, "unalias"),
        false => (&endpoints::UPDATE_ALIAS, "alias"),
    };
    let result = request.call_endpoint(endpoint, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), done).await
}

#[derive(Template)]
#[template(path = "users/bulk.html")]
struct Bulk {
    shell: Shell,
    changed: usize,
    /// Address and errors.
    refused: Vec<(String, String)>,
    to: String,
}

/// Changes the state of all selected users; each change succeeds or fails alone.
pub(super) async fn bulk(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let picked: Vec<String> = request.form.all("pick").take(MAX_BULK).map(str::to_owned).collect();
    let change = state_change(&request.form)?;
    if let Some(does) = change.revokes_keys
        && let Some(page) = confirm_bulk(request, &picked, does).await?
    {
        return Ok(page);
    }
    let items: Vec<_> = picked.into_iter().map(change.item).collect();
    let result = request.call_endpoint(&endpoints::UPDATE_USER, &items).await?;
    let mut notice = Notice::success(format!("{} changed.", result.data.len()));
    // The undo applies only to users that were changed.
    if !result.data.is_empty() {
        let mut fields = vec![("to", change.opposite.to_owned())];
        fields.extend(result.data.iter().map(|row| ("pick", row.email_address.clone())));
        notice = notice.undo(request.path("/users/bulk"), fields);
    }
    let refused = |failure: &Failure| {
        let messages: Vec<_> = failure.errors.iter().map(|error| error.message.as_str()).collect();
        (failure.address().unwrap_or_default().to_owned(), messages.join(" "))
    };
    let page = Bulk {
        shell: request.shell("/users", "Users changed").with_notice(Some(notice)),
        changed: result.data.len(),
        refused: result.fail.iter().map(refused).collect(),
        to: change.name.to_owned(),
    };
    Ok(PageResponse::Html(page.render()?))
}

/// The question before a change that revokes key pairs of the selected users.
async fn confirm_bulk(
    request: &PageRequest<'_>,
    picked: &[String],
    does: &str,
) -> Result<Option<PageResponse>, PageError> {
    let addresses: Vec<_> = picked.iter().filter_map(|text| EmailAddress::parse(text).ok()).collect();
    let users = request.console.core.store.users(&addresses).await?.into_iter().flatten();
    let users: Vec<_> = users.filter(|user| user.account == request.scope.account().id).collect();
    let does = format!("{does} {} user{}", users.len(), if users.len() == 1 { "" } else { "s" });
    let (action, list) = (request.path("/users/bulk"), request.path("/users"));
    confirmation::confirm_key_loss(request, &users, &does, action, list).await
}
