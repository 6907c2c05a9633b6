//! Errors of SCIM (RFC 7644, 3.12).

use serde_json::{Value, json};

use super::schema::{Attribute, Returned};
use crate::printable::printable_start;

/// Longest value that an error message shows, in characters. `[ours]`
const MAX_SHOWN: usize = 80;

/// A keyword that says what is wrong (RFC 7644, table 9; the last three: RFC 9865, 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter is malformed, or an operator does not fit its attribute.
    InvalidFilter,
    /// The request has or finds more than the server processes.
    TooMany,
    /// A unique value is in use.
    Uniqueness,
    /// The attribute cannot be changed that way.
    Mutability,
    /// The body is malformed.
    InvalidSyntax,
    /// The path of a PATCH is malformed or unknown.
    InvalidPath,
    /// The path of a PATCH matches nothing that could be changed.
    NoTarget,
    /// A value is missing or does not fit its attribute.
    InvalidValue,
    /// The version of the protocol is not supported.
    InvalidVers,
    /// A URL has sensitive data.
    Sensitive,
    /// The cursor is malformed.
    InvalidCursor,
    /// The cursor has expired.
    ExpiredCursor,
    /// The number of results per page is invalid.
    InvalidCount,
}

impl ScimType {
    /// The keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    /// The HTTP status that belongs to the keyword.
    pub fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            _ => 400,
        }
    }
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// HTTP status.
    pub status: u16,
    /// Keyword; not every status has one.
    pub scim_type: Option<ScimType>,
    /// Human-readable text: what was expected, what was found, what to do. It never shows a password.
    pub detail: String,
}

impl ScimError {
    /// An error with a keyword and its status.
    pub fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: scim_type.status(), scim_type: Some(scim_type), detail: detail.into() }
    }

    /// An error that has no keyword, such as 404.
    pub fn with_status(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// The body of the response. Its `status` is a text, as the RFC demands.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body
    }
}

/// A text of the request as a message shows it: short, in quotes, without invisible characters.
pub(super) fn shown(text: &str) -> String {
    format!("{:?}", printable_start(text, MAX_SHOWN))
}

/// A value of the request as a message about its attribute shows it. Secrets, lists and objects are only named.
pub(super) fn shown_value(attribute: &Attribute, value: &Value) -> String {
    let is_secret = attribute.returned == Returned::Never;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) if is_secret => "a boolean".to_owned(),
        Value::Number(_) if is_secret => "a number".to_owned(),
        Value::String(_) if is_secret => "a text".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {}", printable_start(&number.to_string(), MAX_SHOWN)),
        Value::String(text) => format!("the text {}", shown(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
