//! The applications of both API generations and their keys.

mod clients;
mod keys;
mod list;
mod refusals;
mod show;

use directory::application::Application;
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
    page("/console/{account}/clients/disable", Post, APPLICATIONS_EDIT, |request| {
        Box::pin(clients::disable(request))
    }),
];

/// The application in the path.
async fn named_application(request: &PageRequest<'_>) -> Result<Application, PageError> {
    let found = request.console.core.store.application(request.path_param("app")).await?;
    Ok(applications::of_account(&request.scope, found)?)
}
