//! The sign-in page, which keeps a form whose session has ended.

use askama::Template;

use super::confirmation::NOT_RESENT;
use super::form::{Form, query_string};
use super::{PREFIX, assets, nearest_page};

pub(super) const SIGN_IN: &str = "/console/sign-in";

/// The sign-in page that leads to a path afterwards.
pub(super) fn sign_in_path(target: &str) -> String {
    format!("{SIGN_IN}?{}", query_string(&[("next", console_path(target))]))
}

/// The path if it is one of the console, else the console's start.
pub(super) fn console_path(target: &str) -> &str {
    let below = target.strip_prefix(PREFIX).filter(|below| below.is_empty() || below.starts_with(['/', '?']));
    match below {
        Some(_) if target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') => target,
        _ => PREFIX,
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    pub(super) version: u64,
    pub(super) error: Option<String>,
    pub(super) notice: Option<&'static str>,
    pub(super) address: String,
    pub(super) next: String,
    pub(super) pending: PendingForm,
}

/// A form whose session ended before it arrived. The user sends it again after the sign-in.
#[derive(Debug, Default)]
pub(crate) struct PendingForm {
    /// The path of the form; empty without a form.
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
    /// Whether it had a password, which is not kept.
    pub(super) dropped: bool,
}

impl PendingForm {
    pub(super) fn new(action: &str, form: &Form) -> Self {
        let kept = form.fields().filter(|(name, _)| !NOT_RESENT.contains(name));
        Self {
            action: action.to_owned(),
            fields: kept.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
            dropped: ["password", "new"].iter().any(|name| !form.raw(name).is_empty()),
        }
    }

    /// Reads it from the fields of the sign-in form.
    pub(super) fn read(form: &Form) -> Self {
        let kept = |name: &str| Some(name.strip_prefix(FIELD_PREFIX)?.to_owned());
        Self {
            action: Some(form.text(ACTION_FIELD))
                .filter(|action| console_path(action) == *action)
                .unwrap_or_default()
                .to_owned(),
            fields: form.fields().filter_map(|(name, text)| Some((kept(name)?, text.to_owned()))).collect(),
            dropped: form.is_checked(DROPPED_FIELD),
        }
    }

    pub(super) fn exists(&self) -> bool {
        !self.action.is_empty()
    }
}

/// The fields of the sign-in form that hold a pending form.
const ACTION_FIELD: &str = "left";
const FIELD_PREFIX: &str = "left.";
const DROPPED_FIELD: &str = "left_dropped";

/// The sign-in page with a pending form.
pub(super) fn sign_in_again(pending: PendingForm) -> askama::Result<String> {
    let page = SignInPage {
        version: assets::VERSION,
        error: None,
        notice: Some("Your session has ended. Nothing was saved; sign in to send the form again."),
        address: String::new(),
        next: nearest_page(&pending.action).unwrap_or_else(|| PREFIX.to_owned()),
        pending,
    };
    page.render()
}
