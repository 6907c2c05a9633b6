//! The file of keys that the sandbox writes and every command reads.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::ZeroizeOnDrop;

/// What is needed to call a server: one JSON object. Keys it does not know are left aside.
#[derive(Clone, Serialize, Deserialize, ZeroizeOnDrop)]
pub struct Keys {
    /// Scheme, host and port.
    #[zeroize(skip)]
    pub base_url: String,
    /// What goes into `x-mc-app-id`.
    pub app_id: String,
    /// Part of the signed text; never travels.
    pub app_key: String,
    /// What goes into `Authorization`.
    pub access_key: String,
    /// The key of the HMAC, base64; never travels.
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
    /// It is no object with the five keys.
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
}

impl Keys {
    /// Reads the file.
    ///
    /// # Errors
    /// When it can't be read, or is no object with the five keys.
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        let text = std::fs::read(path).map_err(|source| KeysError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|source| KeysError::Parse { path: path.to_owned(), source })
    }
}
