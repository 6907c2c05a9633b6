//! Tests of SCIM. The examples of the RFCs are abbreviated; forms of clients are what they send.

mod filter;
mod patch;
mod patch_model;
mod projection;
mod read;
mod schema;

use serde_json::{Map, Value, json};

/// The fields of a JSON object.
fn fields(json: Value) -> Map<String, Value> {
    json.as_object().cloned().unwrap()
}

/// A user with an attribute of each kind.
fn barbara() -> Map<String, Value> {
    fields(json!({
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "bjensen",
        "userName": "bjensen@example.com",
        "name": { "formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara" },
        "title": "Tour Guide",
        "userType": "Employee",
        "active": true,
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }
        ],
        "roles": [{ "value": "Admin" }],
        "meta": { "resourceType": "User", "lastModified": "2011-05-13T04:42:34Z" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Tours",
            "manager": { "value": "26118915-6090-4610-87e4-49d8ca9f808d" }
        }
    }))
}

/// A group with two members.
fn guides() -> Map<String, Value> {
    fields(json!({
        "id": "e9e30dba-f08f-4109-8486-d5c6a331660a",
        "displayName": "Tour Guides",
        "members": [{ "value": "u1" }, { "value": "u2", "type": "User" }]
    }))
}
