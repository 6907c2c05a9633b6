//! What resources of all types share.

use directory::error::ItemError;
use directory::scim::MAX_EXTERNAL_ID;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use wire::scim::ResourceType;

use crate::answer::{Answer, version_of};
use crate::call::Call;
use crate::list::projection;
use crate::refused::Refused;

/// The version of a resource without `meta`: it follows from the content, so it changes with each change of it.
pub(crate) fn version(resource: &Map<String, Value>) -> String {
    let mut digest = Sha256::new();
    for (name, value) in resource {
        digest.update(name.as_bytes());
        digest.update(value.to_string().as_bytes());
    }
    format!("W/\"{}\"", directory::hex(&digest.finalize()[..12]))
}

/// The response with a resource.
pub(crate) fn answer(
    call: &Call<'_>,
    status: u16,
    of: &'static ResourceType,
    resource: &Map<String, Value>,
) -> Answer {
    let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
    Answer {
        status,
        location: Some(call.location(of.endpoint, id)),
        version: Some(version_of(resource).to_owned()),
        body: Some(Value::Object(projection(&call.query, of).apply(resource))),
    }
}

/// The response to a read: 304 if the caller has this version.
pub(crate) fn answer_to_read(
    call: &Call<'_>,
    of: &'static ResourceType,
    resource: &Map<String, Value>,
) -> Answer {
    let version = version_of(resource);
    if call.has_version(version) {
        return Answer { status: 304, location: None, version: Some(version.to_owned()), body: None };
    }
    answer(call, 200, of, resource)
}

/// Takes a text out of a resource.
pub(crate) fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes the application's own id out of a resource.
pub(crate) fn take_external_id(fields: &mut Map<String, Value>) -> Result<Option<String>, Refused> {
    let id = take_text(fields, "externalId");
    let why = match &id {
        Some(id) if id.len() > MAX_EXTERNAL_ID => ItemError::TooLong { max: MAX_EXTERNAL_ID, unit: "bytes" },
        Some(id) if id.contains(char::is_control) => ItemError::Characters,
        _ => return Ok(id),
    };
    Err(Refused::rule("externalId", &why))
}
