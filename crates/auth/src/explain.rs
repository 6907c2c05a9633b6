//! Explains why a signature was refused: in a sandbox to the caller, using every key of the directory; in production to
//! the operator, after the response has been sent, using the keys that the request names.
//!
//! Production does not tell a caller which part is wrong, because that would help an attacker. A sandbox prints its
//! keys anyway.

mod examine;

use std::sync::Arc;

use directory::Principal;
use directory::port::{BindingRow, Freshness, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use wire::explain::{Explanation, KeySet, KeyStatus};

use crate::signed::Presented;

pub use examine::{Examined, Refused};

/// Most key pairs that are tried, the newest first.
const PAIRS: usize = 64;

/// Most applications without a key pair that are tried.
const APPLICATIONS: usize = 32;

/// Explains refused requests one after the other on a separate thread.
pub struct Explainer {
    store: Arc<dyn Store>,
    window: SignedDuration,
    paths: Vec<&'static str>,
    room: Semaphore,
}

impl Explainer {
    /// Uses a store. `paths` are those of all endpoints.
    pub fn new(store: Arc<dyn Store>, window: SignedDuration, paths: Vec<&'static str>) -> Self {
        Self { store, window, paths, room: Semaphore::new(1) }
    }

    /// Why a request is refused. `None` if the store fails, or if another request is being explained and the caller
    /// does not wait.
    pub async fn explain(
        self: &Arc<Self>,
        presented: &Presented<'_>,
        method: &str,
        host: Option<&[u8]>,
        body: Option<&[u8]>,
        now: Timestamp,
        patient: bool,
    ) -> Option<Explanation> {
        let _room = match patient {
            true => self.room.acquire().await.ok()?,
            false => self.room.try_acquire().ok()?,
        };
        let keys = self.keys(presented, now).await.ok()?;
        let refused = Arc::new(Refused::of(presented, method, host, body, now));
        self.search(&refused, keys).await.ok()
    }

    /// The key pairs, always including that of the request, then the applications without one.
    async fn keys(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Vec<KeySet>, StoreError> {
        let mut rows = self.store.list_bindings(None).await?;
        let named = |key: &str| {
            let value = presented.authorization.unwrap_or_default();
            !key.is_empty() && value.windows(key.len()).any(|window| window == key.as_bytes())
        };
        rows.sort_by_key(|row| (!named(row.access_key.as_str()), std::cmp::Reverse(row.created_at)));
        rows.truncate(PAIRS);
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            keys.push(self.key_set(row, now).await?);
        }
        let applications = self.store.list_applications().await?;
        let unknown = |app_id: &str| keys.iter().all(|set: &KeySet| set.app_id != app_id);
        let beside: Vec<_> =
            applications.into_iter().filter(|row| unknown(&row.app_id)).take(APPLICATIONS).collect();
        for row in beside {
            let app_key = self.app_key(&row.app_id).await?;
            keys.push(application_set(&row.name, row.app_id, app_key));
        }
        Ok(keys)
    }

    /// The keys of a binding: all of them while it works.
    async fn key_set(&self, row: BindingRow, now: Timestamp) -> Result<KeySet, StoreError> {
        let principal = self.store.principal(&row.access_key, Freshness::Recent).await?;
        let app_key = self.app_key(&row.app_id).await?;
        Ok(key_set(row, principal.as_deref(), app_key, now))
    }

    /// The key of an application; empty if it is disabled.
    async fn app_key(&self, app_id: &str) -> Result<SecretString, StoreError> {
        let application = self.store.application(app_id).await?;
        Ok(application.map_or_else(|| SecretString::from(""), |application| application.app_key))
    }
}

/// The keys of a binding; the secret one only while it works.
fn key_set(row: BindingRow, principal: Option<&Principal>, app_key: SecretString, now: Timestamp) -> KeySet {
    let name = format!("{} ({})", row.address, row.app_id);
    let ends = |principal: &Principal| principal.binding.expires_at.is_some_and(|at| at <= now);
    KeySet {
        name,
        app_id: row.app_id,
        app_key,
        access_key: row.access_key.as_str().to_owned(),
        secret_key: principal.map(|principal| base64_text(principal.binding.secret.expose_secret())),
        status: match principal {
            None => KeyStatus::Revoked,
            Some(principal) if ends(principal) => KeyStatus::Expired,
            Some(_) => KeyStatus::Live,
        },
    }
}

/// The key of an application that no key pair is for.
fn application_set(name: &str, app_id: String, app_key: SecretString) -> KeySet {
    KeySet {
        name: format!("the application {name} ({app_id})"),
        app_key,
        app_id,
        access_key: String::new(),
        secret_key: None,
        status: KeyStatus::Live,
    }
}

fn base64_text(bytes: &[u8]) -> SecretString {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes).into()
}
