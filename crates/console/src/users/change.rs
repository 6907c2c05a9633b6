//! Changes of one or many users.

use askama::Template;
use directory::user::User;
use directory::{EmailAddress, Role, RoleId, roles};
use serde_json::{Value, json};

use super::{item, named_user, own_path, show, user_path};
use crate::form::query_string;
use crate::request::{EndpointResult, PageRequest};
use crate::shell::{Notice, Shell};
use crate::{PageError, PageResponse, confirmation, password};
use api::endpoints::role::assign_role;
use api::endpoints::user::{remove_alias, update_alias, update_user};

/// Users of one bulk change: as many as an endpoint takes.
const MAX_BULK: usize = 1_000;

/// What a state is called in a form, and the field of update-user that sets it.
const STATES: &[(&str, &str, bool)] = &[
    ("lock", "accountLocked", true),
    ("unlock", "accountLocked", false),
    ("disable", "accountDisabled", true),
    ("enable", "accountDisabled", false),
    ("force", "forcePasswordChange", true),
    ("unforce", "forcePasswordChange", false),
];

/// What a state that ends the user's key pairs is called at the head of a question.
fn ends_keys(to: &str) -> Option<&'static str> {
    [("lock", "Lock"), ("disable", "Disable")].iter().find(|(state, _)| *state == to).map(|(_, does)| *does)
}

/// A page that asks first, if what goes to `below` the user's path ends key pairs of the user.
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

/// Back to the user's page: what was done, or why it was not.
async fn redirect_or_show_errors(
    request: &mut PageRequest<'_>,
    result: EndpointResult,
    done: &str,
) -> Result<PageResponse, PageError> {
    let errors = result.errors();
    if errors.is_empty() {
        return Ok(PageResponse::Redirect(format!(
            "{}?{}",
            own_path(request),
            query_string(&[("done", done)])
        )));
    }
    Ok(PageResponse::Invalid(show::page(request, Some(Notice::error(errors.join(" ")))).await?))
}

pub(super) async fn edit(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let form = &request.form;
    let fields = json!({
        "name": form.text("name"),
        "passwordNeverExpires": form.is_checked("never_expires"),
        "allowSmtp": form.is_checked("smtp"),
        "allowPop": form.is_checked("pop"),
    });
    let result = request.call_endpoint(&update_user::ENDPOINT, vec![item(&user, fields)]).await?;
    redirect_or_show_errors(request, result, "edit").await
}

pub(super) async fn set_state(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let to = request.form.text("to").to_owned();
    let Some((_, field, value)) = STATES.iter().find(|(state, ..)| *state == to) else {
        return Err(PageError::NotFound("state"));
    };
    if let Some(does) = ends_keys(&to)
        && let Some(page) =
            confirm_first(request, &user, &format!("{does} {}", user.address), "state").await?
    {
        return Ok(page);
    }
    let result =
        request.call_endpoint(&update_user::ENDPOINT, vec![item(&user, json!({ *field: value }))]).await?;
    redirect_or_show_errors(request, result, &to).await
}

#[derive(Template)]
#[template(path = "users/password.html")]
struct Reset {
    shell: Shell,
    address: String,
    password: String,
    path: String,
}

/// Sets a password that is shown this once, and must be changed at the next sign-in.
pub(super) async fn reset_password(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let does = format!("Reset the password of {}", user.address);
    if let Some(page) = confirm_first(request, &user, &does, "password").await? {
        return Ok(page);
    }
    let password = password::generate(request.console, request.scope.account());
    let fields = json!({ "password": password, "forcePasswordChange": true });
    let result = request.call_endpoint(&update_user::ENDPOINT, vec![item(&user, fields)]).await?;
    if !result.fail.is_empty() {
        return redirect_or_show_errors(request, result, "").await;
    }
    let page = Reset {
        shell: request.shell("/users", format!("New password for {}", user.address)),
        address: user.address.to_string(),
        password,
        path: user_path(request, &user),
    };
    Ok(PageResponse::Html(page.render()?))
}

/// The role that a form names; one that cannot be found is refused by the endpoint.
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
    let fields = json!({ "id": request.form.text("role") });
    let result = request.call_endpoint(&assign_role::ENDPOINT, vec![item(&user, fields)]).await?;
    if !result.fail.is_empty() {
        return redirect_or_show_errors(request, result, "").await;
    }
    let before = query_string(&[("done", "role"), ("before", &before.unwrap_or_default())]);
    Ok(PageResponse::Redirect(format!("{}?{before}", user_path(request, &user))))
}

pub(super) async fn change_alias(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let item = json!({ "aliasFor": user.address.as_str(), "alias": request.form.text("alias") });
    let (endpoint, done) = match request.form.is_checked("remove") {
        true => (&remove_alias::ENDPOINT, "unalias"),
        false => (&update_alias::ENDPOINT, "alias"),
    };
    let result = request.call_endpoint(endpoint, vec![item]).await?;
    redirect_or_show_errors(request, result, done).await
}

#[derive(Template)]
#[template(path = "users/bulk.html")]
struct Bulk {
    shell: Shell,
    changed: usize,
    /// Address, and what is wrong with it.
    refused: Vec<(String, String)>,
    to: String,
}

/// Changes the state of all selected users; each change succeeds or fails alone.
pub(super) async fn bulk(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let to = request.form.text("to").to_owned();
    let picked: Vec<String> = request.form.all("pick").take(MAX_BULK).map(str::to_owned).collect();
    let Some((_, field, value)) = STATES.iter().find(|(state, ..)| *state == to) else {
        return Err(PageError::NotFound("state"));
    };
    if let Some(does) = ends_keys(&to) {
        let addresses: Vec<_> = picked.iter().filter_map(|text| EmailAddress::parse(text).ok()).collect();
        let users = request.console.core.store.users(&addresses).await?.into_iter().flatten();
        let users: Vec<_> = users.filter(|user| user.account == request.scope.account().id).collect();
        let does = format!("{does} {} user{}", users.len(), if users.len() == 1 { "" } else { "s" });
        let (action, list) = (request.path("/users/bulk"), request.path("/users"));
        if let Some(page) = confirmation::confirm_key_loss(request, &users, &does, action, list).await? {
            return Ok(page);
        }
    }
    let items = picked.iter().map(|address| json!({ "emailAddress": address, *field: value })).collect();
    let result = request.call_endpoint(&update_user::ENDPOINT, items).await?;
    let address = |key: &serde_json::Map<String, Value>| {
        key.get("emailAddress").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let refused = result.fail.iter().map(|failure| {
        let messages: Vec<_> = failure.errors.iter().map(|error| error.message.as_str()).collect();
        (failure.key.as_ref().map(address).unwrap_or_default(), messages.join(" "))
    });
    let changed: Vec<String> =
        result.data.iter().map(|row| row["emailAddress"].as_str().unwrap_or_default().to_owned()).collect();
    // The undo applies only to users that were changed.
    let opposite = STATES.iter().find(|(_, of, set)| of == field && *set != *value).map(|(state, ..)| *state);
    let mut notice = Notice::success(format!("{} changed.", changed.len()));
    if let Some(opposite) = opposite.filter(|_| !changed.is_empty()) {
        let mut fields = vec![("to", opposite.to_owned())];
        fields.extend(changed.iter().map(|address| ("pick", address.clone())));
        notice = notice.undo(request.path("/users/bulk"), fields);
    }
    let page = Bulk {
        shell: request.shell("/users", "Users changed").with_notice(Some(notice)),
        changed: changed.len(),
        refused: refused.collect(),
        to,
    };
    Ok(PageResponse::Html(page.render()?))
}
