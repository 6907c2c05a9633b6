//! The confirmation before key pairs are revoked: programs that use them stop, and revoked keys cannot be restored.

use askama::Template;
use directory::user::User;

use super::request::PageRequest;
use super::shell::Shell;
use super::usage::{self, Used};
use super::{PageError, Shown};
use crate::key_status::KeyStatus;

/// Key pairs that are named; of more only the number is told.
const NAMED: usize = 50;

/// The field of a form whose sender was asked.
const SURE: &str = "sure";

/// Fields of a form that are not sent back to the browser: secrets, and what belongs to one session.
pub(super) const NOT_KEPT: &[&str] = &["token", "password", "new", "again", SURE];

/// A key pair that ends.
pub(super) struct Ending {
    pub(super) application: String,
    pub(super) user: String,
    pub(super) access_key: String,
    pub(super) used: Option<Used>,
}

#[derive(Template)]
#[template(path = "ask.html")]
struct Ask {
    shell: Shell,
    endings: Vec<Ending>,
    more: usize,
    /// Where the form is sent again, and what it held.
    action: String,
    fields: Vec<(String, String)>,
    back: String,
}

/// The live key pairs of users.
pub(super) async fn endings(request: &PageRequest<'_>, users: &[User]) -> Result<Vec<Ending>, PageError> {
    let (console, now) = (request.console, request.console.core.clock.now());
    let applications = console.core.store.list_applications().await?;
    let mut live = Vec::new();
    for user in users {
        let pairs = console.core.store.list_bindings(Some(user.id)).await?.into_iter();
        live.extend(
            pairs.filter(|pair| matches!(KeyStatus::of(pair, now), KeyStatus::Live | KeyStatus::EndsSoon)),
        );
    }
    let credentials: Vec<_> = live.iter().map(|pair| *pair.id.as_bytes()).collect();
    let used = usage::of(request, &credentials).await?;
    let ending = live.into_iter().zip(used).map(|(pair, used)| Ending {
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

/// A page that asks, if the form would end key pairs and its sender was not asked yet. `does` finishes the sentence "To …
/// ends"; `action` is where the form went.
pub(super) async fn before_keys_end(
    request: &PageRequest<'_>,
    users: &[User],
    does: &str,
    action: String,
    back: String,
) -> Result<Option<Shown>, PageError> {
    if request.form.ticked(SURE) {
        return Ok(None);
    }
    let mut endings = endings(request, users).await?;
    if endings.is_empty() {
        return Ok(None);
    }
    let more = endings.len().saturating_sub(NAMED);
    endings.truncate(NAMED);
    let number = endings.len() + more;
    let title = format!("{does}: {number} key pair{} will stop working", if number == 1 { "" } else { "s" });
    let kept = request.form.fields().filter(|(name, _)| !NOT_KEPT.contains(name));
    let page = Ask {
        shell: request.shell("/users", title),
        endings,
        more,
        action,
        fields: kept.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
        back,
    };
    Ok(Some(Shown::Html(page.render()?)))
}
