//! The settings of an application of API 2.0 for SCIM, and its tokens.

use askama::Template;
use directory::application::Client;
use directory::applications;
use directory::change::Change;
use directory::credentials::new_token;
use directory::error::ItemError;
use directory::port::Position;
use directory::scim::{AddressFrom, ClientToken, ScimChange, ScimSettings, room_for_token};
use directory::{DomainName, Role};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{client, client_path, named_client};
use crate::confirmation::CONFIRMED;
use crate::form::query_string;
use crate::request::PageRequest;
use crate::shell::Shell;
use crate::shown_time::ShownTime;
use crate::{PageError, PageResponse};

/// Domains that can be chosen.
const DOMAINS: usize = 1_000;

/// The base URL for identity providers.
pub(super) fn url(request: &PageRequest<'_>) -> String {
    request.url() + "/scim/v2"
}

/// The internal domains of the account.
pub(super) async fn domains(request: &PageRequest<'_>) -> Result<Vec<String>, PageError> {
    let account = request.scope.account().id;
    let found = request.console.core.store.domains_of(account, &Position::Start, DOMAINS).await?;
    Ok(found.rows.iter().map(|domain| domain.name.to_string()).collect())
}

/// Checks that the user may change an application with this role.
fn may_change(request: &PageRequest<'_>, role: Option<&Role>) -> Result<(), String> {
    applications::change_client(&request.scope, role).map_err(|why| format!("{why}."))
}

#[derive(Template)]
#[template(path = "applications/token.html")]
struct Issued {
    shell: Shell,
    path: String,
    name: String,
    url: String,
    secret: String,
    ends: Option<ShownTime>,
    /// Whether another token is valid.
    replaces: bool,
}

/// A new token.
struct IssuedToken {
    client: Client,
    secret: SecretString,
    ends: Option<Timestamp>,
    replaces: bool,
}

/// Issues a token, and shows it for the only time.
pub(super) async fn issue(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let (core, now) = (&request.console.core, request.console.core.clock.now());
        let (client, role) = named_client(request).await?;
        let tokens = core.store.tokens(client.id).await?;
        let judged = may_change(request, role.as_ref())
            .and_then(|()| room_for_token(&tokens, now).map_err(|why| format!("This application {why}.")))
            .and_then(|()| ends(request, now));
        Ok(judged.map(|ends| {
            let (kept, secret) = new_token(&*core.entropy, client.id, ends, now);
            let replaces = tokens.iter().any(|token| token.lives(now));
            let added = Change::Scim(ScimChange::AddToken(kept));
            (vec![added], IssuedToken { client, secret, ends, replaces })
        }))
    };
    let IssuedToken { client, secret, ends, replaces } = match request.write_changes(judge).await? {
        Ok(issued) => issued,
        Err(why) => return client::refused(request, why).await,
    };
    let page = Issued {
        shell: request.shell("/applications", "Token issued"),
        path: client_path(request, &client.client_id),
        name: client.name,
        url: url(request),
        secret: secret.expose_secret().to_owned(),
        ends: ends.map(ShownTime),
        replaces,
    };
    Ok(PageResponse::Html(page.render()?))
}

/// The end that the form gives to a token; `None`: never.
fn ends(request: &PageRequest<'_>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let days = request.form.non_empty("days").map(str::parse).transpose();
    let days = days.map_err(|_| ItemError::NotOneOf("whole numbers".to_owned()));
    days.and_then(|days| applications::ends(days, now)).map_err(|why| format!("Days: {why}."))
}

#[derive(Template)]
#[template(path = "applications/revoke_token.html")]
struct Revoke {
    shell: Shell,
    path: String,
    name: String,
    id: String,
    made: ShownTime,
    ends: Option<ShownTime>,
}

/// The token that a form names.
async fn named_token(request: &PageRequest<'_>, client: &Client) -> Result<ClientToken, PageError> {
    let tokens = request.console.core.store.tokens(client.id).await?.into_iter();
    let id = request.form.text("id").parse().map_err(|_| PageError::NotFound("token"))?;
    tokens.into_iter().find(|token| token.id == id).ok_or(PageError::NotFound("token"))
}

/// Revokes a token; an unconfirmed form is answered with a question.
pub(super) async fn revoke(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    if !request.form.is_checked(CONFIRMED) {
        return confirm(request).await;
    }
    let judge = async |request: &PageRequest<'_>| {
        let (client, role) = named_client(request).await?;
        let token = named_token(request, &client).await?;
        let revoked = vec![Change::Scim(ScimChange::RevokeToken(token.id))];
        Ok(may_change(request, role.as_ref()).map(|()| (revoked, client.client_id)))
    };
    match request.write_changes(judge).await? {
        Ok(client_id) => Ok(PageResponse::Redirect(client_path(request, &client_id) + "?done=revoke")),
        Err(why) => client::refused(request, why).await,
    }
}

async fn confirm(request: &PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (client, role) = named_client(request).await?;
    let token = named_token(request, &client).await?;
    if let Err(why) = may_change(request, role.as_ref()) {
        return client::refused(request, why).await;
    }
    let page = Revoke {
        shell: request.shell("/applications", "Revoke a token"),
        path: client_path(request, &client.client_id),
        name: client.name,
        id: token.id.to_string(),
        made: ShownTime(token.created_at),
        ends: token.expires_at.map(ShownTime),
    };
    Ok(PageResponse::Html(page.render()?))
}

/// Sets how the application provisions.
pub(super) async fn set_settings(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let judge = async |request: &PageRequest<'_>| {
        let (client, role) = named_client(request).await?;
        let domain = chosen_domain(request).await?;
        let chosen = may_change(request, role.as_ref()).and_then(|()| {
            Ok(ScimSettings {
                address_from: chosen_attribute(request)?,
                user_name_domain: domain?,
                deletions_an_hour: chosen_limit(request)?,
            })
        });
        Ok(chosen.map(|chosen| {
            let changed = Change::Scim(ScimChange::SetSettings(client.id, chosen));
            (vec![changed], (client.client_id, client.scim))
        }))
    };
    let (client_id, before) = match request.write_changes(judge).await? {
        Ok(made) => made,
        Err(why) => return client::refused(request, why).await,
    };
    let before = values(&before);
    let mut done = vec![("done", "settings")];
    done.extend(FIELDS.into_iter().zip(before.iter().map(String::as_str)));
    let done = query_string(&done);
    Ok(PageResponse::Redirect(format!("{}?{done}", client_path(request, &client_id))))
}

/// The names of the form's fields.
pub(super) const FIELDS: [&str; 3] = ["address_from", "domain", "deletions"];

/// The settings as values of these fields.
fn values(settings: &ScimSettings) -> [String; 3] {
    let ScimSettings { address_from, user_name_domain, deletions_an_hour } = settings;
    [
        address_from.as_str().to_owned(),
        user_name_domain.as_ref().map(ToString::to_string).unwrap_or_default(),
        deletions_an_hour.map(|most| most.to_string()).unwrap_or_default(),
    ]
}

fn chosen_attribute(request: &PageRequest<'_>) -> Result<AddressFrom, String> {
    AddressFrom::by_name(request.form.text(FIELDS[0])).ok_or_else(|| {
        let names = AddressFrom::ALL.map(AddressFrom::as_str).join(", ");
        format!("Address from: {}.", ItemError::NotOneOf(names))
    })
}

fn chosen_limit(request: &PageRequest<'_>) -> Result<Option<u32>, String> {
    let most = request.form.non_empty(FIELDS[2]).map(str::parse).transpose();
    most.map_err(|_| format!("Deletions: expected a whole number from 0 to {}.", u32::MAX))
}

/// The domain in the form, or why it cannot be used; `None`: user names are addresses.
async fn chosen_domain(request: &PageRequest<'_>) -> Result<Result<Option<DomainName>, String>, PageError> {
    let Some(text) = request.form.non_empty(FIELDS[1]) else { return Ok(Ok(None)) };
    let name = match DomainName::parse(text) {
        Ok(name) => name,
        Err(why) => return Ok(Err(format!("{}.", ItemError::InvalidDomain(why)))),
    };
    let found = request.console.core.store.domain_of(request.scope.account().id, &name).await?;
    let judged = applications::user_name_domain(&request.scope, found);
    Ok(judged.map(Some).map_err(|why| format!("{why}.")))
}
