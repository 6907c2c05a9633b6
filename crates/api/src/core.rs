//! The shared state of all endpoints.

use std::sync::Arc;

use auth::explain::Explainer;
use auth::{Authenticator, PasswordHasher};
use directory::port::{Clock, Entropy, Refusal, RequestIds, Store, StoreError, Usage};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use observe::telemetry::Telemetry;
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::dns::TxtLookup;
use crate::examine::Examiner;
use crate::import::Imports;
use crate::limits::Limits;
use crate::public_url::PublicUrl;
use crate::secure_id::SecureIds;

/// Credentials per write of their use.
const USAGE_SLICE: usize = 128;

/// The shared state of all endpoints.
pub struct Core {
    /// The directory.
    pub store: Arc<dyn Store>,
    /// Authenticates callers.
    pub authenticator: Authenticator,
    /// The password hasher.
    pub hasher: Arc<PasswordHasher>,
    /// Looks up the TXT records of domains.
    pub txt: TxtLookup,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How to treat a reused request id with another body.
    pub request_ids: RequestIds,
    /// The limits of a request.
    pub limits: Limits,
    /// Allowed difference between a request's date and the server's time.
    pub freshness: jiff::SignedDuration,
    /// Where clients reach the server.
    pub public_url: PublicUrl,
    /// Explains refused signatures; only in a sandbox.
    pub explainer: Option<Arc<Explainer>>,
    /// Looks for the cause of refused signatures, for operators; not in a sandbox, which explains at once.
    pub examiner: Option<Examiner>,
    /// Counts requests, and the use of credentials.
    pub telemetry: Telemetry,
    /// Import jobs of this node.
    pub imports: Arc<Imports>,
    /// Held while the use of credentials is recorded.
    pub recording: tokio::sync::Mutex<()>,
}

impl Core {
    /// The secure ids of this directory.
    pub fn secure_ids(&self) -> SecureIds<'_> {
        SecureIds::new(&self.store.keys().secure_id)
    }

    /// A keyed digest of the parts of a request that tell it from others: path, body and what else there is. Keyed, because
    /// a body holds passwords, which could be guessed from a bare hash.
    pub fn request_digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = Hmac::<Sha256>::new(self.store.keys().body_digest.expose_secret().into());
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                digest.update(b"\0");
            }
            digest.update(part);
        }
        digest.finalize().into_bytes().into()
    }

    /// A new GUID.
    pub fn guid(&self) -> String {
        directory::credentials::guid(&*self.entropy)
    }

    /// Records the use of credentials in slices, so that no other write waits for more than one slice. After a failure
    /// the rest is recorded the next time.
    pub async fn note_usage(&self) {
        // A caller that waits here returns after everything is recorded.
        let _recording = self.recording.lock().await;
        let mut usage = self.telemetry.take_usage();
        while !usage.is_empty() {
            let rest = usage.split_off(usage.len().min(USAGE_SLICE));
            if let Err(error) = self.store.note_usage(usage.clone()).await {
                tracing::warn!(%error, "could not record key usage");
                self.telemetry.put_usage_back([usage, rest].concat());
                return;
            }
            usage = rest;
        }
        let refusals = self.telemetry.take_refusals();
        if !refusals.is_empty()
            && let Err(error) = self.store.note_refusals(refusals.clone(), self.clock.now()).await
        {
            tracing::warn!(%error, "could not record refusals");
            self.telemetry.put_refusals_back(refusals);
        }
    }

    /// The recorded use of credentials, in the order of the input. Pending use is recorded first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage_of(&self, credentials: &[[u8; 16]]) -> Result<Vec<Option<Usage>>, StoreError> {
        self.note_usage().await;
        self.store.usage_of(credentials).await
    }

    /// The recorded refusals of an application since a time. Pending ones are recorded first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refusals_of(&self, app_id: &str, since: Timestamp) -> Result<Vec<Refusal>, StoreError> {
        self.note_usage().await;
        self.store.refusals_of(app_id, since).await
    }

    /// Deletes requests whose date is no longer accepted. Returns their number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_requests(&self) -> Result<usize, StoreError> {
        self.store.forget_requests(self.clock.now(), self.freshness).await
    }
}
