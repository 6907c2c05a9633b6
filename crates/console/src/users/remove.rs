//! Removing a user: in 30 days, which can be cancelled, or at once, which cannot.

use askama::Template;
use directory::role::PURGE_ADDRESS;
use wire::users::{Done, NamesUser, Purge};

use super::{named_user, show, user_path};
use crate::confirmation::{self, EndingKey};
use crate::endpoints::{self, TypedEndpoint};
use crate::request::PageRequest;
use crate::shell::{Notice, Shell};
use crate::{PageError, PageResponse};

#[derive(Template)]
#[template(path = "users/remove.html")]
struct Remove {
    shell: Shell,
    address: String,
    aliases: usize,
    path: String,
    may_purge: bool,
    /// Key pairs that are revoked in both cases.
    endings: Vec<EndingKey>,
}

pub(super) async fn form(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    page(request, None).await.map(PageResponse::Html)
}

async fn page(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (user, _) = named_user(request).await?;
    let page = Remove {
        endings: confirmation::ending_keys(request, std::slice::from_ref(&user)).await?,
        aliases: request.console.core.store.aliases(user.id).await?.len(),
        address: user.address.to_string(),
        path: user_path(request, &user),
        may_purge: request.may(&PURGE_ADDRESS) && user.purge_at.is_none() && user.alias_of.is_none(),
        shell: request.shell("/users", format!("Remove {}", user.address)).with_notice(notice),
    };
    Ok(page.render()?)
}

pub(super) async fn remove(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    // Addresses are compared without case.
    if !request.form.text("confirm").eq_ignore_ascii_case(user.address.as_str()) {
        let notice = Notice::error(format!("Nothing was removed: type {} to confirm.", user.address));
        return page(request, Some(notice)).await.map(PageResponse::Invalid);
    }
    let item = NamesUser { email_address: user.address.to_string() };
    let result = request.call_endpoint(&endpoints::DELETE_USER, &[item]).await?;
    if result.fail.is_empty() {
        return Ok(PageResponse::Redirect(request.path("/users?done=remove")));
    }
    page(request, Some(Notice::error(result.errors().join(" ")))).await.map(PageResponse::Invalid)
}

pub(super) async fn purge(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    change_purge_list(request, &endpoints::ADD_TO_PURGE_LIST, "purge").await
}

pub(super) async fn cancel_purge(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    change_purge_list(request, &endpoints::REMOVE_FROM_PURGE_LIST, "keep").await
}

async fn change_purge_list(
    request: &mut PageRequest<'_>,
    endpoint: &TypedEndpoint<Purge, Done>,
    done: &str,
) -> Result<PageResponse, PageError> {
    let (user, _) = named_user(request).await?;
    let item = Purge { email_addresses: vec![user.address.to_string()] };
    let result = request.call_endpoint(endpoint, &[item]).await?;
    let errors = result.errors();
    if errors.is_empty() {
        return Ok(PageResponse::Redirect(format!("{}?done={done}", user_path(request, &user))));
    }
    show::page(request, Some(Notice::error(errors.join(" ")))).await.map(PageResponse::Invalid)
}
