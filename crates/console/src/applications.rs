//! The applications of both API generations and their keys.

mod calls;
mod client;
mod clients;
mod keys;
mod list;
mod refusals;
mod scim;
mod show;

use directory::Role;
use directory::application::{Application, Client};
use directory::applications;
use directory::role::{APPLICATIONS_EDIT, APPLICATIONS_READ};

use super::request::PageRequest;
use super::{Page, PageError, page};
use crate::method::Method::{Get, Post};

/// The pages of applications.
pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/applications", Get, APPLICATIONS_READ, |request| Box::pin(list::list(request))),
    page("/console/{account}/applications", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(list::register(request))
    }),
    page("/console/{account}/applications/{app}", Get, APPLICATIONS_READ, |request| {
        Box::pin(show::show(request))
    }),
    page("/console/{account}/applications/{app}/keys", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(keys::issue(request))
    }),
    page("/console/{account}/applications/{app}/revoke", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(keys::revoke(request))
    }),
    page("/console/{account}/applications/{app}/rotate", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(keys::rotate(request))
    }),
    page("/console/{account}/applications/{app}/disable", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(show::disable(request))
    }),
    page("/console/{account}/clients", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(clients::register(request))
    }),
    page("/console/{account}/clients/{client}", Get, APPLICATIONS_READ, |request| {
        Box::pin(client::show(request))
    }),
    page("/console/{account}/clients/{client}/tokens", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(scim::issue(request))
    }),
    page("/console/{account}/clients/{client}/revoke", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(scim::revoke(request))
    }),
    page("/console/{account}/clients/{client}/scim-settings", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(scim::set_settings(request))
    }),
    page("/console/{account}/clients/{client}/disable", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(client::disable(request))
    }),
];

/// The path of the page of an application of API 2.0.
pub(super) fn client_path(request: &PageRequest<'_>, client_id: &str) -> String {
    request.path(&format!("/clients/{client_id}"))
}

/// The application of API 2.0 in the path, with its role; `None`: the role was deleted.
async fn named_client(request: &PageRequest<'_>) -> Result<(Client, Option<Role>), PageError> {
    let store = &request.console.core.store;
    let found = store.client_by_name(request.path_param("client")).await?;
    let client = applications::client_of_account(&request.scope, found)?;
    let role = store.role(client.role).await?;
    Ok((client, role))
}

/// The application in the path.
async fn named_application(request: &PageRequest<'_>) -> Result<Application, PageError> {
    let found = request.console.core.store.application(request.path_param("app")).await?;
    Ok(applications::of_account(&request.scope, found)?)
}
