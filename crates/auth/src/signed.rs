//! Authenticates signed requests and tokens (spec/protocol.md 2, spec/clients.md 1, 2).

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
use crate::token::{Lasting, Tokens};

/// The authentication data of a request: headers as received, and the target.
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
    /// The client's address.
    pub peer: IpAddr,
    /// Whether tokens that last are accepted too.
    pub lasting_tokens: bool,
}

/// An authenticated request.
pub struct Signed {
    /// The caller.
    pub caller: Caller,
    /// The request id; optional with a token.
    pub request_id: Option<RequestId>,
}

/// The result of authentication, including the quota.
pub struct Authenticated {
    /// The caller, or why the request is refused.
    pub signed: Result<Signed, AuthError>,
    /// The sender with a valid signature or token, even if the request is refused for another reason.
    pub sender: Option<Sender>,
    /// The state of the quota.
    pub rate: Rate,
}

/// Longest application id that an error repeats, in characters.
const SHOWN_APP_ID: usize = 64;

/// Authenticates requests.
pub struct Authenticator {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Allowed difference between a date and the clock.
    window: SignedDuration,
    quota: Quota,
    /// Serialises reports of quotas to other nodes.
    telling: tokio::sync::Mutex<()>,
    /// A dummy key for unknown access keys: it fails like a wrong secret and takes as long.
    decoy: SigningKey,
    tokens: Tokens,
}

impl Authenticator {
    /// Uses a store and a clock.
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

    /// Authenticates a request and counts it: for the user with the valid signature, else for the client's address.
    pub async fn authenticate(&self, presented: &Presented<'_>) -> Authenticated {
        let now = self.clock.now();
        let mut signed = self.identify(presented, Freshness::Recent, now).await;
        // The key pair may have been prolonged in the last second, by another node too.
        if signed.as_ref().is_err_and(|unverified| matches!(unverified.why, AuthError::BindingExpired)) {
            signed = self.identify(presented, Freshness::Now, now).await;
        }
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

    /// Authenticates a request that was already counted again, from the current store.
    ///
    /// # Errors
    /// When the signature is no longer valid.
    pub async fn authenticate_anew(&self, presented: &Presented<'_>) -> Result<Signed, AuthError> {
        let signed = self.identify(presented, Freshness::Now, self.clock.now()).await;
        signed.map_err(|unverified| unverified.why)
    }

    /// The caller of an earlier request as it is now: `None` if its key pair or application no longer works. A session of
    /// the console is read elsewhere.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn renewed(&self, caller: &Caller) -> Result<Option<Caller>, AuthError> {
        let now = self.clock.now();
        #[expect(
            clippy::disallowed_methods,
            reason = "an earlier request was authenticated with the same credential"
        )]
        Ok(match caller.sender() {
            Sender::User(principal) => {
                let key = &principal.binding.access_key;
                let found = self.store.principal(key, Freshness::Now).await?;
                let lives = |found: &Arc<Principal>| found.binding.expires_at.is_none_or(|at| now < at);
                found.filter(lives).map(Caller::vouched)
            }
            Sender::Client(principal, token) => {
                let found = self.store.client(principal.client.id, Freshness::Now).await?;
                let lives = |found: &Arc<ClientPrincipal>| {
                    let living = |id| found.tokens.iter().any(|kept| kept.id == id && kept.lives(now));
                    token.is_none_or(living)
                };
                found.filter(lives).map(|found| Caller::vouched_client(found, *token))
            }
            Sender::Session(_) => None,
        })
    }

    /// Issues a token for an application's id and secret (spec/protocol.md 8). An unknown id is compared with a dummy
    /// digest: it fails like a wrong secret and takes as long.
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

    /// Exchanges quota counts with the other nodes.
    ///
    /// # Errors
    /// When the store fails. Then each node counts separately.
    pub async fn share_quota(&self, node: [u8; 16]) -> Result<(), StoreError> {
        // One at a time, so that an older count never overwrites a newer one.
        let _telling = self.telling.lock().await;
        let now = self.clock.now();
        let share = async |drawn| self.store.share_quota(node, drawn, now).await;
        self.quota.share(|| self.clock.now(), share).await
    }

    /// Counts a call that reaches no endpoint: unknown path or wrong method. Returns the error if the quota is used up.
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
            return self.identify_client(token, presented, freshness, now).await;
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
            // The caller is proven; all its records are from the store.
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the crate that makes callers, and the signature is valid"
            )]
            Ok(()) => Ok(Signed { caller: Caller::vouched(principal), request_id: Some(id) }),
            Err(why) => Err(Unverified { why, sender: Some(Sender::User(principal)) }),
        }
    }

    /// The caller with a token. A request id is optional, but used if present (spec/protocol.md 8).
    async fn identify_client(
        &self,
        token: &[u8],
        presented: &Presented<'_>,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Signed, Unverified> {
        let request_id = presented.request_id.map(RequestId::parse).transpose().map_err(malformed)?;
        let lasting = Lasting::read(token).filter(|_| presented.lasting_tokens);
        let client = match &lasting {
            Some(lasting) => lasting.client,
            None => self.tokens.verify(token, now)?,
        };
        let read = async |freshness| self.store.client(client, freshness).await.map_err(AuthError::from);
        let mut principal = read(freshness).await?;
        // A token that was just issued is not in what was read a moment ago.
        let knows = |principal: &ClientPrincipal| {
            lasting.as_ref().is_none_or(|token| token.is_among(&principal.tokens))
        };
        if matches!(freshness, Freshness::Recent) && principal.as_deref().is_some_and(|found| !knows(found)) {
            principal = read(Freshness::Now).await?;
        }
        let principal = principal.ok_or(AuthError::InvalidToken)?;
        let token = lasting.as_ref().map(|lasting| lasting.id);
        if let Some(lasting) = lasting
            && let Err(why) = lasting.verify(&principal.tokens, now)
        {
            // The secret of an expired token was right, so the refusal counts as the application's.
            let sender = matches!(why, AuthError::TokenExpired).then(|| Sender::Client(principal, token));
            return Err(Unverified { why, sender });
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the crate that makes callers, and the token is valid"
        )]
        let caller = Caller::vouched_client(principal, token);
        Ok(Signed { caller, request_id })
    }

    /// Checks the rest of a request with a valid signature.
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

/// A refusal, with the sender if the signature was valid: only then is it counted for the user, so that nobody can use
/// up another's quota.
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

/// A time in the format of the date header.
fn in_header(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}
