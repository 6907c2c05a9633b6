//! `POST /api/login/login` (spec/protocol.md 4, spec/clients.md 6).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use directory::login::{Grant, Outcome};
use directory::port::{BindingRow, Freshness};
use directory::{AccessKey, Application, Principal};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use wire::item::{Entry, Item as _, Row as _};
use wire::login::{LogIn, LoggedIn};
use wire::{Answer, Code, Error};

use super::{application, decide, prove, refused_item, same_user};
use crate::call::{Reply, Unsigned};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use directory::credentials::new_binding;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/login/login",
    method: Method::Post,
    summary: "Issues or renews a key pair.",
    permission: None,
    products: &[],
    writes: true,
    takes: Takes::One(LogIn::FIELDS),
    row: LoggedIn::FIELDS,
    codes: &[Code::PasswordChangeRequired, Code::TooManyBindings, Code::UnknownBinding, Code::NotOneOf],
    run: Run::Unsigned(|call| Box::pin(log_in(call))),
};

async fn log_in(mut call: Unsigned<'_>) -> Result<Reply, CallError> {
    let application = application(&mut call).await?;
    let Entry { key, item } = call.body()?.one::<LogIn>()?;
    let item = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let proof = prove(&mut call, &application).await?;
    let refuse = |error: Error| Ok(refused_item(key, vec![error]));
    if let Err(error) = same_user(&proof, item.user_name.or(item.username).as_deref()) {
        return refuse(error);
    }
    let now = call.core.clock.now();
    let Some(credentials) = proof.right_for(now) else {
        // Other errors are shown only after the right password.
        return decide(&mut call, proof, Grant::Nothing).await.and(Err(CallError::Login));
    };
    let life = credentials.profile.binding_life;
    let expires_at = life.and_then(|life| now.checked_add(life).ok());
    let (grant, logged_in) = match item.access_key.filter(|key| !key.is_empty()) {
        Some(access_key) => match pair(&call, &access_key, credentials.user.id, &application).await? {
            Some(principal) => {
                let grant = Grant::Prolong(principal.binding.id, expires_at);
                (grant, logged_in(access_key, principal.binding.secret.expose_secret(), life))
            }
            None => {
                decide(&mut call, proof, Grant::Nothing).await?;
                return refuse(Error::in_field(
                    Code::UnknownBinding,
                    "accessKey",
                    "Not a valid key pair of the user for this application: log in without accessKey for a new one",
                ));
            }
        },
        None => {
            let user = credentials.user.id;
            note_usage_at_limit(&call, user, &application, credentials.profile.max_bindings).await?;
            let binding = new_binding(&*call.core.entropy, user, application.id, expires_at, now);
            let logged_in =
                logged_in(binding.access_key.as_str().to_owned(), binding.secret.expose_secret(), life);
            (Grant::Binding(Box::new(binding), credentials.profile.clone()), logged_in)
        }
    };
    match decide(&mut call, proof, grant).await? {
        Outcome::Granted => Ok(Reply::of(&Answer::ran(vec![logged_in], Vec::new()))),
        Outcome::MustChange => refuse(Error::new(
            Code::PasswordChangeRequired,
            "The password must be changed before the first login: POST /api/user/change-password",
        )),
        Outcome::Expired => refuse(Error::new(
            Code::PasswordChangeRequired,
            "The password has expired and must be changed: POST /api/user/change-password",
        )),
        Outcome::TooManyBindings => refuse(Error::new(
            Code::TooManyBindings,
            "The user has the maximum number of key pairs for this application: revoke one by logging out with it, or renew one by sending it as accessKey",
        )),
        Outcome::Refused => Err(CallError::Login),
    }
}

/// An unused key pair can be replaced by a new one. Its last use may be pending in memory, so it is recorded before the
/// limit is applied.
async fn note_usage_at_limit(
    call: &Unsigned<'_>,
    user: directory::UserId,
    application: &Application,
    limit: u32,
) -> Result<(), CallError> {
    let bindings = call.core.store.list_bindings(Some(user)).await?;
    let live = |row: &&BindingRow| row.app_id == application.app_id && row.revoked_at.is_none();
    if bindings.iter().filter(live).count() >= usize::try_from(limit).unwrap_or(usize::MAX) {
        call.core.note_usage().await;
    }
    Ok(())
}

/// The key pair to renew: the user's own, for this application. It may have expired.
async fn pair(
    call: &Unsigned<'_>,
    access_key: &str,
    user: directory::UserId,
    application: &Application,
) -> Result<Option<Arc<Principal>>, CallError> {
    let Ok(access_key) = AccessKey::parse(access_key) else { return Ok(None) };
    let principal = call.core.store.principal(&access_key, Freshness::Now).await?;
    Ok(principal.filter(|found| found.binding.user == user && found.application.id == application.id))
}

fn logged_in(access_key: String, secret: &[u8], life: Option<SignedDuration>) -> LoggedIn {
    LoggedIn {
        access_key,
        secret_key: STANDARD.encode(secret),
        duration: life.and_then(|life| u64::try_from(life.as_millis()).ok()),
        binding_type: "one_step".to_owned(),
        extend_on_validate: false,
    }
}
