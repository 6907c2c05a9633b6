//! Verifies who signed a request (spec/protocol.md 2, spec/clients.md 1, 2).

use std::net::IpAddr;
use std::sync::Arc;

use directory::application::ClientPrincipal;
use directory::port::{Clock, Freshness, Store, StoreError};
use directory::{AccessKey, Caller, Principal, Sender};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::header::{self, Authorization, RequestId};
use wire::oauth::Credentials;
use wire::signature::{Parts, SigningKey};

use crate::error::AuthError;
use crate::quota::{Bucket, Quota, Rate};
use crate::token::Tokens;

/// The authentication data of a request: its headers as received, and its target.
pub struct Presented<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a [u8]>,
    /// `x-mc-date`.
    pub date: Option<&'a [u8]>,
    /// `x-mc-req-id`.
    pub request_id: Option<&'a [u8]>,
    /// `x-mc-app-id`.
    pub app_id: Option<&'a [u8]>,
    /// Path and `?query` as received.
    pub target: &'a [u8],
    /// Where the request comes from.
    pub peer: IpAddr,
}

/// A request that is known to come from a caller.
pub struct Signed {
    /// The sender.
    pub caller: Caller,
    /// Its id; with a token it may have none.
    pub request_id: Option<RequestId>,
}

/// What is known of a request once its signature or token was looked at, and it was counted.
pub struct Authenticated {
    /// The sender, or why it is refused.
    pub signed: Result<Signed, AuthError>,
    /// Whose signature or token holds, also of a request that is refused; `None`: nobody's does.
    pub sender: Option<Sender>,
    /// The rest of the quota.
    pub rate: Rate,
}

/// Longest application id that is repeated to the caller, in characters.
const SHOWN_APP_ID: usize = 64;

/// Checks signatures.
pub struct Authenticator {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How far a date may be off, either way.
    window: SignedDuration,
    quota: Quota,
    /// Held by who tells other nodes of the quotas.
    telling: tokio::sync::Mutex<()>,
    /// A dummy key for unknown access keys: it fails like a wrong secret and takes as long.
    decoy: SigningKey,
    tokens: Tokens,
}

impl Authenticator {
    /// Over a store and a clock.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, window: SignedDuration, quota: Quota) -> Self {
        let tokens = Tokens::new(store.keys().body_digest.expose_secret());
        Self {
            store,
            clock,
            window,
            quota,
            telling: tokio::sync::Mutex::default(),
            decoy: SigningKey::from_bytes(&[0; 64]),
            tokens,
        }
    }

    /// Finds out who signed a request, and counts it: for the user whose signature holds, else for where it comes from.
    pub async fn authenticate(&self, presented: &Presented<'_>) -> Authenticated {
        let now = self.clock.now();
        let signed = self.identify(presented, Freshness::Recent, now).await;
        let sender = match &signed {
            Ok(signed) => Some(signed.caller.sender().clone()),
            Err(unverified) => unverified.sender.clone(),
        };
        let bucket = sender.as_ref().map_or(Bucket::Peer(presented.peer), Bucket::of);
        let rate = self.quota.draw(bucket, now);
        let signed = match quota_error(rate) {
            Some(refused) => Err(refused),
            None => signed.map_err(|unverified| unverified.why),
        };
        Authenticated { signed, sender, rate }
    }

    /// Determines again, from the current store, who signed a request that was already counted.
    ///
    /// # Errors
    /// When the signature no longer holds.
    pub async fn authenticate_anew(&self, presented: &Presented<'_>) -> Result<Signed, AuthError> {
        let signed = self.identify(presented, Freshness::Now, self.clock.now()).await;
        signed.map_err(|unverified| unverified.why)
    }

    /// Makes a token for an application that shows its secret (spec/protocol.md 8). An id that is unknown is checked
    /// against a digest as one that is known: it fails as a wrong secret does, and takes as long.
    ///
    /// # Errors
    /// When the id or the secret is wrong, or the application or its account is disabled.
    pub async fn token(&self, shown: &Credentials) -> Result<(Arc<ClientPrincipal>, String), AuthError> {
        let found = self.store.client_by_name(&shown.client_id).await?;
        let kept = found.as_ref().map_or([0; 32], |client| client.secret_digest);
        let digest = Sha256::digest(shown.client_secret.expose_secret());
        let same = bool::from(digest.as_slice().ct_eq(&kept));
        let client = found.filter(|_| same).ok_or(AuthError::InvalidClient)?;
        // Slow lookup only after the secret matched, so timing reveals nothing.
        let principal =
            self.store.client(client.id, Freshness::Now).await?.ok_or(AuthError::InvalidClient)?;
        let token = self.tokens.issue(client.id, self.clock.now());
        Ok((principal, token))
    }

    /// Resets the quota of all callers.
    pub fn refill_quota(&self) {
        self.quota.clear();
    }

    /// Tells the other nodes what was drawn from quotas here, and hears what was drawn there.
    ///
    /// # Errors
    /// When the store fails. Then each node counts for itself.
    pub async fn share_quota(&self, node: [u8; 16]) -> Result<(), StoreError> {
        // One after the other: what was counted first must not be told last.
        let _telling = self.telling.lock().await;
        let now = self.clock.now();
        let share = async |drawn| self.store.share_quota(node, drawn, now).await;
        self.quota.share(|| self.clock.now(), share).await
    }

    /// Counts a call that goes nowhere: a path that does not exist, a method that is not allowed. Gives why it is
    /// refused for their number alone, if it is.
    pub fn count_unsigned(&self, peer: IpAddr) -> (Option<AuthError>, Rate) {
        let rate = self.quota.draw(Bucket::Peer(peer), self.clock.now());
        (quota_error(rate), rate)
    }

    async fn identify(
        &self,
        presented: &Presented<'_>,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Signed, Unverified> {
        let authorization = required_header(presented.authorization, header::AUTHORIZATION)?;
        if let Some(token) = header::bearer(authorization) {
            return self.identify_client(token, presented.request_id, freshness, now).await;
        }
        let date = required_header(presented.date, header::DATE)?;
        let request_id = required_header(presented.request_id, header::REQUEST_ID)?;
        let app_id = required_header(presented.app_id, header::APP_ID)?;

        let authorization = Authorization::parse(authorization).map_err(malformed)?;
        let id = RequestId::parse(request_id).map_err(malformed)?;

        let principal = match AccessKey::parse(authorization.access_key()) {
            Ok(access_key) => self.store.principal(&access_key, freshness).await.map_err(AuthError::from)?,
            Err(_) => None,
        };
        let (key, application_key) = match &principal {
            Some(principal) => (
                SigningKey::from_bytes(principal.binding.secret.expose_secret()),
                principal.application.app_key.expose_secret().as_bytes(),
            ),
            None => (self.decoy.clone(), &b"00000000-0000-0000-0000-000000000000"[..]),
        };
        let parts = Parts { date, request_id, application_key };
        let holds = key.verify(&parts, presented.target, authorization.signature());
        let Some(principal) = principal.filter(|_| holds) else {
            return Err(AuthError::InvalidSignature.into());
        };
        match self.check(&principal, app_id, date, now) {
            // The caller is proven, and everything that belongs to the access key is from the store.
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the crate that makes callers, and the signature is valid"
            )]
            Ok(()) => Ok(Signed { caller: Caller::vouched(principal), request_id: Some(id) }),
            Err(why) => Err(Unverified { why, sender: Some(Sender::User(principal)) }),
        }
    }

    /// The owner of a token. A request id is optional, but respected if present (spec/protocol.md 8).
    async fn identify_client(
        &self,
        token: &[u8],
        request_id: Option<&[u8]>,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Signed, Unverified> {
        let request_id = request_id.map(RequestId::parse).transpose().map_err(malformed)?;
        let client = self.tokens.verify(token, now)?;
        let principal = self.store.client(client, freshness).await.map_err(AuthError::from)?;
        let principal = principal.ok_or(AuthError::InvalidToken)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the crate that makes callers, and the token is valid"
        )]
        let caller = Caller::vouched_client(principal);
        Ok(Signed { caller, request_id })
    }

    /// Checks the rest of a request whose signature is valid.
    fn check(
        &self,
        principal: &Principal,
        app_id: &[u8],
        date: &[u8],
        now: Timestamp,
    ) -> Result<(), AuthError> {
        if !app_id.eq_ignore_ascii_case(principal.application.app_id.as_bytes()) {
            let app_id = String::from_utf8_lossy(app_id).chars().take(SHOWN_APP_ID).collect();
            return Err(AuthError::UnknownApplication { app_id });
        }
        let date =
            wire::date::parse(date, now).map_err(|why| AuthError::InvalidDate { why: why.to_string() })?;
        let off = date.duration_since(now);
        if off.abs() > self.window {
            let now = in_header(now);
            return Err(AuthError::Expired { off: off.as_secs(), window: self.window.as_secs(), now });
        }
        if let Some(until) = self.store.forgotten_up_to().filter(|up_to| date <= *up_to) {
            return Err(AuthError::Forgotten { until: in_header(until) });
        }
        if principal.binding.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(AuthError::BindingExpired);
        }
        Ok(())
    }
}

/// A refusal, and whose quota it draws on: a user's only when the signature held, so that nobody can use up another's.
struct Unverified {
    why: AuthError,
    sender: Option<Sender>,
}

impl From<AuthError> for Unverified {
    fn from(why: AuthError) -> Self {
        Self { why, sender: None }
    }
}

fn quota_error(rate: Rate) -> Option<AuthError> {
    (!rate.allowed).then_some(AuthError::QuotaExceeded { limit: rate.limit, reset_ms: rate.reset_ms })
}

fn required_header<'a>(value: Option<&'a [u8]>, name: &'static str) -> Result<&'a [u8], AuthError> {
    value.ok_or(AuthError::MissingHeader { name })
}

fn malformed(why: impl std::fmt::Display) -> AuthError {
    AuthError::MalformedHeader { why: why.to_string() }
}

/// A time as the header of the date shows it.
fn in_header(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}
