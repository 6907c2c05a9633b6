//! Typed, signed calls against Matricula, or against the service whose API it speaks.

mod keys;
mod sign;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use wire::header::{self, RequestId};

pub use keys::{Keys, KeysError};
pub use sign::{SignedHeaders, Signer};
pub use wire::create_user::{Created, NewUser};
pub use wire::explain;
pub use wire::signature::SecretKeyError;
pub use wire::{Answer, Error as Fault, Failure};

/// How long a call may take before the client gives up waiting.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Where a client takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Calls a server in the name of one binding.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    signer: Arc<Signer>,
    clock: Clock,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// The request did not reach the server, or the answer did not come back.
    #[error("no answer from {base_url}: {source}")]
    Transport {
        /// Where the request went.
        base_url: String,
        /// Why there is no answer.
        source: reqwest::Error,
    },
    /// The answer is no envelope: most likely something other than the API answered.
    #[error("HTTP {status}, and the body is no answer of this API: {source}")]
    NoEnvelope {
        /// HTTP status.
        status: u16,
        /// What is wrong with the body.
        source: serde_json::Error,
    },
    /// The server refused the call as a whole.
    #[error("HTTP {status}: {} ({})", .fault.message, .fault.code)]
    Refused {
        /// HTTP status.
        status: u16,
        /// Why.
        fault: Fault,
        /// When the same call may succeed, if the server says so.
        retry_after: Option<Duration>,
    },
    /// The body can't be written as JSON.
    #[error("the request can't be written as JSON: {0}")]
    Body(serde_json::Error),
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct Body<'a, T> {
    data: &'a [T],
}

impl Client {
    /// A client for a server, in the name of a binding.
    ///
    /// # Errors
    /// When the secret key is not base64.
    pub fn new(keys: &Keys) -> Result<Self, SecretKeyError> {
        Self::with_clock(keys, Arc::new(machine_clock))
    }

    /// A client that takes the time from elsewhere.
    ///
    /// # Errors
    /// When the secret key is not base64.
    pub fn with_clock(keys: &Keys, clock: Clock) -> Result<Self, SecretKeyError> {
        Ok(Self {
            http: reqwest::Client::new(),
            base_url: keys.base_url.trim_end_matches('/').to_owned(),
            signer: Arc::new(Signer::new(keys)?),
            clock,
        })
    }

    /// Creates users. The answer has the created ones in `data` and the refused ones in `fail`.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn create_users(&self, users: &[NewUser]) -> Result<Answer<Created>, CallError> {
        self.call(wire::create_user::PATH, users).await
    }

    /// Calls an endpoint with items and reads its answer.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn call<T: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        items: &[T],
    ) -> Result<Answer<R>, CallError> {
        let body = serde_json::to_vec(&Body { data: items }).map_err(CallError::Body)?;
        let raw = self.post(path, &random_request_id(), body).await?;
        let status = raw.status;
        let answer: Answer<R> =
            serde_json::from_slice(&raw.body).map_err(|source| CallError::NoEnvelope { status, source })?;
        // A failure without a key is about the call; one with a key is about an item.
        match answer.fail.first() {
            Some(Failure { key: None, errors, .. }) if !errors.is_empty() => Err(CallError::Refused {
                status,
                fault: errors[0].clone(),
                retry_after: retry_after(&raw.headers),
            }),
            _ => Ok(answer),
        }
    }

    /// Signs a body and sends it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(
        &self,
        path: &str,
        request_id: &RequestId,
        body: Vec<u8>,
    ) -> Result<RawAnswer, CallError> {
        self.send(path, &self.signer.sign(path, (self.clock)(), request_id), body).await
    }

    /// Sends a body with headers that were signed before.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        &self,
        path: &str,
        signed: &SignedHeaders,
        body: Vec<u8>,
    ) -> Result<RawAnswer, CallError> {
        let transport = |source| CallError::Transport { base_url: self.base_url.clone(), source };
        let mut request = self.http.post(format!("{}{path}", self.base_url)).timeout(TIMEOUT);
        for (name, value) in signed.iter() {
            request = request.header(name, value);
        }
        let request = request.header("content-type", "application/json").body(body);
        let response = request.send().await.map_err(transport)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(transport)?.to_vec();
        Ok(RawAnswer { status, headers, body })
    }

    /// The signer of this client.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

impl RawAnswer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// `Retry-After` in seconds, else `X-RateLimit-Reset` in milliseconds when nothing remains (spec/clients.md 4.5, 5).
fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    if let Some(seconds) = number(header::RETRY_AFTER) {
        return Some(Duration::from_secs(seconds));
    }
    (number(header::RATE_REMAINING) == Some(0))
        .then(|| number(header::RATE_RESET).map(Duration::from_millis))?
}

/// A new request id.
pub fn random_request_id() -> RequestId {
    let mut bytes = [0; 16];
    #[expect(clippy::disallowed_methods, reason = "a client's request ids are random")]
    #[expect(clippy::expect_used, reason = "without randomness there are no request ids")]
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    RequestId::from(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// The machine's time.
pub fn machine_clock() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a client signs with the machine's time")]
    Timestamp::now()
}
