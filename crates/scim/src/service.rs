//! What the service offers (RFC 7644, 4).

use serde_json::{Value, json};
use wire::scim::{
    ENTERPRISE_USER_SCHEMA, GROUP, GROUP_SCHEMA, ResourceType, Schema, ScimError, USER, USER_SCHEMA,
};

use crate::answer::Answer;
use crate::bulk::MAX_OPERATIONS;
use crate::call::Call;
use crate::list::{MAX_COUNT, listed};
use crate::refused::Refused;

static RESOURCE_TYPES: [&ResourceType; 2] = [&USER, &GROUP];
static SCHEMAS: [&Schema; 3] = [&USER_SCHEMA, &ENTERPRISE_USER_SCHEMA, &GROUP_SCHEMA];

pub(crate) async fn configuration(call: &mut Call<'_>) -> Result<Answer, Refused> {
    Ok(Answer::ok(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": "https://datatracker.ietf.org/doc/html/rfc7644",
        "patch": { "supported": true },
        "bulk": { "supported": true, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": call.core.limits.body_bytes },
        "filter": { "supported": true, "maxResults": MAX_COUNT },
        "changePassword": { "supported": true },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "pagination": { "cursor": true, "index": true, "defaultPaginationMethod": "index",
                        "defaultPageSize": crate::list::DEFAULT_COUNT, "maxPageSize": MAX_COUNT },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A token of an application, in the header Authorization.",
            "specUri": "https://datatracker.ietf.org/doc/html/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{}/ServiceProviderConfig", call.base),
        },
    })))
}

pub(crate) async fn resource_types(call: &mut Call<'_>) -> Result<Answer, Refused> {
    Ok(all(RESOURCE_TYPES.iter().map(|resource_type| resource_type.to_json(&call.base)).collect()))
}

pub(crate) async fn resource_type(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let found = RESOURCE_TYPES.iter().find(|resource_type| resource_type.name == call.id);
    let found = found.ok_or_else(|| unknown("resource type", "ResourceTypes"))?;
    Ok(Answer::ok(found.to_json(&call.base)))
}

pub(crate) async fn schemas(call: &mut Call<'_>) -> Result<Answer, Refused> {
    Ok(all(SCHEMAS.iter().map(|schema| schema.to_json(&call.base)).collect()))
}

pub(crate) async fn schema(call: &mut Call<'_>) -> Result<Answer, Refused> {
    // Clients may escape its colons.
    let id = call.id.replace("%3A", ":").replace("%3a", ":");
    let found = SCHEMAS.iter().find(|schema| schema.id.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| unknown("schema", "Schemas"))?;
    Ok(Answer::ok(found.to_json(&call.base)))
}

fn unknown(what: &str, endpoint: &str) -> Refused {
    ScimError::with_status(404, format!("There is no such {what}: GET /{endpoint} lists all.")).into()
}

fn all(resources: Vec<Value>) -> Answer {
    let total = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    Answer::ok(listed(total, Some(1), None, resources))
}
