//! `/api/login/…`, and the parts that its endpoints share with change-password: application and proof of the password.

pub mod discover_authentication;
#[expect(clippy::module_inception, reason = "folders and files are named as the paths")]
pub mod login;
pub mod logout;

use auth::{AuthError, Proof};
use directory::login::{Grant, Outcome};
use directory::{Application, EmailAddress};
use serde_json::{Map, Value};
use wire::header::{self, Basic, Scheme};
use wire::{Answer, Code, Error, Failure};

use crate::call::{Reply, Unsigned};
use crate::endpoint::Endpoint;
use crate::error::CallError;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] =
    &[discover_authentication::ENDPOINT, login::ENDPOINT, logout::ENDPOINT];

/// The calling application. Every call names one, even before a login.
pub(super) async fn application(call: &mut Unsigned<'_>) -> Result<Application, CallError> {
    let app_id = call.headers.get(header::APP_ID).ok_or(AuthError::MissingHeader { name: header::APP_ID })?;
    let app_id = String::from_utf8_lossy(app_id.as_bytes()).trim().to_owned();
    let lower = app_id.to_ascii_lowercase();
    let found = call.core.store.application(&lower);
    let found = call.timed(found).await?;
    let shown = || app_id.chars().take(64).collect();
    found.ok_or_else(|| AuthError::UnknownApplication { app_id: shown() }.into())
}

/// Whether logins with `Basic-AD` count as `Basic-Cloud`. The application's account decides, not the user's: so the answer
/// does not tell whether the user exists. `[ours]`
pub(super) async fn takes_basic_ad(
    call: &mut Unsigned<'_>,
    application: &Application,
) -> Result<bool, CallError> {
    let account = call.core.store.account_by_id(application.account);
    let account = call.timed(account).await?;
    Ok(account.is_some_and(|account| account.settings.basic_ad_as_cloud))
}

/// Compares the password in `Authorization` with that of the named user.
pub(super) async fn prove(call: &mut Unsigned<'_>, application: &Application) -> Result<Proof, CallError> {
    let value = call
        .headers
        .get(header::AUTHORIZATION)
        .ok_or(AuthError::MissingHeader { name: header::AUTHORIZATION })?;
    let basic =
        Basic::parse(value.as_bytes()).map_err(|why| AuthError::MalformedHeader { why: why.to_string() })?;
    if basic.scheme == Scheme::Domain && !takes_basic_ad(call, application).await? {
        return Err(CallError::UnsupportedLogin);
    }
    let proof = Proof::of(&*call.core.store, &call.core.hasher, basic, call.core.clock.now()).await?;
    call.claims(&proof.address, &application.name);
    Ok(proof)
}

/// The user name in the body must match the one in `Authorization`.
pub(super) fn same_user(proof: &Proof, named: Option<&str>) -> Result<(), Error> {
    let key = |text: &str| EmailAddress::parse(text).map(|address| address.key().to_owned()).ok();
    match named.filter(|named| !named.trim().is_empty()) {
        Some(named) if key(named) != key(&proof.address) => Err(Error::in_field(
            Code::NotOneOf,
            "userName",
            "This address differs from the one in Authorization",
        )),
        _ => Ok(()),
    }
}

/// The store decides what is granted.
pub async fn decide(call: &mut Unsigned<'_>, proof: Proof, grant: Grant) -> Result<Outcome, CallError> {
    let started = proof.started();
    let (write, decision) = proof.into_write(grant, call.core.clock.now());
    call.write(write).await?;
    let outcome = decision();
    if outcome == Outcome::Refused {
        call.core.hasher.even_out(started).await;
        return Err(CallError::Login);
    }
    Ok(outcome)
}

pub(super) fn refused_item(key: Map<String, Value>, errors: Vec<Error>) -> Reply {
    Reply::of(&Answer::<()>::failed(200, Failure::of(key, errors)))
}
