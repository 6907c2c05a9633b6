//! The four headers of a signed request (spec/protocol.md 2a, 2b).

use jiff::Timestamp;
use wire::header::{self, RequestId};
use wire::signature::{Parts, SecretKeyError, SigningKey, authorization};

use crate::Keys;

/// Signs with one key pair.
pub struct Signer {
    key: SigningKey,
    keys: Keys,
}

/// The four headers of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `Authorization`.
    pub authorization: String,
    /// `x-mc-date`.
    pub date: String,
    /// `x-mc-req-id`.
    pub request_id: String,
    /// `x-mc-app-id`.
    pub app_id: String,
}

impl Signer {
    /// A signer for keys.
    ///
    /// # Errors
    /// When the secret key is not base64.
    pub fn new(keys: &Keys) -> Result<Self, SecretKeyError> {
        Ok(Self { key: SigningKey::from_secret(&keys.secret_key)?, keys: keys.clone() })
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Signs a request to a path. The body is not signed.
    pub fn sign(&self, path: &str, now: Timestamp, request_id: &RequestId) -> SignedHeaders {
        let date = now.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
        let request_id = request_id.to_string();
        let parts = Parts {
            date: date.as_bytes(),
            request_id: request_id.as_bytes(),
            application_key: self.keys.app_key.as_bytes(),
        };
        let signature = self.key.sign(&parts, path.as_bytes());
        SignedHeaders {
            authorization: authorization(&self.keys.access_key, &signature),
            date,
            request_id,
            app_id: self.keys.app_id.clone(),
        }
    }
}

impl SignedHeaders {
    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            (header::AUTHORIZATION, self.authorization.as_str()),
            (header::DATE, self.date.as_str()),
            (header::REQUEST_ID, self.request_id.as_str()),
            (header::APP_ID, self.app_id.as_str()),
        ]
        .into_iter()
    }
}
