//! Request bodies and envelopes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Answer, Failure};

use crate::error::{CallError, retry_after};
use crate::raw_answer::RawAnswer;

/// Items as the body of a request.
pub(crate) fn body_of<I: Serialize>(items: &[I], page: Option<&Page>) -> Result<Vec<u8>, CallError> {
    let meta = page.map(|pagination| Meta { pagination });
    serde_json::to_vec(&Body { meta, data: items }).map_err(CallError::Body)
}

/// Parses an envelope. A failure without a key is about the call; one with a key is about an item.
pub(crate) fn answered<R: DeserializeOwned>(raw: &RawAnswer) -> Result<Answer<R>, CallError> {
    let status = raw.status;
    let answer: Answer<R> =
        serde_json::from_slice(&raw.body).map_err(|source| CallError::NoEnvelope { status, source })?;
    match answer.fail.first() {
        Some(Failure { key: None, errors, .. }) if !errors.is_empty() => {
            Err(CallError::Refused { status, fault: errors[0].clone(), retry_after: retry_after(raw) })
        }
        _ => Ok(answer),
    }
}

#[derive(Serialize)]
struct Body<'a, I> {
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta<'a>>,
    data: &'a [I],
}

#[derive(Serialize)]
struct Meta<'a> {
    pagination: &'a Page,
}

/// The requested page.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Maximum number of rows, 1 to 500; default: the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// The token of the page, from the page before; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}
