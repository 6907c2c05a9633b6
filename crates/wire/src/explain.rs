//! Explains why a signature is wrong: which part, and how to fix it.
//!
//! The input is a request with the known keys; the output is the mistake, or the two mistakes, with which the received
//! signature can be **reproduced**. A mistake is reported only if the recomputed bytes equal the received ones;
//! otherwise the signature is unexplained. The output never contains a secret key, an application key or a correct
//! signature.
//!
//! Pure and bounded: every known mistake alone, then pairs, in some tens of milliseconds at most.

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

/// A received or captured request with exact header values.
#[derive(Clone, Copy, Default)]
pub struct Received<'a> {
    /// The method; empty if unknown.
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
    /// The body, if known.
    pub body: Option<&'a [u8]>,
}

/// Keys that belong together. Has no `Debug`.
pub struct KeySet {
    /// The name of the set in explanations: a file, or the owner of the keys.
    pub name: String,
    /// The value of `x-mc-app-id`.
    pub app_id: String,
    /// Part of the signed text.
    pub app_key: SecretString,
    /// The access key in `Authorization`; empty for an application without a key pair.
    pub access_key: String,
    /// The key of the HMAC, in base64; `None` if unknown.
    pub secret_key: Option<SecretString>,
    /// Whether it may be used.
    pub status: KeyStatus,
}

/// Whether a key pair may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyStatus {
    /// Valid, as far as known.
    #[default]
    Live,
    /// It has expired.
    Expired,
    /// It was revoked, or its user or application is disabled.
    Revoked,
}

/// Known facts besides the request.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// All candidate sets of keys, at most some dozens.
    pub keys: &'a [KeySet],
    /// The paths of endpoints, to recognise a signature for another one.
    pub paths: &'a [&'a str],
    /// Allowed difference between date and clock.
    pub window: SignedDuration,
}

/// The result of checking a signature.
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
    /// None is needed: login and discovery.
    NotNeeded,
}

/// A detected mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which one.
    pub mistake: Mistake,
    /// Details, if available.
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

/// The text to sign, without the application key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToSign {
    /// The value of `x-mc-date`.
    pub date: String,
    /// The value of `x-mc-req-id`.
    pub request_id: String,
    /// The path.
    pub path: String,
}

/// The explanation of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The result for the signature.
    pub signature: Signature,
    /// The mistakes, those of the signature first.
    pub causes: Vec<Cause>,
    /// The name of the keys that were used for the check.
    pub keys: Option<String>,
    /// The text that was signed, if found.
    pub signed: Option<String>,
    /// The text to sign.
    pub to_sign: Option<ToSign>,
    /// Remaining things to check.
    pub left: Vec<String>,
    #[cfg(test)]
    #[serde(skip)]
    recipe: Option<search::Recipe>,
}

impl Explanation {
    /// Whether the headers of the request are correct.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.causes.is_empty() && matches!(self.signature, Signature::Right | Signature::NotNeeded)
    }
}

impl KeySet {
    /// Checks that the secret key can be decoded.
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

/// A request with one set of keys: what should have been signed, and with which key.
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
    /// Keys of other applications, with their names.
    other_app_keys: &'a [(String, &'a str)],
    moment: Option<Timestamp>,
}
