//! The page of an application of API 2.0: its role and products, its tokens for SCIM, and its requests.

use askama::Template;
use directory::application::{Client, Product};
use directory::applications;
use directory::change::Change;
use directory::role::{APPLICATIONS_EDIT, LOGS_READ};
use directory::scim::{AddressFrom, ClientToken, room_for_token};

use super::calls::{self, Calls};
use super::list::product_names;
use super::refusals::{self, Row};
use super::{client_path, named_client, scim};
use crate::form::query_string;
use crate::key_status::KeyStatus;
use crate::request::PageRequest;
use crate::shell::{JOURNAL, Notice, Shell};
use crate::shown_time::ShownTime;
use crate::tag::Tag;
use crate::usage::{self, Used};
use crate::{PageError, PageResponse};

#[derive(Template)]
#[template(path = "applications/show_client.html")]
struct Show {
    shell: Shell,
    path: String,
    name: String,
    client_id: String,
    /// `None`: the role was deleted.
    role: Option<String>,
    products: String,
    made: ShownTime,
    used: Option<Used>,
    calls: Calls,
    refusals: Vec<Row>,
    /// Its requests in the journal, if there is one that the user may read.
    journal: Option<String>,
    scim: Scim,
    may_edit: bool,
    /// Whether the user has all permissions of the role.
    covered: bool,
}

/// What the application may do by SCIM.
struct Scim {
    /// Whether it has the product.
    is_open: bool,
    url: String,
    tokens: Vec<Token>,
    has_room: bool,
    /// Tokens that have ended or will end soon.
    ending: usize,
    from_emails: bool,
    domain: Option<String>,
    deletions: Option<u32>,
    /// The domains that can be chosen.
    domains: Vec<String>,
    days: String,
}

struct Token {
    id: String,
    tag: Tag,
    made: ShownTime,
    ends: Option<ShownTime>,
    used: Option<Used>,
}

impl Token {
    fn shown(token: &ClientToken, status: KeyStatus, used: Option<Used>) -> Self {
        Self {
            used,
            id: token.id.to_string(),
            tag: status.tag(),
            made: ShownTime(token.created_at),
            ends: token.expires_at.map(ShownTime),
        }
    }
}

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = match request.query.text("done") {
        "revoke" => Some(Notice::success("The token is revoked: requests with it are refused from now on.")),
        "settings" => {
            let before = scim::FIELDS.map(|field| (field, request.query.text(field).to_owned()));
            let undo = client_path(request, request.path_param("client")) + "/scim-settings";
            Some(Notice::success("The settings are changed.").undo(undo, before.into()))
        }
        _ => None,
    };
    render(request, notice).await.map(PageResponse::Html)
}

pub(super) async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (client, role) = named_client(request).await?;
    let journal = request.may(&LOGS_READ) && request.console.host.journal().is_some();
    let journal = journal
        .then(|| request.path(&format!("{JOURNAL}?{}", query_string(&[("q", client.client_id.as_str())]))));
    let page = Show {
        shell: request.shell("/applications", client.name.clone()).with_notice(notice),
        path: client_path(request, &client.client_id),
        calls: calls::calls(request, &client.client_id, &client.name),
        refusals: refusals::rows(request, &client.client_id).await?,
        used: usage::read_usage(request, &[*client.id.as_bytes()]).await?.pop().flatten(),
        scim: read_scim(request, &client).await?,
        products: product_names(&client),
        made: ShownTime(client.created_at),
        may_edit: request.may(&APPLICATIONS_EDIT),
        covered: applications::change_client(&request.scope, role.as_ref()).is_ok(),
        role: role.map(|role| role.name),
        name: client.name,
        client_id: client.client_id,
        journal,
    };
    Ok(page.render()?)
}

async fn read_scim(request: &PageRequest<'_>, client: &Client) -> Result<Scim, PageError> {
    let (store, now) = (&request.console.core.store, request.console.core.clock.now());
    let tokens = store.tokens(client.id).await?;
    let ids: Vec<_> = tokens.iter().map(|token| *token.id.as_bytes()).collect();
    let used = usage::read_usage(request, &ids).await?;
    let status = |token: &ClientToken| KeyStatus::of_token(token, now);
    let settings = &client.scim;
    let domain = settings.user_name_domain.as_ref().map(ToString::to_string);
    let mut domains = scim::domains(request).await?;
    // A select without the current domain would change it.
    domains.extend(domain.clone().filter(|domain| !domains.contains(domain)));
    Ok(Scim {
        is_open: client.products.contains(&Product::UserAndGroupManagement),
        url: scim::url(request),
        has_room: room_for_token(&tokens, now).is_ok(),
        ending: tokens.iter().filter(|token| status(token) != KeyStatus::Live).count(),
        tokens: tokens
            .iter()
            .zip(used)
            .map(|(token, used)| Token::shown(token, status(token), used))
            .collect(),
        from_emails: settings.address_from == AddressFrom::Emails,
        domain,
        deletions: settings.deletions_an_hour,
        domains,
        days: request.form.text("days").to_owned(),
    })
}

/// The page with the reason why nothing was changed.
pub(super) async fn refused(request: &PageRequest<'_>, why: String) -> Result<PageResponse, PageError> {
    render(request, Some(Notice::error(format!("Nothing was changed. {why}"))))
        .await
        .map(PageResponse::Invalid)
}

pub(super) async fn disable(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let (client, role) = named_client(request).await?;
        if request.form.text("confirm") != client.name.trim() {
            return Ok(Err(format!("Type {} to confirm.", client.name)));
        }
        let covered = applications::change_client(&request.scope, role.as_ref());
        let covered = covered.map_err(|why| format!("{why}."));
        Ok(covered.map(|()| (vec![Change::DisableClient(client.id)], ())))
    };
    match request.write_changes(judge).await? {
        Ok(()) => Ok(PageResponse::Redirect(request.path("/applications?done=disable"))),
        Err(why) => refused(request, why).await,
    }
}
