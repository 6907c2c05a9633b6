//! The way to the first call, for an account from which nobody has called yet.

use directory::port::Position;
use directory::role::APPLICATIONS_EDIT;

use super::health::Application;
use crate::PageError;
use crate::request::PageRequest;

/// The steps, with what is known filled in.
pub(super) struct Steps {
    /// Where to issue keys: the newest application of API 1.0, if there is one.
    pub(super) application: Option<(String, String)>,
    /// Whether somebody has keys for it.
    pub(super) has_keys: bool,
    /// Whether the visitor may do it.
    pub(super) may_edit: bool,
    pub(super) url: String,
    /// A domain in which users can be created, if there is one.
    pub(super) domain: Option<String>,
    pub(super) address: String,
}

impl Steps {
    pub(super) async fn read(
        request: &PageRequest<'_>,
        applications: &[Application],
    ) -> Result<Self, PageError> {
        let account = request.scope.account().id;
        let first = applications.iter().rfind(|application| application.pairs.is_some());
        let domains = request.console.core.store.domains_of(account, &Position::Start, 1).await?.rows;
        Ok(Self {
            application: first.map(|application| (application.name.clone(), application.path.clone())),
            has_keys: first.is_some_and(|application| application.pairs > Some(0)),
            may_edit: request.may(&APPLICATIONS_EDIT),
            url: request.url(),
            domain: domains.into_iter().next().map(|domain| domain.name.to_string()),
            address: request.session.principal.address.clone(),
        })
    }
}
