//! The credential of a client, and its renewal.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use wire::header::{self, RequestId};
use wire::login::{LogIn, LoggedIn};
use wire::oauth;

use crate::application::{Application, Login};
use crate::envelope::answered;
use crate::error::CallError;
use crate::keys::KeysError;
use crate::raw_answer::RawAnswer;
use crate::sign::{SignedHeaders, Signer};
use crate::transport::Transport;

/// A token is not used in its last seconds: it might expire on the way.
const TOKEN_MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// The credential of a client.
pub(crate) struct Access {
    kind: Kind,
    /// Held while renewing, so that concurrent callers renew only once.
    renewing: tokio::sync::Mutex<()>,
}

enum Kind {
    /// API 1.0: a key pair that signs, prolonged with a login if one is given.
    Pair { pair: RwLock<Pair>, application: Application, login: Option<Login> },
    /// API 2.0: tokens.
    Token { token: RwLock<Token>, client_id: String, client_secret: SecretString },
}

/// A key pair, and the number of times it was prolonged.
struct Pair {
    signer: Arc<Signer>,
    life: u64,
}

/// A token, and the number of tokens before it.
#[derive(Clone, Default)]
struct Token {
    authorization: String,
    until: Timestamp,
    life: u64,
}

/// The credential of a request, and its generation.
pub(crate) struct Presented {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) life: u64,
}

impl Access {
    pub(crate) fn pair(signer: Signer, application: Application, login: Option<Login>) -> Self {
        let pair = RwLock::new(Pair { signer: Arc::new(signer), life: 0 });
        Self::with_kind(Kind::Pair { pair, application, login })
    }

    pub(crate) fn token(client_id: String, client_secret: SecretString) -> Self {
        Self::with_kind(Kind::Token { token: RwLock::default(), client_id, client_secret })
    }

    fn with_kind(kind: Kind) -> Self {
        Self { kind, renewing: tokio::sync::Mutex::new(()) }
    }

    /// The signer; none with tokens.
    pub(crate) fn signer(&self) -> Option<Arc<Signer>> {
        match &self.kind {
            Kind::Pair { pair, .. } => Some(Arc::clone(&read(pair).signer)),
            Kind::Token { .. } => None,
        }
    }

    /// The headers of a request.
    pub(crate) async fn present(
        &self,
        transport: &Transport,
        path: &str,
        now: Timestamp,
        request_id: &RequestId,
    ) -> Result<Presented, CallError> {
        match &self.kind {
            Kind::Pair { pair, .. } => {
                let (signer, life) = {
                    let pair = read(pair);
                    (Arc::clone(&pair.signer), pair.life)
                };
                let SignedHeaders { authorization, date, request_id, app_id } =
                    signer.sign(path, now, request_id);
                let headers = vec![
                    (header::AUTHORIZATION, authorization),
                    (header::DATE, date),
                    (header::REQUEST_ID, request_id),
                    (header::APP_ID, app_id),
                ];
                Ok(Presented { headers, life })
            }
            Kind::Token { token, .. } => {
                let mut held = read(token).clone();
                if held.until <= now {
                    self.renew(transport, held.life, now).await?;
                    held = read(token).clone();
                }
                let headers = vec![
                    (header::AUTHORIZATION, held.authorization),
                    (header::REQUEST_ID, request_id.to_string()),
                ];
                Ok(Presented { headers, life: held.life })
            }
        }
    }

    /// Whether a response says that the credential has expired.
    pub(crate) fn is_expired(answer: &RawAnswer) -> bool {
        if answer.status == 200 {
            return false;
        }
        // Bodies of errors are short, so reading one twice is cheap.
        let refused = answered::<serde::de::IgnoredAny>(answer).err();
        let code = refused.as_ref().and_then(CallError::code);
        answer.status == 418 || matches!(code, Some("err_xdk_binding_expired" | "token_expired"))
    }

    /// Renews the credential. Concurrent callers renew it once.
    ///
    /// Returns false when there is no login to renew it.
    pub(crate) async fn renew(
        &self,
        transport: &Transport,
        life: u64,
        now: Timestamp,
    ) -> Result<bool, CallError> {
        let _renewing = self.renewing.lock().await;
        match &self.kind {
            Kind::Pair { login: None, .. } => return Ok(false),
            Kind::Pair { pair, application, login: Some(login) } => {
                let held = {
                    let pair = read(pair);
                    (pair.life == life).then(|| pair.signer.keys().access_key.clone())
                };
                if let Some(access_key) = held {
                    let item = LogIn { access_key: Some(access_key), ..LogIn::default() };
                    let LoggedIn { access_key, secret_key, .. } =
                        application.log_in_as(transport, login, item).await?;
                    // A server may issue another pair instead of prolonging this one.
                    let signer = Arc::new(
                        Signer::new(&application.keys(access_key, secret_key)).map_err(KeysError::from)?,
                    );
                    *write(pair) = Pair { signer, life: life + 1 };
                }
            }
            Kind::Token { token, client_id, client_secret } => {
                if read(token).life == life {
                    let given = new_token(transport, client_id, client_secret).await?;
                    let seconds = i64::try_from(given.expires_in).unwrap_or(i64::MAX);
                    let lifetime = SignedDuration::from_secs(seconds).saturating_sub(TOKEN_MARGIN);
                    let until = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
                    let authorization = format!("Bearer {}", given.access_token);
                    *write(token) = Token { authorization, until, life: life + 1 };
                }
            }
        }
        Ok(true)
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

async fn new_token(
    transport: &Transport,
    client_id: &str,
    client_secret: &SecretString,
) -> Result<oauth::Token, CallError> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client_id)
        .append_pair("client_secret", client_secret.expose_secret())
        .finish();
    let answer =
        transport.post("/oauth/token", [], "application/x-www-form-urlencoded", form.into_bytes()).await?;
    match serde_json::from_slice::<oauth::Token>(&answer.body) {
        Ok(given) if !given.access_token.is_empty() => Ok(given),
        _ => Err(no_token(&answer)),
    }
}

/// The reason for a refused token, as the response says it.
fn no_token(answer: &RawAnswer) -> CallError {
    match serde_json::from_slice::<oauth::Refused>(&answer.body) {
        Ok(refused) => CallError::Refused {
            status: answer.status,
            fault: wire::Error {
                code: refused.error,
                message: refused.error_description,
                retryable: false,
                field: None,
            },
            retry_after: crate::error::retry_after(answer),
        },
        Err(source) => CallError::NoEnvelope { status: answer.status, source },
    }
}
