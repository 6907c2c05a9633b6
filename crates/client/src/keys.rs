//! The file of keys that the sandbox writes and every command reads.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wire::signature::SecretKeyError;
use zeroize::ZeroizeOnDrop;

/// The settings for calls to a server: one JSON object. Unknown keys are ignored.
#[derive(Clone, Serialize, Deserialize, ZeroizeOnDrop)]
pub struct Keys {
    /// Scheme, host and port.
    #[zeroize(skip)]
    pub base_url: String,
    /// Certificates in PEM to trust in addition to those of this machine. In a file of keys, relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[zeroize(skip)]
    pub ca_file: Option<PathBuf>,
    /// The value of `x-mc-app-id`.
    pub app_id: String,
    /// A part of the signed text; never sent.
    pub app_key: String,
    /// The access key in `Authorization`.
    pub access_key: String,
    /// The key of the HMAC, base64; never sent.
    pub secret_key: String,
}

/// Why a file of keys can't be used.
#[derive(Debug, Error)]
pub enum KeysError {
    /// It can't be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not an object with the five keys.
    #[error(
        "{path}: {source}. Expected a JSON object with base_url, app_id, app_key, access_key and secret_key, as \
         `matricula sandbox` writes it"
    )]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The secret key is not base64.
    #[error(transparent)]
    SecretKey(#[from] SecretKeyError),
    /// The CA file contains no certificates.
    #[error(
        "ca_file {path}: {}. Expected certificates in PEM, as `matricula sandbox --tls` writes them",
        .source.as_ref().map_or_else(|| "no certificate in it".to_owned(), ToString::to_string)
    )]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Option<reqwest::Error>,
    },
    /// The HTTP client can't be set up.
    #[error("could not set up the HTTP client: {0}")]
    Setup(reqwest::Error),
}

impl Keys {
    /// Reads the file.
    ///
    /// # Errors
    /// When it can't be read, or is not an object with the five keys.
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        let text = read(path)?;
        let mut keys: Self = serde_json::from_slice(&text)
            .map_err(|source| KeysError::Parse { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        keys.ca_file = keys.ca_file.take().map(|file| folder.join(file));
        Ok(keys)
    }
}

/// Certificates to trust in addition to those of this machine.
pub(crate) fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, KeysError> {
    let ca = |source| KeysError::Ca { path: path.to_owned(), source };
    let certificates =
        reqwest::Certificate::from_pem_bundle(&read(path)?).map_err(|source| ca(Some(source)))?;
    if certificates.is_empty() { Err(ca(None)) } else { Ok(certificates) }
}

fn read(path: &Path) -> Result<Vec<u8>, KeysError> {
    std::fs::read(path).map_err(|source| KeysError::Read { path: path.to_owned(), source })
}
