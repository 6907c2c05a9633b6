//! HTTP requests and responses.

use std::path::Path;
use std::time::Duration;

use crate::error::CallError;
use crate::keys::{KeysError, certificates};
use crate::raw_answer::RawAnswer;

/// Longest duration of a call.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A server, and the connections to it.
#[derive(Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base_url: String,
}

impl Transport {
    /// `ca_file`: certificates in PEM to trust in addition to those of this machine.
    pub(crate) fn new(base_url: &str, ca_file: Option<&Path>) -> Result<Self, KeysError> {
        let mut http = reqwest::Client::builder().timeout(TIMEOUT);
        if base_url.starts_with("http://") {
            // A small system has no certificates, and setting up TLS would fail.
            http = http.tls_certs_only([]);
        } else if let Some(file) = ca_file {
            http = http.tls_certs_merge(certificates(file)?);
        }
        let http = http.build().map_err(KeysError::Setup)?;
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
