//! Requests and answers as HTTP carries them.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::error::CallError;

/// How long a call may take before the client gives up waiting.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A server, and the connections to it.
#[derive(Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base_url: String,
}

impl Transport {
    pub(crate) fn new(base_url: &str) -> Result<Self, CallError> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(CallError::Setup)?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// Sends a body to a path.
    pub(crate) async fn post<'a>(
        &self,
        path: &str,
        headers: impl IntoIterator<Item = (&'static str, &'a str)>,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<RawAnswer, CallError> {
        let transport = |source| CallError::Transport { base_url: self.base_url.clone(), source };
        let mut request = self.http.post(format!("{}{path}", self.base_url));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.header("content-type", content_type).body(body);
        let response = request.send().await.map_err(transport)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(transport)?.to_vec();
        Ok(RawAnswer { status, headers, body })
    }
}
