//! Key pairs: issue, revoke, and rotate with a period in which both pairs work.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use directory::application::{Application, Binding};
use directory::applications;
use directory::change::Change;
use directory::error;
use directory::port::BindingRow;
use directory::user::User;
use directory::{BindingId, Role};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretBox};

use super::named_application;
use super::show::render;
use crate::request::{Judged, PageRequest};
use crate::shell::{Notice, Shell};
use crate::shown_time::ShownTime;
use crate::{PageError, PageResponse};
use directory::credentials::new_binding;

#[derive(Template)]
#[template(path = "applications/issued.html")]
struct Issued {
    shell: Shell,
    path: String,
    address: String,
    app_id: String,
    app_key: String,
    access_key: String,
    secret_key: String,
    ends: Option<ShownTime>,
    /// End of the replaced pair.
    old_ends: Option<ShownTime>,
    url: String,
    /// An address for the example of a first call.
    example: String,
}

async fn refuse(request: &PageRequest<'_>, why: impl std::fmt::Display) -> Result<PageResponse, PageError> {
    render(request, Some(Notice::error(format!("Nothing was changed: {why}"))))
        .await
        .map(PageResponse::Invalid)
}

async fn with_role(
    request: &PageRequest<'_>,
    user: Option<User>,
) -> Result<(Option<User>, Option<Role>), PageError> {
    let role = match user.as_ref().and_then(|user| user.role) {
        Some(role) => request.console.core.store.role(role).await?,
        None => None,
    };
    Ok((user, role))
}

/// A number of the form; `None` if the field is empty.
fn number_field(request: &PageRequest<'_>, field: &str) -> Result<Option<i64>, error::ItemError> {
    let number = request.form.non_empty(field).map(str::parse).transpose();
    number.map_err(|_| error::ItemError::NotOneOf("whole numbers".to_owned()))
}

pub(super) async fn issue(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let application = named_application(request).await?;
        let now = request.console.core.clock.now();
        let address = match directory::check::address(request.form.text("address")) {
            Ok(address) => address,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let found = request.console.core.store.users(&[address]).await?.pop().flatten();
        let (found, role) = with_role(request, found).await?;
        let judged = applications::issue(&request.scope, found, role.as_ref())
            .and_then(|user| Ok((user, applications::ends(number_field(request, "days")?, now)?)));
        Ok(judged
            .map(|(user, ends)| new_pair(request, application, user, ends, None))
            .map_err(|why| why.to_string()))
    };
    issue_page(request, judge).await
}

/// A new key pair.
struct IssuedPair {
    application: Application,
    user: User,
    binding: Binding,
    /// End of the replaced pair.
    old_ends: Option<Timestamp>,
}

/// Generates a pair, and sets the end of the replaced one.
fn new_pair(
    request: &PageRequest<'_>,
    application: Application,
    user: User,
    ends: Option<Timestamp>,
    old: Option<(BindingId, Timestamp)>,
) -> (Vec<Change>, IssuedPair) {
    let now = request.console.core.clock.now();
    let binding = new_binding(&*request.console.core.entropy, user.id, application.id, ends, now);
    let kept = Binding {
        access_key: binding.access_key.clone(),
        secret: SecretBox::new(binding.secret.expose_secret().into()),
        ..binding
    };
    let changes = [Change::AddBinding(kept)].into_iter();
    let changes = changes.chain(old.map(|(old, at)| Change::ExpireBinding(old, at))).collect();
    (changes, IssuedPair { application, user, binding, old_ends: old.map(|(_, at)| at) })
}

/// Writes a pair, and shows its secret for the only time.
async fn issue_page(
    request: &mut PageRequest<'_>,
    judge: impl AsyncFn(&PageRequest<'_>) -> Result<Judged<IssuedPair>, PageError>,
) -> Result<PageResponse, PageError> {
    let IssuedPair { application, user, binding, old_ends } = match request.write_changes(judge).await? {
        Ok(given) => given,
        Err(why) => return refuse(request, why).await,
    };
    let page = Issued {
        shell: request.shell("/applications", "Key pair issued"),
        path: request.path(&format!("/applications/{}", application.app_id)),
        example: format!("first.user@{}", user.address.domain()),
        address: user.address.to_string(),
        app_id: application.app_id.clone(),
        app_key: application.app_key.expose_secret().to_owned(),
        access_key: binding.access_key.as_str().to_owned(),
        secret_key: STANDARD.encode(binding.secret.expose_secret()),
        ends: binding.expires_at.map(ShownTime),
        old_ends: old_ends.map(ShownTime),
        url: request.url(),
    };
    Ok(PageResponse::Html(page.render()?))
}

/// The pair that a form names, with its user and the user's role.
async fn named_pair(
    request: &PageRequest<'_>,
    application: &Application,
) -> Result<(BindingRow, User, Option<Role>), PageError> {
    let account = request.scope.account().id;
    let id = request.console.core.secure_ids().open_id("binding", account, request.form.text("key"))?;
    let found = request.console.core.store.binding(BindingId::from_bytes(id)).await?;
    let found = found.filter(|found| found.app_id == application.app_id && found.revoked_at.is_none());
    let row = found.ok_or(PageError::NotFound("key pair"))?;
    let user = request.console.core.store.users_by_id(&[row.user]).await?.pop().flatten();
    let (user, role) = with_role(request, user).await?;
    Ok((row, user.ok_or(PageError::NotFound("user"))?, role))
}

pub(super) async fn rotate(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let application = named_application(request).await?;
        let (old, user, role) = named_pair(request, &application).await?;
        let now = request.console.core.clock.now();
        let judged = applications::issue(&request.scope, Some(user), role.as_ref()).and_then(|user| {
            let old_ends = applications::overlap(number_field(request, "hours")?.unwrap_or(24), now)?;
            Ok((user, old_ends))
        });
        Ok(judged.map_err(|why| why.to_string()).map(|(user, old_ends)| {
            // The new pair gets the lifetime of the old one.
            let life = old.expires_at.map(|at| at.duration_since(old.created_at));
            let ends = life.and_then(|life| now.checked_add(life).ok());
            new_pair(request, application, user, ends, Some((old.id, old_ends)))
        }))
    };
    issue_page(request, judge).await
}

pub(super) async fn revoke(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let application = named_application(request).await?;
        let (old, _, role) = named_pair(request, &application).await?;
        let covered = request.scope.covers(role.as_ref()).map_err(|why| why.to_string());
        Ok(covered.map(|()| (vec![Change::RevokeBinding(old.id)], application.app_id)))
    };
    match request.write_changes(judge).await? {
        Ok(app_id) => {
            Ok(PageResponse::Redirect(request.path(&format!("/applications/{app_id}?done=revoke"))))
        }
        Err(why) => refuse(request, why).await,
    }
}
