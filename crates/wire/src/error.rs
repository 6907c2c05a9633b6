//! Why a call or an item is refused, as it crosses the network.

use serde::{Deserialize, Serialize};

use crate::Code;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Machine-readable code. Text and not [`Code`], because other servers of the protocol have codes of their own.
    pub code: String,
    /// Human-readable text.
    pub message: String,
    /// Whether the unchanged request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// The field that is wrong, on validation errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Error {
    /// An error about no field in particular.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: message.into(),
            retryable: code.retryable(),
            field: None,
        }
    }

    /// An error about a field of the item.
    pub fn in_field(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(code, message) }
    }
}
