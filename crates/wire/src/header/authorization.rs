use std::fmt;

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine as _};

use crate::signature::SIGNATURE_BYTES;

/// Longest access key, in bytes. Real ones have about 150 (`spec/protocol.md` 2b); the limit is `[ours]`.
const ACCESS_KEY_BYTES: usize = 1024;

/// Padding is optional, everything else is exact: each signature has one encoding.
const SIGNATURE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value of `Authorization` on a signed request: `MC {access key}:{signature}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    access_key: String,
    signature: [u8; SIGNATURE_BYTES],
}

/// Why a value of `Authorization` is malformed, and what to send. Never contains any of it, because it is half a
/// credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// The header is blank.
    #[error("Authorization is empty: send `MC`, a blank, the access key, a colon and the signature")]
    Empty,
    /// The value begins with `Bearer`, as in API 2.0.
    #[error("Authorization has the scheme Bearer: this is API 1.0, sign the request and send `MC`")]
    Bearer,
    /// The value begins with `Basic` or a variant of it, which only login accepts.
    #[error("Authorization has the scheme Basic: only login takes it, sign the request and send `MC`")]
    Basic,
    /// The value does not begin with `MC` and a space.
    #[error("Authorization does not begin with its scheme: send `MC` and a blank before the access key")]
    Scheme,
    /// No colon after the scheme.
    #[error("Authorization has no colon: send a colon between the access key and the signature")]
    Colon,
    /// The access key is empty.
    #[error("Authorization has no access key: send it between `MC` and the colon")]
    AccessKeyEmpty,
    /// More than 1,024 bytes before the colon.
    #[error("the access key in Authorization is too long: at most 1024 bytes are expected")]
    AccessKeyLength,
    /// A space, a control character or a non-ASCII byte in the access key.
    #[error(
        "the access key in Authorization holds a blank, a control character or a character beyond ASCII: \
         send the key as it was issued"
    )]
    AccessKeyCharacter,
    /// The signature is empty.
    #[error("Authorization has no signature: send the base64 of the HMAC-SHA1 after the colon")]
    SignatureEmpty,
    /// Forty hexadecimal digits.
    #[error("the signature in Authorization looks like hex: send the 20 bytes of the HMAC-SHA1 in base64")]
    SignatureHex,
    /// A `b'…'` from formatting bytes in Python.
    #[error(
        "the signature in Authorization looks like Python bytes printed as text: decode them, as in sig.decode()"
    )]
    SignaturePython,
    /// `-` or `_`, which exist only in the URL-safe alphabet.
    #[error("the signature in Authorization holds `-` or `_`: send standard base64, which has `+` and `/`")]
    SignatureUrlSafe,
    /// Any other error in the base64.
    #[error("the signature in Authorization is not base64: expected 28 characters, the last one `=`")]
    SignatureBase64,
    /// Base64, but not of 20 bytes.
    #[error("the signature in Authorization holds {bytes} bytes: expected the 20 bytes of an HMAC-SHA1")]
    SignatureLength {
        /// The number of decoded bytes.
        bytes: usize,
    },
}

impl Authorization {
    /// Parses the value of an `Authorization` header (`spec/clients.md` 1.3): scheme `MC` in any case, split at the
    /// first colon, spaces around both parts ignored.
    pub fn parse(value: &[u8]) -> Result<Self, AuthorizationError> {
        let rest = after_scheme(value.trim_ascii())?;
        let colon = rest.iter().position(|&byte| byte == b':').ok_or(AuthorizationError::Colon)?;
        Ok(Self {
            access_key: access_key(rest[..colon].trim_ascii())?,
            signature: signature(rest[colon + 1..].trim_ascii())?,
        })
    }

    /// The access key of the claimed caller.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The decoded signature.
    #[must_use]
    pub fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.signature
    }
}

/// Hides the content: the header allows replaying the request.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(…)")
    }
}

fn after_scheme(value: &[u8]) -> Result<&[u8], AuthorizationError> {
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let is = |name: &str| scheme.eq_ignore_ascii_case(name.as_bytes());
    match scheme {
        b"" => Err(AuthorizationError::Empty),
        _ if is("MC") => Ok(rest),
        _ if is("Bearer") => Err(AuthorizationError::Bearer),
        _ if is("Basic") || is("Basic-Cloud") || is("Basic-AD") => Err(AuthorizationError::Basic),
        _ => Err(AuthorizationError::Scheme),
    }
}

fn access_key(value: &[u8]) -> Result<String, AuthorizationError> {
    match str::from_utf8(value) {
        Ok("") => Err(AuthorizationError::AccessKeyEmpty),
        _ if value.len() > ACCESS_KEY_BYTES => Err(AuthorizationError::AccessKeyLength),
        Ok(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(key.to_owned()),
        _ => Err(AuthorizationError::AccessKeyCharacter),
    }
}

fn signature(value: &[u8]) -> Result<[u8; SIGNATURE_BYTES], AuthorizationError> {
    // Room for the longest digest that may be sent by mistake, to report its length.
    let mut bytes = [0; 96];
    match SIGNATURE.decode_slice(value, &mut bytes) {
        Ok(SIGNATURE_BYTES) => {
            let mut signature = [0; SIGNATURE_BYTES];
            signature.copy_from_slice(&bytes[..SIGNATURE_BYTES]);
            Ok(signature)
        }
        decoded => Err(refusal(value, decoded.ok())),
    }
}

/// The error of a malformed signature; `decoded` is the number of bytes if it was base64.
fn refusal(value: &[u8], decoded: Option<usize>) -> AuthorizationError {
    match value {
        b"" => AuthorizationError::SignatureEmpty,
        [b'b', b'\'' | b'"', ..] => AuthorizationError::SignaturePython,
        // Forty hexadecimal digits are also the base64 of thirty bytes.
        _ if value.len() == 40 && value.iter().all(u8::is_ascii_hexdigit) => AuthorizationError::SignatureHex,
        _ if value.iter().any(|byte| matches!(byte, b'-' | b'_')) => AuthorizationError::SignatureUrlSafe,
        _ => match decoded {
            Some(bytes) => AuthorizationError::SignatureLength { bytes },
            None => AuthorizationError::SignatureBase64,
        },
    }
}
