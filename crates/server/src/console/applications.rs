//! Applications of both generations of the API, and the keys that users have for them.

mod clients;
mod keys;
mod list;
mod show;

use directory::application::Application;
use directory::applications;
use directory::port::BindingRow;
use directory::role::{APPLICATIONS_EDIT, APPLICATIONS_READ};
use jiff::{SignedDuration, Timestamp};

use super::users::Tag;
use super::visit::Visit;
use super::{Page, Trouble, page};
use crate::routes::Method::{Get, Post};

/// How long before the end of a key pair there is a warning.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

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
async fn named(visit: &Visit<'_>) -> Result<Application, Trouble> {
    let found = visit.app.store.application(visit.param("app")).await?;
    Ok(applications::of_account(&visit.scope, found)?)
}

/// How a key pair stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Revoked,
    Expired,
    EndsSoon,
    Live,
}

impl Standing {
    pub(super) fn of(pair: &BindingRow, now: Timestamp) -> Self {
        match (pair.revoked_at, pair.expires_at) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(at)) if at <= now => Standing::Expired,
            (None, Some(at)) if at.duration_since(now) < SOON => Standing::EndsSoon,
            (None, _) => Standing::Live,
        }
    }

    pub(super) fn tag(self) -> Tag {
        let (text, look) = match self {
            Standing::Revoked => ("revoked", "bad"),
            Standing::Expired => ("expired", "bad"),
            Standing::EndsSoon => ("ends soon", "warn"),
            Standing::Live => ("live", "good"),
        };
        Tag { text, look }
    }
}
