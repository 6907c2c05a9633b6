//! `POST /oauth/token`: the request for a token and its responses (spec/protocol.md 8; RFC 6749, 2.3.1, 4.4 and 5).

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::Code;
use crate::header::plain_basic;
use crate::item::{Entry, Item, item, row};

/// The only supported grant type.
const GRANT: &str = "client_credentials";

item! {
    /// The form.
    pub struct Form {
        /// `client_credentials`.
        grant_type: required String = "grant_type",
        /// Client id of the application; may be sent in `Authorization: Basic` instead.
        client_id: optional String = "client_id",
        /// Client secret; may be sent in `Authorization: Basic` instead.
        client_secret: optional SecretString = "client_secret",
    }
}

row! {
    /// A token.
    pub struct Token {
        /// Token to send in `Authorization` after `Bearer`.
        access_token: always String = "access_token",
        /// `Bearer`.
        token_type: always String = "token_type",
        /// Seconds until it expires.
        expires_in: always u64 = "expires_in",
        /// Empty: the application's role and products decide.
        scope: always String = "scope",
    }
    /// Why no token was issued.
    pub struct Refused {
        /// Machine-readable code.
        error: always String = "error",
        /// Human-readable text.
        error_description: always String = "error_description",
    }
}

/// The credentials of an application.
pub struct Credentials {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

/// Why a token request is invalid. Never contains any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The body is not a form, but probably JSON.
    #[error(
        "The body is not a form: send grant_type, client_id and client_secret as application/x-www-form-urlencoded"
    )]
    NoForm,
    /// A parameter is sent more than once (RFC 6749, 3.2).
    #[error("{0} is sent more than once")]
    Twice(&'static str),
    /// A parameter is missing or empty.
    #[error(
        "{0} is missing: send grant_type, client_id and client_secret as application/x-www-form-urlencoded"
    )]
    Missing(&'static str),
    /// The grant type is not supported.
    #[error("The only supported grant_type is {GRANT}")]
    Grant,
    /// `Authorization: Basic` is malformed.
    #[error("Authorization cannot be read: expected Basic and the base64 of client_id:client_secret")]
    Basic,
    /// The credentials are sent in both ways, so it is unclear which are meant (RFC 6749, 2.3).
    #[error("The credentials are both in Authorization and in the body: send them only once")]
    BothWays,
}

impl RequestError {
    /// The code of the response.
    pub fn code(self) -> Code {
        match self {
            RequestError::Grant => Code::UnsupportedGrantType,
            _ => Code::InvalidRequest,
        }
    }
}

impl Credentials {
    /// Reads credentials from `Authorization: Basic`, else from the form. A parameter without a value counts as missing
    /// (RFC 6749, 3.2); unknown parameters are ignored.
    ///
    /// # Errors
    /// When a parameter is missing, repeated or malformed, or the grant type is not supported.
    pub fn read(authorization: Option<&[u8]>, body: &[u8]) -> Result<Self, RequestError> {
        let Form { grant_type, client_id, client_secret } = form(body)?;
        if grant_type != GRANT {
            return Err(RequestError::Grant);
        }
        match authorization.and_then(plain_basic) {
            Some(Err(_)) => Err(RequestError::Basic),
            Some(Ok((id, secret))) => {
                let (id, secret) = (decoded(&id), decoded(secret.expose_secret()).into());
                if client_secret.is_some() || client_id.is_some_and(|other| other != id) {
                    return Err(RequestError::BothWays);
                }
                Ok(Self { client_id: id, client_secret: secret })
            }
            None => Ok(Self {
                client_id: client_id.ok_or(RequestError::Missing("client_id"))?,
                client_secret: client_secret.ok_or(RequestError::Missing("client_secret"))?,
            }),
        }
    }
}

fn form(body: &[u8]) -> Result<Form, RequestError> {
    if body.trim_ascii_start().starts_with(b"{") {
        return Err(RequestError::NoForm);
    }
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body.trim_ascii()) {
        let known = Form::FIELDS.iter().map(|field| field.name).find(|known| *known == name);
        if let Some(known) = known.filter(|_| !value.is_empty())
            && fields.insert(known.to_owned(), Value::String(value.into_owned())).is_some()
        {
            return Err(RequestError::Twice(known));
        }
    }
    // All fields are texts, so the only possible error is a missing mandatory one.
    Entry::<Form>::read(Value::Object(fields)).item.map_err(|_| RequestError::Missing("grant_type"))
}

/// Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1). Each is one value, even with an unencoded
/// `=` or `&`.
fn decoded(text: &str) -> String {
    let value = zeroize::Zeroizing::new(format!("value={}", text.replace('&', "%26")));
    form_urlencoded::parse(value.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rstest::rstest;

    fn read(basic: Option<&str>, body: &str) -> Result<String, RequestError> {
        let header = basic.map(|text| format!("basic {}", STANDARD.encode(text)));
        let credentials = Credentials::read(header.as_deref().map(str::as_bytes), body.as_bytes());
        credentials.map(|read| format!("{} {}", read.client_id, read.client_secret.expose_secret()))
    }

    #[rstest]
    #[case(None, "grant_type=client_credentials&client_id=a&client_secret=b%2B+c")]
    #[case(None, "scope=&client_secret=b%2B+c&client_id=a&client_id=&grant_type=client_credentials\r\n")]
    #[case(Some("a:b%2B%20c"), "grant_type=client_credentials")]
    #[case(Some("a:b%2B+c"), "grant_type=client_credentials&client_id=a&client_secret=")]
    fn credentials_come_in_the_form_or_in_the_header(#[case] basic: Option<&str>, #[case] body: &str) {
        assert_eq!(read(basic, body).unwrap(), "a b+ c");
    }

    #[rstest]
    #[case("=a:b=", "=a b=")]
    #[case("a&b:c&d=", "a&b c&d=")]
    #[case("%3Da:100%25", "=a 100%")]
    fn what_is_joined_is_not_split(#[case] basic: &str, #[case] expected: &str) {
        assert_eq!(read(Some(basic), "grant_type=client_credentials").unwrap(), expected);
    }

    #[rstest]
    #[case(None, "", RequestError::Missing("grant_type"))]
    #[case(None, r#"{"grant_type":"client_credentials"}"#, RequestError::NoForm)]
    #[case(None, "grant_type=password&username=a&password=b", RequestError::Grant)]
    #[case(
        None,
        "grant_type=client_credentials&client_id=a&client_secret=",
        RequestError::Missing("client_secret")
    )]
    #[case(None, "grant_type=client_credentials&client_secret=a", RequestError::Missing("client_id"))]
    #[case(None, "grant_type=client_credentials&client_id=a&client_id=b", RequestError::Twice("client_id"))]
    #[case(Some("a"), "grant_type=client_credentials", RequestError::Basic)]
    #[case(Some("a:b"), "grant_type=client_credentials&client_secret=b", RequestError::BothWays)]
    #[case(Some("a:b"), "grant_type=client_credentials&client_id=c", RequestError::BothWays)]
    fn what_is_no_request_for_a_token_says_why(
        #[case] basic: Option<&str>,
        #[case] body: &str,
        #[case] why: RequestError,
    ) {
        assert_eq!(read(basic, body).unwrap_err(), why);
    }
}
