//! The page of an application: its key pairs and their use.

use askama::Template;
use directory::BindingId;
use directory::change::Change;
use directory::port::Affected;
use directory::role::APPLICATIONS_EDIT;

use super::calls::{self, Calls};
use super::named_application;
use super::refusals::{self, Row};
use crate::key_status::KeyStatus;
use crate::request::PageRequest;
use crate::shell::{Notice, Shell};
use crate::shown_time::ShownTime;
use crate::tag::Tag;
use crate::usage::{self, Used};
use crate::{PageError, PageResponse};

/// Key pairs on a page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "applications/show.html")]
struct Show {
    shell: Shell,
    path: String,
    name: String,
    app_id: String,
    made: ShownTime,
    keys: Vec<Key>,
    next: Option<String>,
    /// Key pairs that have ended or will end soon.
    ending: usize,
    address: String,
    may_edit: bool,
    calls: Calls,
    refusals: Vec<Row>,
}

struct Key {
    id: String,
    user: String,
    user_path: String,
    access_key: String,
    tag: Tag,
    ends: Option<ShownTime>,
    made: ShownTime,
    used: Option<Used>,
}

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = match request.query.text("done") {
        "revoke" => {
            Some(Notice::success("The key pair is revoked: requests signed with it are refused from now on."))
        }
        _ => None,
    };
    render(request, notice).await.map(PageResponse::Html)
}

pub(super) async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let application = named_application(request).await?;
    let (console, account) = (request.console, request.scope.account().id);
    let (ids, now) = (console.core.secure_ids(), console.core.clock.now());
    let before = match request.query.non_empty("before") {
        Some(id) => Some(BindingId::from_bytes(ids.open_id("binding", account, id)?)),
        None => None,
    };
    let mut rows = console.core.store.bindings_to(application.id, before, PAGE + 1).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let path = request.path(&format!("/applications/{}", application.app_id));
    let seal = |id: BindingId| ids.seal("binding", account, id.as_bytes());
    let next = rows.last().filter(|_| more).map(|last| format!("{path}?before={}", seal(last.id)));
    let credentials: Vec<_> = rows.iter().map(|row| *row.id.as_bytes()).collect();
    let used = usage::read_usage(request, &credentials).await?;
    let keys: Vec<_> = rows
        .iter()
        .zip(used)
        .map(|(row, used)| Key {
            id: seal(row.id),
            user: row.address.clone(),
            user_path: request.path(&format!("/users/{}", ids.user(account, row.user))),
            access_key: row.access_key.as_str().chars().take(12).collect(),
            tag: KeyStatus::of_pair(row, now).tag(),
            ends: row.expires_at.map(ShownTime),
            made: ShownTime(row.created_at),
            used,
        })
        .collect();
    let page = Show {
        calls: calls::calls(request, &application.app_id, &application.name),
        refusals: refusals::rows(request, &application.app_id).await?,
        shell: request.shell("/applications", application.name.clone()).with_notice(notice),
        path,
        name: application.name,
        app_id: application.app_id,
        made: ShownTime(application.created_at),
        ending: rows.iter().filter(|row| KeyStatus::of_pair(row, now) != KeyStatus::Live).count(),
        keys,
        next,
        address: request.form.text("address").to_owned(),
        may_edit: request.may(&APPLICATIONS_EDIT),
    };
    Ok(page.render()?)
}

pub(super) async fn disable(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let application = named_application(request).await?;
        if request.form.text("confirm") != application.name {
            return Ok(Err(format!("Nothing was changed: type {} to confirm.", application.name)));
        }
        // The application's key pairs stop working, so the caller needs the permissions of their users.
        let roles = request.console.core.store.roles_among(Affected::KeyHolders(application.id)).await?;
        let covered = roles.iter().try_for_each(|role| request.scope.covers(Some(role)));
        let covered = covered.map_err(|why| format!("Nothing was changed: {why}."));
        Ok(covered.map(|()| (vec![Change::DisableApplication(application.id)], ())))
    };
    match request.write_changes(judge).await? {
        Ok(()) => Ok(PageResponse::Redirect(request.path("/applications?done=disable"))),
        Err(why) => render(request, Some(Notice::error(why))).await.map(PageResponse::Invalid),
    }
}
