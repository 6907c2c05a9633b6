//! Examines a refused request after its response has been sent.

use std::sync::Arc;

use directory::AccessKey;
use directory::port::{BindingRow, KeysOf, StoreError};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::task::JoinError;
use wire::explain::{Explanation, KeySet, Known, Mistake, Received, Signature, explain};
use wire::header::Authorization;

use super::{APPLICATIONS, Explainer, application_set, key_set};
use crate::signed::Presented;

/// Characters of an access key that identify it to an operator.
const SHOWN_KEY: usize = 12;

/// A refused request, as it arrived.
pub struct Refused {
    method: String,
    target: Vec<u8>,
    authorization: Option<Vec<u8>>,
    date: Option<Vec<u8>>,
    request_id: Option<Vec<u8>>,
    app_id: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
    at: Timestamp,
}

/// What was found about a refused request. For operators only.
pub struct Examined {
    /// The id of the registered application; empty if none is known.
    pub app_id: String,
    /// The user of the key pair, if the access key exists.
    pub address: Option<String>,
    /// The first characters of the access key, if it exists.
    pub access_key: Option<String>,
    /// The name of the mistake ([`Mistake::name`]), or `unexplained`, `unread`, `right`.
    pub cause: &'static str,
}

impl Refused {
    /// Copies what an examination needs.
    pub fn of(
        presented: &Presented<'_>,
        method: &str,
        host: Option<&[u8]>,
        body: Option<&[u8]>,
        at: Timestamp,
    ) -> Self {
        let owned = |value: Option<&[u8]>| value.map(<[u8]>::to_vec);
        Self {
            method: method.to_owned(),
            target: presented.target.to_vec(),
            authorization: owned(presented.authorization),
            date: owned(presented.date),
            request_id: owned(presented.request_id),
            app_id: owned(presented.app_id),
            host: owned(host),
            body: owned(body),
            at,
        }
    }

    /// The request id as it was sent, without control characters, for the log.
    pub fn request_id(&self) -> Option<String> {
        let text = String::from_utf8_lossy(self.request_id.as_deref()?);
        Some(text.chars().filter(|c| !c.is_control()).take(64).collect())
    }

    fn received(&self) -> Received<'_> {
        Received {
            method: &self.method,
            target: &self.target,
            authorization: self.authorization.as_deref(),
            date: self.date.as_deref(),
            request_id: self.request_id.as_deref(),
            app_id: self.app_id.as_deref(),
            host: self.host.as_deref(),
            body: self.body.as_deref(),
        }
    }

    fn access_key(&self) -> Option<AccessKey> {
        let authorization = Authorization::parse(self.authorization.as_deref()?).ok()?;
        AccessKey::parse(authorization.access_key()).ok()
    }
}

impl Explainer {
    /// Finds the mistake in a refused request, with the keys that it names. A request that names no key is not searched:
    /// anybody can send those.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn examine(self: &Arc<Self>, refused: &Arc<Refused>) -> Result<Examined, StoreError> {
        let found = match refused.access_key() {
            Some(access_key) => self.store.keys_of(&access_key, APPLICATIONS).await?,
            None => None,
        };
        let Some(found) = found else {
            let app_id = self.registered(refused.app_id.as_deref()).await?;
            let readable = refused.access_key().is_some();
            // Headers that cannot be read take no search.
            let cause = match readable {
                true => Mistake::AccessKeyUnknown.name(),
                false => cause_of(&self.judge(refused, &[])),
            };
            return Ok(Examined { app_id, address: None, access_key: None, cause });
        };
        let BindingRow { app_id, address, access_key, .. } = &found.binding;
        let access_key = Some(access_key.as_str().chars().take(SHOWN_KEY).collect());
        let (app_id, address) = (app_id.clone(), Some(address.clone()));
        let keys = key_sets(found, refused.at);
        let cause = cause_of(&self.search(refused, keys).await.map_err(StoreError::failed)?);
        Ok(Examined { app_id, address, access_key, cause })
    }

    /// Judges a request by these keys on a thread for long work.
    pub(super) async fn search(
        self: &Arc<Self>,
        refused: &Arc<Refused>,
        keys: Vec<KeySet>,
    ) -> Result<Explanation, JoinError> {
        let (explainer, refused) = (Arc::clone(self), Arc::clone(refused));
        tokio::task::spawn_blocking(move || explainer.judge(&refused, &keys)).await
    }

    fn judge(&self, refused: &Refused, keys: &[KeySet]) -> Explanation {
        let known = Known { keys, paths: &self.paths, window: self.window };
        explain(&refused.received(), &known, refused.at)
    }

    async fn registered(&self, app_id: Option<&[u8]>) -> Result<String, StoreError> {
        let named = app_id.and_then(|app_id| str::from_utf8(app_id).ok()).map(str::to_ascii_lowercase);
        let found = match named {
            Some(named) => self.store.application(&named).await?,
            None => None,
        };
        Ok(found.map(|found| found.app_id).unwrap_or_default())
    }
}

/// The key pair with the key of its application, and the other applications of the account.
fn key_sets(KeysOf { binding, principal, applications }: KeysOf, now: Timestamp) -> Vec<KeySet> {
    let app_id = binding.app_id.clone();
    let own = applications.iter().find(|application| application.app_id == app_id);
    let app_key = own.map_or_else(|| SecretString::from(""), |application| application.app_key.clone());
    let pair = key_set(binding, principal.as_deref(), app_key, now);
    let others = applications.into_iter().filter(|application| application.app_id != app_id);
    let others = others.map(|it| application_set(&it.name, it.app_id, it.app_key));
    std::iter::once(pair).chain(others).collect()
}

fn cause_of(explanation: &Explanation) -> &'static str {
    match (explanation.causes.first(), explanation.signature) {
        (Some(cause), _) => cause.mistake.name(),
        (None, Signature::Unread) => "unread",
        (None, Signature::Right | Signature::NotNeeded) => "right",
        (None, Signature::Wrong | Signature::Unexplained) => "unexplained",
    }
}
