//! The confirmation before key pairs are revoked: programs that use them stop, and revoked keys cannot be restored.

use askama::Template;
use directory::user::User;

use super::request::PageRequest;
use super::shell::Shell;
use super::usage::{self, Used};
use super::{PageError, PageResponse};
use crate::key_status::KeyStatus;

/// Key pairs that are listed; the others are only counted.
const MAX_LISTED: usize = 50;

/// The field of a confirmed form.
pub(super) const CONFIRMED: &str = "sure";

/// Form fields that are not sent back to the browser: secrets, and values of one session.
pub(super) const NOT_RESENT: &[&str] = &["token", "password", "new", "again", CONFIRMED];

/// A key pair that will be revoked.
pub(super) struct EndingKey {
    pub(super) application: String,
    pub(super) user: String,
    pub(super) access_key: String,
    pub(super) used: Option<Used>,
}

#[derive(Template)]
#[template(path = "confirmation.html")]
struct Confirmation {
    shell: Shell,
    endings: Vec<EndingKey>,
    more: usize,
    /// The path and the fields of the original form.
    action: String,
    fields: Vec<(String, String)>,
    back: String,
}

/// The live key pairs of users.
pub(super) async fn ending_keys(
    request: &PageRequest<'_>,
    users: &[User],
) -> Result<Vec<EndingKey>, PageError> {
    let (console, now) = (request.console, request.console.core.clock.now());
    let applications = console.core.store.list_applications().await?;
    let mut live = Vec::new();
    for user in users {
        let pairs = console.core.store.list_bindings(Some(user.id)).await?.into_iter();
        live.extend(
            pairs.filter(|pair| {
                matches!(KeyStatus::of_pair(pair, now), KeyStatus::Live | KeyStatus::EndsSoon)
            }),
        );
    }
    let credentials: Vec<_> = live.iter().map(|pair| *pair.id.as_bytes()).collect();
    let used = usage::read_usage(request, &credentials).await?;
    let ending = live.into_iter().zip(used).map(|(pair, used)| EndingKey {
        application: applications
            .iter()
            .find(|application| application.app_id == pair.app_id)
            .map_or_else(|| pair.app_id.clone(), |found| found.name.clone()),
        user: pair.address,
        access_key: pair.access_key.as_str().chars().take(12).collect(),
        used,
    });
    Ok(ending.collect())
}

/// The confirmation page, if an unconfirmed form would revoke key pairs. `does` is its title, for instance
/// "Lock ann@example.com"; `action` is the path of the form.
pub(super) async fn confirm_key_loss(
    request: &PageRequest<'_>,
    users: &[User],
    does: &str,
    action: String,
    back: String,
) -> Result<Option<PageResponse>, PageError> {
    if request.form.is_checked(CONFIRMED) {
        return Ok(None);
    }
    let mut endings = ending_keys(request, users).await?;
    if endings.is_empty() {
        return Ok(None);
    }
    let more = endings.len().saturating_sub(MAX_LISTED);
    endings.truncate(MAX_LISTED);
    let number = endings.len() + more;
    let title = format!("{does}: {number} key pair{} will stop working", if number == 1 { "" } else { "s" });
    let kept = request.form.fields().filter(|(name, _)| !NOT_RESENT.contains(name));
    let page = Confirmation {
        shell: request.shell("/users", title),
        endings,
        more,
        action,
        fields: kept.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
        back,
    };
    Ok(Some(PageResponse::Html(page.render()?)))
}
