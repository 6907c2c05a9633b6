//! The frame of a page: title, navigation and user.

use askama::Template;
use directory::Permission;
use directory::role::{APPLICATIONS_READ, GROUPS_READ, INTERNAL_READ, LOGS_READ, ROLES_READ};
use http::StatusCode;

use super::request::PageRequest;
use super::{PageError, assets};

pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) notice: Option<Notice>,
    pub(crate) token: String,
    pub(crate) version: u64,
    pub(crate) account: String,
    pub(crate) account_name: String,
    /// The path of the account.
    pub(crate) base: String,
    /// Whether the account is not the user's own.
    pub(crate) in_other_account: bool,
    pub(crate) home_account: String,
    pub(crate) address: String,
    pub(crate) role: String,
    pub(crate) sections: Vec<Section>,
}

/// A link of the navigation.
pub(crate) struct Section {
    pub(crate) path: &'static str,
    pub(crate) label: &'static str,
    pub(crate) current: bool,
}

/// A notice at the top of a page.
pub(crate) struct Notice {
    pub(crate) text: String,
    /// Whether it reports an error.
    pub(crate) is_error: bool,
    pub(crate) undo: Option<Undo>,
}

/// The form that undoes an action.
pub(crate) struct Undo {
    pub(crate) action: String,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Notice {
    pub(crate) fn success(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: false, undo: None }
    }

    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: true, undo: None }
    }

    /// Adds a form that undoes the action.
    pub(crate) fn undo(self, action: String, fields: Vec<(&'static str, String)>) -> Self {
        Self { undo: Some(Undo { action, fields }), ..self }
    }
}

/// Path of the request journal. It is linked only if there is a journal.
pub(crate) const JOURNAL: &str = "/journal";

/// Path below the account, label and required permission.
const SECTIONS: &[(&str, &str, Option<&Permission>)] = &[
    ("", "Overview", None),
    ("/users", "Users", Some(&INTERNAL_READ)),
    ("/groups", "Groups", Some(&GROUPS_READ)),
    ("/roles", "Roles", Some(&ROLES_READ)),
    ("/applications", "Applications", Some(&APPLICATIONS_READ)),
    ("/domains", "Account and domains", Some(&INTERNAL_READ)),
    (JOURNAL, "Request journal", Some(&LOGS_READ)),
    ("/audit", "Audit", Some(&LOGS_READ)),
];

impl PageRequest<'_> {
    pub(crate) fn shell(&self, section: &'static str, title: impl Into<String>) -> Shell {
        Shell::new(self, section, title.into())
    }
}

impl Shell {
    fn new(request: &PageRequest<'_>, current: &'static str, title: String) -> Self {
        let (account, home_account) = (request.scope.account(), request.scope.caller().account());
        let principal = &request.session.principal;
        let seen = SECTIONS.iter().filter(|(path, _, permission)| {
            permission.is_none_or(|needed| request.may(needed))
                && (*path != JOURNAL || request.console.host.journal().is_some())
        });
        Self {
            title,
            notice: None,
            token: request.token.form_token(),
            version: assets::VERSION,
            account: account.code.to_string(),
            account_name: account.name.clone(),
            base: request.path(""),
            in_other_account: account.id != home_account.id,
            home_account: home_account.code.to_string(),
            address: principal.address.clone(),
            role: principal.role.as_ref().map(|role| role.name.clone()).unwrap_or_default(),
            sections: seen
                .map(|(path, label, _)| Section { path, label, current: *path == current })
                .collect(),
        }
    }

    pub(crate) fn with_notice(self, notice: Option<Notice>) -> Self {
        Self { notice, ..self }
    }
}

/// The page of an error.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    version: u64,
    title: &'a str,
    text: String,
}

/// The page of an error, and its status.
pub(super) fn error_page(why: &PageError) -> (StatusCode, String) {
    let (status, title) = match why {
        PageError::Refused(refusal) => {
            // Some internal errors have status 200 in the API 1.0.
            let status = StatusCode::from_u16(refusal.code().rest_status());
            (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "This cannot be done")
        }
        PageError::Rule(_) => (StatusCode::UNPROCESSABLE_ENTITY, "This cannot be done"),
        PageError::NotFound(_) | PageError::NoPage => (StatusCode::NOT_FOUND, "Not found"),
        PageError::SignedOut | PageError::FormPending(_) => (StatusCode::UNAUTHORIZED, "Signed out"),
        PageError::ForeignForm => (StatusCode::FORBIDDEN, "Nothing was changed"),
        PageError::FileTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Nothing was changed"),
        PageError::Render(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
    };
    let page = ErrorPage { version: assets::VERSION, title, text: why.to_string() };
    (status, page.render().unwrap_or_else(|_| why.to_string()))
}
