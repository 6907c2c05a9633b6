//! Calls: credentials, retries, quota.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::Answer;
use wire::header::RequestId;

use crate::access::{Access, Presented};
use crate::application::{Application, Login};
use crate::envelope::{answered, body_of};
use crate::error::CallError;
use crate::keys::{Keys, KeysError};
use crate::raw_answer::RawAnswer;
use crate::retry::{Quota, Retries};
use crate::sign::{SignedHeaders, Signer};
use crate::transport::Transport;

/// The source of the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Calls a server with one credential. A clone shares connections, key pair and quota.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    access: Access,
    quota: Quota,
    retries: Retries,
    clock: Clock,
}

/// Settings of a new client.
pub struct Builder {
    base_url: String,
    ca_file: Option<PathBuf>,
    credential: Credential,
    retries: Retries,
    clock: Clock,
}

enum Credential {
    Pair(Keys, Option<Login>),
    Token(String, SecretString),
}

impl Builder {
    /// Prolongs the key pair with this login when it expires during the work.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        if let Credential::Pair(_, known) = &mut self.credential {
            *known = Some(login);
        }
        self
    }

    /// The rules of retries.
    #[must_use]
    pub fn retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// Takes the time from another source than the machine.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Trusts these certificates, in PEM, in addition to those that this machine trusts.
    #[must_use]
    pub fn ca_file(self, file: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(file.into()), ..self }
    }

    /// The client.
    ///
    /// # Errors
    /// When the secret key is not base64, or the file of certificates contains none.
    pub fn build(self) -> Result<Client, KeysError> {
        let access = match self.credential {
            Credential::Pair(keys, login) => {
                Access::pair(Signer::new(&keys)?, Application::from(&keys), login)
            }
            Credential::Token(id, secret) => Access::token(id, secret),
        };
        Ok(Client(Arc::new(Inner {
            transport: Transport::new(&self.base_url, self.ca_file.as_deref())?,
            access,
            quota: Quota::default(),
            retries: self.retries,
            clock: self.clock,
        })))
    }
}

impl Client {
    /// A client with a key pair: each call is signed.
    ///
    /// # Errors
    /// When the secret key is not base64, or the file of certificates contains none.
    pub fn new(keys: &Keys) -> Result<Self, KeysError> {
        Self::with_keys(keys).build()
    }

    /// Sets up a client with a key pair.
    pub fn with_keys(keys: &Keys) -> Builder {
        Builder {
            base_url: keys.base_url.clone(),
            ca_file: keys.ca_file.clone(),
            credential: Credential::Pair(keys.clone(), None),
            retries: Retries::default(),
            clock: Arc::new(crate::machine_clock),
        }
    }

    /// Sets up a client with an application of API 2.0: each call carries a token, which is requested when needed.
    pub fn with_token(
        base_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Builder {
        Builder {
            base_url: base_url.into(),
            ca_file: None,
            credential: Credential::Token(client_id.into(), client_secret.into()),
            retries: Retries::default(),
            clock: Arc::new(crate::machine_clock),
        }
    }

    /// Calls an endpoint of API 1.0 with items and parses its answer. `reads`: the endpoint changes nothing, so a call
    /// can always be retried.
    ///
    /// The methods named after endpoints call this.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn call<I: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        reads: bool,
        items: &[I],
    ) -> Result<Answer<R>, CallError> {
        self.call_as(&crate::random_request_id(), path, reads, body_of(items, None)?).await
    }

    /// Calls an endpoint with a request id and a body.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn call_as<R: DeserializeOwned>(
        &self,
        request_id: &RequestId,
        path: &str,
        reads: bool,
        body: Vec<u8>,
    ) -> Result<Answer<R>, CallError> {
        answered(&self.perform(request_id, path, reads, body).await?)
    }

    /// Sends a request until there is a final response.
    async fn perform(
        &self,
        request_id: &RequestId,
        path: &str,
        reads: bool,
        body: Vec<u8>,
    ) -> Result<RawAnswer, CallError> {
        let Inner { transport, access, quota, retries, clock } = &*self.0;
        let (mut attempt, mut renewed) = (1, false);
        loop {
            quota.wait().await;
            let (outcome, life) = self.send_once(request_id, path, body.clone()).await;
            if let Ok(answer) = &outcome {
                quota.note_answer(answer);
                if !renewed && Access::is_expired(answer) {
                    renewed = true;
                    if access.renew(transport, life, clock()).await? {
                        continue;
                    }
                }
            }
            let Some(pause) = retries.next_pause(attempt, &outcome, reads) else { return outcome };
            attempt += 1;
            tokio::time::sleep_until(tokio::time::Instant::now() + pause).await;
        }
    }

    /// Sends a request with the current credential, and gives the credential's generation too.
    async fn send_once(
        &self,
        request_id: &RequestId,
        path: &str,
        body: Vec<u8>,
    ) -> (Result<RawAnswer, CallError>, u64) {
        let Inner { transport, access, clock, .. } = &*self.0;
        match access.present(transport, path, clock(), request_id).await {
            Ok(Presented { headers, life }) => {
                let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
                (transport.post(path, headers, "application/json", body).await, life)
            }
            Err(error) => (Err(error), 0),
        }
    }

    /// The signer of the calls; none with a token.
    pub fn signer(&self) -> Option<Arc<Signer>> {
        self.0.access.signer()
    }

    /// Sends a body once, without retries.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(
        &self,
        path: &str,
        request_id: &RequestId,
        body: Vec<u8>,
    ) -> Result<RawAnswer, CallError> {
        self.send_once(request_id, path, body).await.0
    }

    /// Sends a body with headers that were signed before, once, without retries.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        &self,
        path: &str,
        signed: &SignedHeaders,
        body: Vec<u8>,
    ) -> Result<RawAnswer, CallError> {
        self.0.transport.post(path, signed.iter(), "application/json", body).await
    }
}
