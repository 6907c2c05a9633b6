//! Applications of both generations of the API, and the keys that users have for them.

mod clients;
mod keys;
mod list;
mod show;

use directory::application::Application;
use directory::applications;
use directory::role::{APPLICATIONS_EDIT, APPLICATIONS_READ};

use super::visit::Visit;
use super::{Page, PageError, page};
use api::endpoint::Method::{Get, Post};

/// The pages of applications.
pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/applications", Get, APPLICATIONS_READ, |visit| Box::pin(list::list(visit))),
    page("/console/{account}/applications", Post, APPLICATIONS_EDIT, |visit| Box::pin(list::register(visit))),
    page("/console/{account}/applications/{app}", Get, APPLICATIONS_READ, |visit| {
        Box::pin(show::show(visit))
    }),
    page("/console/{account}/applications/{app}/keys", Post, APPLICATIONS_EDIT, |visit| {
        Box::pin(keys::issue(visit))
    }),
    page("/console/{account}/applications/{app}/revoke", Post, APPLICATIONS_EDIT, |visit| {
        Box::pin(keys::revoke(visit))
    }),
    page("/console/{account}/applications/{app}/rotate", Post, APPLICATIONS_EDIT, |visit| {
        Box::pin(keys::rotate(visit))
    }),
    page("/console/{account}/applications/{app}/disable", Post, APPLICATIONS_EDIT, |visit| {
        Box::pin(show::disable(visit))
    }),
    page("/console/{account}/clients", Post, APPLICATIONS_EDIT, |visit| Box::pin(clients::register(visit))),
    page("/console/{account}/clients/disable", Post, APPLICATIONS_EDIT, |visit| {
        Box::pin(clients::disable(visit))
    }),
];

/// The application that the path names.
async fn named(visit: &Visit<'_>) -> Result<Application, PageError> {
    let found = visit.console.core.store.application(visit.param("app")).await?;
    Ok(applications::of_account(&visit.scope, found)?)
}
