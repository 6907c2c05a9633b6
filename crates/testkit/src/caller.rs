//! Callers with keys, and the responses they get.

use std::fmt;
use std::sync::Arc;

use client::{Client, Keys, RawAnswer, Retries, SignedHeaders, Signer};
use serde_json::Value;
use wire::create_user::PATH;
use wire::header::RequestId;

use crate::FakeClock;

/// A caller with keys.
#[derive(Clone)]
pub struct TestCaller {
    client: Client,
    keys: Keys,
    clock: Arc<FakeClock>,
}

/// A response: status, headers, body. Its `Display` is a snapshot: headers sorted by name, without those that differ
/// between runs.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    raw: RawAnswer,
}

impl TestCaller {
    pub(crate) fn new(keys: &Keys, clock: Arc<FakeClock>) -> Self {
        let time = Arc::clone(&clock);
        let client =
            Client::with_keys(keys).retries(Retries::NONE).clock(Arc::new(move || time.now())).build();
        let client = client.unwrap_or_else(|error| panic!("the secret key: {error}"));
        Self { client, keys: keys.clone(), clock }
    }

    /// The caller's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The typed client with this caller's keys.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The headers of a signed request to a path, with a new request id.
    pub fn signed(&self, path: &str) -> SignedHeaders {
        self.sign_as(path, &client::random_request_id())
    }

    /// The headers of a signed request to a path.
    pub fn sign_as(&self, path: &str, request_id: &RequestId) -> SignedHeaders {
        let signer = Signer::new(&self.keys).unwrap_or_else(|error| panic!("the secret key: {error}"));
        signer.sign(path, self.clock.now(), request_id)
    }

    /// Calls create-user with a body.
    pub async fn create(&self, body: impl Into<Vec<u8>>) -> Response {
        self.post(PATH, body).await
    }

    /// Calls a path with a body.
    pub async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Response {
        self.send(path, &self.signed(path), body).await
    }

    /// Calls a path with these items.
    pub async fn call(&self, path: &str, items: Value) -> Response {
        self.post(path, serde_json::json!({ "data": items }).to_string()).await
    }

    /// Sends a body to a path with given headers.
    pub async fn send(&self, path: &str, signed: &SignedHeaders, body: impl Into<Vec<u8>>) -> Response {
        let answer = self.client.send(path, signed, body.into()).await;
        Response::from(answer.unwrap_or_else(|error| panic!("no answer: {error}")))
    }
}

impl From<RawAnswer> for Response {
    fn from(raw: RawAnswer) -> Self {
        let body = String::from_utf8_lossy(&raw.body).into_owned();
        Self { status: raw.status, body, raw }
    }
}

impl Response {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON: {error}: {}", self.body))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.raw.header(name)
    }

    /// The codes in `fail`, in order.
    pub fn codes(&self) -> Vec<String> {
        let fail = self.json()["fail"].as_array().cloned().unwrap_or_default();
        let errors = fail.iter().flat_map(|entry| entry["errors"].as_array().cloned().unwrap_or_default());
        errors.map(|error| error["code"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The number of rows in `data`.
    pub fn rows(&self) -> usize {
        self.json()["data"].as_array().map_or(0, Vec::len)
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        let mut headers: Vec<_> = self.raw.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            if name != "date" {
                writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
            }
        }
        write!(f, "\n{}", self.body)
    }
}
