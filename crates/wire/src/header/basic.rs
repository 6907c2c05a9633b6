use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// Longest value in bytes: an address and a password in base64. `[ours]`
const BYTES: usize = 2_048;

/// Clients may omit the padding, and some encoders leave stray bits at the end. A login compares the decoded text.
const CREDENTIALS: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The kind of password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Basic-Cloud`: a password that is stored here.
    Cloud,
    /// `Basic-AD`: the password in the user's own domain.
    Domain,
}

/// The value of `Authorization` at login: `Basic-Cloud {base64(address:password)}` (`spec/protocol.md` 4).
pub struct Basic {
    /// The kind of password.
    pub scheme: Scheme,
    /// The address, as sent.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// Why a value of `Authorization` at login is malformed, and what to send. Never contains any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasicError {
    /// The header is blank.
    #[error("Authorization is empty: send `Basic-Cloud`, a blank and the base64 of `address:password`")]
    Empty,
    /// The value begins with `MC`, like that of a signed call.
    #[error("Authorization has the scheme MC: login takes no signature, send `Basic-Cloud` and the password")]
    Signed,
    /// The value begins with `Bearer`, as in API 2.0.
    #[error("Authorization has the scheme Bearer: this is API 1.0, send `Basic-Cloud` and the password")]
    Bearer,
    /// The value begins with `Basic`, the scheme of HTTP.
    #[error(
        "Authorization has the scheme Basic: send `Basic-Cloud`, or `Basic-AD` for the password of your own domain"
    )]
    Plain,
    /// Another scheme, or none.
    #[error("Authorization does not begin with a scheme of login: send `Basic-Cloud` and a blank first")]
    Scheme,
    /// More than 2,048 bytes.
    #[error("Authorization is too long: at most {BYTES} bytes are expected")]
    Length,
    /// The scheme is not followed by anything.
    #[error("Authorization has a scheme and no more: send the base64 of `address:password` after it")]
    Missing,
    /// The text after the scheme is not base64.
    #[error(
        "what follows the scheme in Authorization is not base64: send the standard base64 of `address:password`"
    )]
    Base64,
    /// The decoded text is not UTF-8.
    #[error("address and password in Authorization are not UTF-8: encode them as UTF-8 before the base64")]
    Utf8,
    /// The decoded text has no colon.
    #[error("Authorization holds no colon: encode address, colon and password as one text")]
    Colon,
    /// The address is empty.
    #[error("Authorization holds no address: send it before the colon")]
    UserEmpty,
    /// The password is empty.
    #[error("Authorization holds no password: send it after the colon")]
    PasswordEmpty,
}

impl Basic {
    /// The header value for a password that is stored here, as clients send it.
    #[must_use]
    pub fn cloud(user: &str, password: &str) -> String {
        let credentials = Zeroizing::new(format!("{user}:{password}"));
        format!("Basic-Cloud {}", base64::engine::general_purpose::STANDARD.encode(credentials.as_bytes()))
    }

    /// Parses the value of an `Authorization` header at login (`spec/clients.md` 6): scheme in any case, standard
    /// base64 with or without padding, UTF-8, split at the **first** colon. Spaces around the value and its two parts
    /// are ignored; those inside the base64 belong to address and password.
    ///
    /// # Errors
    /// When the value has any other format.
    pub fn parse(value: &[u8]) -> Result<Self, BasicError> {
        let value = value.trim_ascii();
        let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
        let (name, rest) = value.split_at(end);
        let scheme = scheme(name)?;
        let (user, password) = credentials(value, rest)?;
        Ok(Self { scheme, user, password })
    }
}

/// Name and secret of an HTTP `Authorization: Basic …`, for programs (RFC 7617); `None` for other schemes.
///
/// # Errors
/// When the scheme is not followed by the base64 of two texts with a colon between them.
pub fn plain_basic(value: &[u8]) -> Option<Result<(String, SecretString), BasicError>> {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (name, rest) = value.split_at(end);
    name.eq_ignore_ascii_case(b"basic").then(|| credentials(value, rest))
}

fn credentials(value: &[u8], rest: &[u8]) -> Result<(String, SecretString), BasicError> {
    if value.len() > BYTES {
        return Err(BasicError::Length);
    }
    let text = decoded(rest.trim_ascii())?;
    let text = str::from_utf8(&text).map_err(|_| BasicError::Utf8)?;
    let (user, password) = text.split_once(':').ok_or(BasicError::Colon)?;
    match (user, password) {
        ("", _) => Err(BasicError::UserEmpty),
        (_, "") => Err(BasicError::PasswordEmpty),
        _ => Ok((user.to_owned(), password.into())),
    }
}

/// Hides everything, including the address.
impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(…)")
    }
}

fn scheme(name: &[u8]) -> Result<Scheme, BasicError> {
    let is = |scheme: &str| name.eq_ignore_ascii_case(scheme.as_bytes());
    match name {
        b"" => Err(BasicError::Empty),
        _ if is("Basic-Cloud") => Ok(Scheme::Cloud),
        _ if is("Basic-AD") => Ok(Scheme::Domain),
        _ if is("MC") => Err(BasicError::Signed),
        _ if is("Bearer") => Err(BasicError::Bearer),
        _ if is("Basic") => Err(BasicError::Plain),
        _ => Err(BasicError::Scheme),
    }
}

/// The buffer has its full size from the start, so that growing leaves no copy of the password.
fn decoded(base64: &[u8]) -> Result<Zeroizing<Vec<u8>>, BasicError> {
    if base64.is_empty() {
        return Err(BasicError::Missing);
    }
    let mut text = Zeroizing::new(vec![0; base64::decoded_len_estimate(base64.len())]);
    let length = CREDENTIALS.decode_slice(base64, &mut text).map_err(|_| BasicError::Base64)?;
    text.truncate(length);
    Ok(text)
}
