//! Replays a request as received or with a new signature. This needs an unredacted journal, as in a sandbox.

use std::net::SocketAddr;
use std::str::FromStr as _;

use axum::body::Body;
use directory::application::{AccessKey, Principal};
use directory::port::Freshness;
use directory::role::APPLICATIONS_EDIT;
use http::header::{HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use secrecy::ExposeSecret;
use wire::header;
use wire::signature::{Parts, SigningKey, authorization, canonical_path};

use super::{named_entry, show};
use crate::request::PageRequest;
use crate::shell::{JOURNAL, Notice};
use crate::{PageError, PageResponse};
use observe::journal::Entry;

/// The headers of a signature.
const SIGNED: [&str; 4] = [header::AUTHORIZATION, header::DATE, header::REQUEST_ID, header::APP_ID];

/// The possible ways to replay a request.
pub(super) struct ReplayOptions {
    pub(super) as_received: bool,
    pub(super) signed_again: bool,
}

impl ReplayOptions {
    pub(super) async fn read(
        request: &PageRequest<'_>,
        entry: &Entry,
        is_whole: bool,
    ) -> Result<Self, PageError> {
        let as_received = is_whole && is_exact(entry);
        Ok(Self { as_received, signed_again: as_received && signing_keys(request, entry).await?.is_some() })
    }
}

/// Headers are stored as text, so other bytes are lost.
fn is_exact(entry: &Entry) -> bool {
    entry.headers.iter().all(|(_, value)| !value.contains(char::REPLACEMENT_CHARACTER))
}

/// The keys for a new signature: those in the request, if they are valid, belong to a user of the account, and
/// have no permission that the console's user lacks.
async fn signing_keys(
    request: &PageRequest<'_>,
    entry: &Entry,
) -> Result<Option<std::sync::Arc<Principal>>, PageError> {
    let authorization = entry.headers.iter().find(|(name, _)| name == header::AUTHORIZATION);
    let named = authorization.and_then(|(_, value)| value.strip_prefix("MC ")?.split_once(':'));
    let Some(key) = named.and_then(|(key, _)| AccessKey::parse(key.trim()).ok()) else { return Ok(None) };
    let found = request.console.core.store.principal(&key, Freshness::Now).await?;
    Ok(found.filter(|found| {
        found.account.id == request.scope.account().id
            && request.may(&APPLICATIONS_EDIT)
            && request.scope.covers(found.role.as_ref()).is_ok()
    }))
}

pub(super) async fn replay(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (journal, mut entry) = named_entry(request)?;
    let body = journal.body(entry.number).filter(|_| is_exact(&entry));
    let Some(body) = body else { return refuse(request, "a part of the request was redacted.").await };
    match request.form.text("how") {
        "received" => {}
        "signed-again" => match signing_keys(request, &entry).await? {
            Some(keys) => sign(request, &mut entry, &keys),
            None => return refuse(request, "you have no valid keys of the account to sign it with.").await,
        },
        _ => return refuse(request, "choose how: as received, or signed again.").await,
    }
    let Some(rebuilt) = rebuild(&entry, body) else {
        return refuse(request, "the request cannot be rebuilt.").await;
    };
    let number = request.console.host.replay(rebuilt, SocketAddr::new(request.peer, 0)).await;
    let path = match number {
        Some(number) => format!("{JOURNAL}/{number}?again={}", entry.number),
        None => JOURNAL.to_owned(),
    };
    Ok(PageResponse::Redirect(request.path(&path)))
}

async fn refuse(request: &PageRequest<'_>, why: &str) -> Result<PageResponse, PageError> {
    let notice = Notice::error(format!("It was not sent: {why}"));
    show::render(request, Some(notice)).await.map(PageResponse::Invalid)
}

/// Signs the request with the current date and a new request id.
fn sign(request: &PageRequest<'_>, entry: &mut Entry, keys: &Principal) {
    let date = request.console.core.clock.now().strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    let request_id = request.console.core.guid();
    let path = canonical_path(entry.target.split('?').next().unwrap_or_default());
    let parts = Parts {
        date: date.as_bytes(),
        request_id: request_id.as_bytes(),
        application_key: keys.application.app_key.expose_secret().as_bytes(),
    };
    let signature = SigningKey::from_bytes(keys.binding.secret.expose_secret()).sign(&parts, path.as_bytes());
    let values = [
        authorization(keys.binding.access_key.as_str(), &signature),
        date,
        request_id,
        keys.application.app_id.clone(),
    ];
    entry.headers.retain(|(name, _)| !SIGNED.contains(&name.as_str()));
    entry.headers.extend(SIGNED.map(str::to_owned).into_iter().zip(values));
}

fn rebuild(entry: &Entry, body: Vec<u8>) -> Option<Request<Body>> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::from_str(&entry.method).ok()?;
    *request.uri_mut() = Uri::from(PathAndQuery::from_str(&entry.target).ok()?);
    for (name, value) in &entry.headers {
        let name = HeaderName::from_str(name).ok()?;
        // The stored body is no longer chunked.
        if name != TRANSFER_ENCODING {
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
    }
    Some(request)
}
