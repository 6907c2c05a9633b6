//! The sign-in page, and the form that waits there when a session ended before the form was sent.

use askama::Template;

use super::confirmation::NOT_RESENT;
use super::form::{Form, query_string};
use super::{PREFIX, assets, nearest_page};

/// Where the sign-in page is.
pub(super) const SIGN_IN: &str = "/console/sign-in";

/// The door, and where one wanted to go.
pub(super) fn sign_in_path(target: &str) -> String {
    format!("{SIGN_IN}?{}", query_string(&[("next", console_path(target))]))
}

/// A path of the console; what leads elsewhere leads to its start.
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

/// A form that was sent after its session had ended: it waits at the door, and is sent again by who comes in.
#[derive(Debug, Default)]
pub(crate) struct PendingForm {
    /// Where it went; empty: there is none.
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
    /// Whether a password was typed, which is not kept.
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

    /// As the door's own form brings it along.
    pub(super) fn read(form: &Form) -> Self {
        let kept = |name: &str| Some(name.strip_prefix(LEFT_FIELD)?.to_owned());
        Self {
            action: Some(form.text(LEFT))
                .filter(|action| console_path(action) == *action)
                .unwrap_or_default()
                .to_owned(),
            fields: form.fields().filter_map(|(name, text)| Some((kept(name)?, text.to_owned()))).collect(),
            dropped: form.is_checked(LEFT_DROPPED),
        }
    }

    pub(super) fn exists(&self) -> bool {
        !self.action.is_empty()
    }
}

/// The fields of the door's form that hold a form that waits.
const LEFT: &str = "left";
const LEFT_FIELD: &str = "left.";
const LEFT_DROPPED: &str = "left_dropped";

/// The door, with a form that waits.
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
