//! The signature of a request: HMAC-SHA1 over `date:request id:URI:application key`, keyed with the base64-decoded
//! secret key (`spec/protocol.md` 2b, `spec/clients.md` 1).
//!
//! It covers the header values **as received**. A date is never parsed and formatted again: in a Russian, Thai, Arabic
//! or Japanese locale Java sends UTF-8 in `x-mc-date`, and only the same bytes match (`spec/clients.md` 1.1). Neither
//! the method nor the body is covered.

#[cfg(test)]
mod tests;

use std::iter;

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// Bytes in a signature: the size of a SHA-1 digest.
pub const SIGNATURE_BYTES: usize = 20;

/// Decodes secret keys with or without padding. Stray bits in the last character are ignored, as in Python, Java, .NET
/// and Go: a key that works in the client must work here.
const SECRET_KEY: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Why a secret key is unusable. Never contains any of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// The key is blank.
    #[error("the secret key is empty: expected base64")]
    Empty,
    /// `-` or `_`, which exist only in the URL-safe alphabet.
    #[error(
        "the secret key is not standard base64: it holds `-` or `_`, as access keys do; perhaps the two keys were exchanged"
    )]
    UrlSafe,
    /// Any other error in the base64.
    #[error(
        "the secret key is not base64: expected A-Z, a-z, 0-9, `+` and `/` in groups of four, as it was issued"
    )]
    Base64,
}

pub(crate) fn secret_key_bytes(secret: &str) -> Result<Zeroizing<Vec<u8>>, SecretKeyError> {
    let text = secret.trim();
    if text.is_empty() {
        return Err(SecretKeyError::Empty);
    }
    match SECRET_KEY.decode(text).map(Zeroizing::new) {
        Ok(key) if key.is_empty() => Err(SecretKeyError::Empty),
        Ok(key) => Ok(key),
        Err(_) if text.contains(['-', '_']) => Err(SecretKeyError::UrlSafe),
        Err(_) => Err(SecretKeyError::Base64),
    }
}

/// The signed parts that do not depend on the spelling of the URI, as received.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Value of `x-mc-date`, byte for byte.
    pub date: &'a [u8],
    /// Value of `x-mc-req-id`, byte for byte, including its case.
    pub request_id: &'a [u8],
    /// The application key. Never transmitted; the server finds it by the application id.
    pub application_key: &'a [u8],
}

/// A secret key, ready to sign: the two blocks that HMAC derives from it are hashed once.
///
/// Has no `Debug`, and is wiped when dropped.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha1>);

impl SigningKey {
    /// A key from its base64 text as issued (`spec/protocol.md` 2b). Surrounding spaces and missing padding are
    /// accepted, because people paste keys.
    pub fn from_secret(secret: &str) -> Result<Self, SecretKeyError> {
        secret_key_bytes(secret).map(|key| Self::from_bytes(&key))
    }

    /// A key from its decoded bytes, of any length.
    #[must_use]
    pub fn from_bytes(key: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
        Self(Hmac::new_from_slice(key).expect("HMAC takes any key"))
    }

    /// Signs `uri`. This project's client signs the path without host and query (`spec/clients.md` 1.2).
    #[must_use]
    pub fn sign(&self, parts: &Parts<'_>, uri: &[u8]) -> [u8; SIGNATURE_BYTES] {
        finish(self.begin(parts), &[uri], parts.application_key)
    }

    /// Whether `signature` is valid for `target`, the path and `?query` as received, in any spelling of the URI that
    /// clients sign (`spec/clients.md` 1.2): with or without the query, with or without a trailing slash, with doubled
    /// or single leading slashes.
    ///
    /// Takes as long for a wrong signature as for a right one: every spelling is hashed (their number depends only on
    /// `target`, one to eight), and each comparison is in constant time.
    ///
    /// The parts of the signed text are separated only by colons. It is unambiguous as long as request ids are GUIDs
    /// and targets begin with a slash.
    #[must_use]
    pub fn verify(&self, parts: &Parts<'_>, target: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let begun = self.begin(parts);
        let mut good = Choice::from(0);
        for [path, query] in spellings(target) {
            good |= finish(begun.clone(), &[path, query], parts.application_key).ct_eq(signature);
        }
        good.into()
    }

    fn begin(&self, parts: &Parts<'_>) -> Hmac<Sha1> {
        let mut mac = self.0.clone();
        for piece in [parts.date, b":", parts.request_id, b":"] {
            mac.update(piece);
        }
        mac
    }
}

fn finish(mut mac: Hmac<Sha1>, uri: &[&[u8]], application_key: &[u8]) -> [u8; SIGNATURE_BYTES] {
    for piece in uri {
        mac.update(piece);
    }
    mac.update(b":");
    mac.update(application_key);
    mac.finalize().into_bytes().into()
}

/// Path and query of every spelling of `target` that a signature may cover, the received one first, each once.
pub(crate) fn spellings(target: &[u8]) -> impl Iterator<Item = [&[u8]; 2]> {
    let end_of_path = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(end_of_path);
    either(path, single_leading_slash(path))
        .flat_map(|path| either(path, no_trailing_slash(path)))
        .flat_map(move |path| either(query, b"").map(move |query| [path, query]))
}

fn either<'a>(first: &'a [u8], second: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    iter::once(first).chain((first != second).then_some(second))
}

fn single_leading_slash(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    &path[slashes.saturating_sub(1)..]
}

fn no_trailing_slash(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte != b'/') {
        Some(last) => &path[..=last],
        None => &path[..path.len().min(1)],
    }
}

/// The value of the `Authorization` header: `MC key:signature`, standard base64 with padding (`spec/clients.md` 1.1).
#[must_use]
pub fn authorization(access_key: &str, signature: &[u8; SIGNATURE_BYTES]) -> String {
    let mut value = String::with_capacity("MC :".len() + access_key.len() + 28);
    value.push_str("MC ");
    value.push_str(access_key);
    value.push(':');
    STANDARD.encode_string(signature, &mut value);
    value
}

/// The path for routing, without the effects of a base URL with a trailing slash (`spec/clients.md` 1.2): doubled
/// leading slashes become one, trailing ones are removed; `/` stays, and an empty path becomes `/`.
#[must_use]
pub fn canonical_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let bare = path.trim_start_matches('/');
    match path.len() - bare.len() {
        _ if bare.is_empty() => "/",
        0 => path,
        slashes => &path[slashes - 1..],
    }
}
