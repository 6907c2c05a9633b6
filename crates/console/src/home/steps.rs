//! The steps to the first call, for an account without calls.

use directory::port::Position;
use directory::role::APPLICATIONS_EDIT;

use super::health::Application;
use crate::PageError;
use crate::request::PageRequest;

/// The steps with the account's values.
pub(super) struct Steps {
    /// Name and path of the newest application of API 1.0.
    pub(super) application: Option<(String, String)>,
    /// Whether the application has key pairs.
    pub(super) has_keys: bool,
    /// Whether the user may register applications and issue keys.
    pub(super) may_edit: bool,
    pub(super) url: String,
    /// An internal domain of the account.
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
