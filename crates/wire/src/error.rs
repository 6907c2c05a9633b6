//! The error of a refused call or item.

use serde::{Deserialize, Serialize};

use crate::Code;

/// An error: `field`, if there is one, then `code`, `message`, `retryable` (spec/protocol.md 1a).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// The wrong field, for validation errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Machine-readable code. Text instead of [`Code`], because other servers have further codes.
    pub code: String,
    /// Human-readable text.
    pub message: String,
    /// Whether the unchanged request may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

impl Error {
    /// An error without a field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            field: None,
            code: code.as_str().to_owned(),
            message: message.into(),
            retryable: code.retryable(),
        }
    }

    /// An error in a field of the item.
    pub fn in_field(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(code, message) }
    }
}
