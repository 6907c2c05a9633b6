//! Why a signature is wrong: which part of it, and how to fix it.
//!
//! A request and the keys at hand go in; out comes the mistake, or the two mistakes, with which the signature that was
//! sent can be **reproduced**. Nothing is guessed: a mistake is named only when the recomputed bytes are those that were
//! sent. Where no known mistake gives them, that is what is said. Secrets never come out: neither a secret key, nor an
//! application key, nor the signature that would have been right.
//!
//! Pure, and bounded: every known mistake alone, then any two of them, some tens of milliseconds at most.

mod encoding;
mod hash;
mod judge;
mod mistake;
pub mod request;
mod search;
mod show;
mod spelling;
mod variation;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

pub use judge::explain;
pub use mistake::{Mistake, Part};

/// A request as it was received or captured: header values byte for byte.
#[derive(Clone, Copy, Default)]
pub struct Received<'a> {
    /// The method; empty: not known.
    pub method: &'a str,
    /// Path and `?query`.
    pub target: &'a [u8],
    /// `Authorization`.
    pub authorization: Option<&'a [u8]>,
    /// `x-mc-date`.
    pub date: Option<&'a [u8]>,
    /// `x-mc-req-id`.
    pub request_id: Option<&'a [u8]>,
    /// `x-mc-app-id`.
    pub app_id: Option<&'a [u8]>,
    /// `Host`.
    pub host: Option<&'a [u8]>,
    /// The body, where it is known.
    pub body: Option<&'a [u8]>,
}

/// A set of keys that belong together. Has no `Debug`.
pub struct KeySet {
    /// What the set is called in what is said: a file, or whose keys they are.
    pub name: String,
    /// The value of `x-mc-app-id`.
    pub app_id: String,
    /// Part of the signed text.
    pub app_key: SecretString,
    /// What goes into `Authorization`; empty: an application without a key pair.
    pub access_key: String,
    /// The key of the HMAC, in base64; `None`: nobody knows it any more.
    pub secret_key: Option<SecretString>,
    /// Whether it may be used.
    pub status: KeyStatus,
}

/// Whether a key pair may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyStatus {
    /// As far as anybody knows.
    #[default]
    Live,
    /// It is past its life.
    Expired,
    /// It was revoked, or its user or application is disabled.
    Revoked,
}

/// What is known beside the request.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Every set of keys that may be meant, at most some dozens.
    pub keys: &'a [KeySet],
    /// The paths of endpoints, to recognise one that was signed in place of another.
    pub paths: &'a [&'a str],
    /// How far the date may be off, either way.
    pub window: SignedDuration,
}

/// What became of the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// It is right.
    Right,
    /// It is wrong, and a known mistake reproduces it.
    Wrong,
    /// It is wrong, and no known mistake reproduces it.
    Unexplained,
    /// It is missing or unreadable, or its inputs are missing.
    Unread,
    /// None is asked for: login and discovery.
    NotNeeded,
}

/// A mistake that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which one.
    pub mistake: Mistake,
    /// What exactly, where that can be said.
    pub detail: Option<String>,
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cause = serializer.serialize_struct("Cause", 5)?;
        cause.serialize_field("mistake", &self.mistake)?;
        cause.serialize_field("part", &self.mistake.part())?;
        cause.serialize_field("wrong", self.mistake.wrong())?;
        cause.serialize_field("detail", &self.detail)?;
        cause.serialize_field("mend", self.mistake.mend())?;
        cause.end()
    }
}

/// What should have been signed, without the application key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToSign {
    /// The value of `x-mc-date`.
    pub date: String,
    /// The value of `x-mc-req-id`.
    pub request_id: String,
    /// The path.
    pub path: String,
}

/// What is to be said about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What became of the signature.
    pub signature: Signature,
    /// What is wrong, the signature first.
    pub causes: Vec<Cause>,
    /// The keys that the signature was checked with.
    pub keys: Option<String>,
    /// What was signed, where that was found out.
    pub signed: Option<String>,
    /// What is to be signed.
    pub to_sign: Option<ToSign>,
    /// What is left to check.
    pub left: Vec<String>,
    #[cfg(test)]
    #[serde(skip)]
    recipe: Option<search::Recipe>,
}

impl Explanation {
    /// Whether nothing is wrong with the request, as far as its headers go.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.causes.is_empty() && matches!(self.signature, Signature::Right | Signature::NotNeeded)
    }
}

impl KeySet {
    /// Whether the secret key can be read.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn check(&self) -> Result<(), crate::signature::SecretKeyError> {
        self.secret_key().map_or(Ok(()), |secret| crate::signature::secret_key_bytes(secret).map(drop))
    }

    fn secret_key(&self) -> Option<&str> {
        self.secret_key.as_ref().map(|secret| secret.expose_secret().trim())
    }

    fn app_key(&self) -> &str {
        self.app_key.expose_secret()
    }
}

/// What should have been signed, and with what: a request together with one set of keys.
struct Subject<'a> {
    date: &'a [u8],
    request_id: &'a [u8],
    target: &'a [u8],
    app_key: &'a [u8],
    /// The secret key, decoded.
    secret: &'a [u8],
    secret_text: &'a str,
    access_key: &'a str,
    app_id: &'a str,
    method: &'a str,
    host: Option<&'a [u8]>,
    body: Option<&'a [u8]>,
    body_hashes: &'a [String],
    paths: &'a [&'a str],
    /// Of other applications: what they are called, and their keys.
    other_app_keys: &'a [(String, &'a str)],
    moment: Option<Timestamp>,
}
