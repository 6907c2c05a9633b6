//! Properties of every filter, body and PATCH of SCIM.

use matricula_wire::scim::{Filter, GROUP, Patch, ResourceType, USER, read};
use serde_json::{Map, Value, json};

/// A filter that is accepted has a canonical text with the same meaning; another one is refused in one line.
pub fn scim_filter(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    for (resource_type, resource) in resources() {
        match Filter::parse(text, resource_type) {
            Ok(filter) => {
                let found = filter.matches(&resource);
                assert_eq!(filter.matches(&resource), found);
                let written = filter.to_string();
                // Written out, a filter near the limit may be beyond it.
                if text.len() < 1_000 {
                    let again = Filter::parse(&written, resource_type);
                    assert!(again.as_ref() == Ok(&filter), "{written}: {again:?}");
                    assert_eq!(again.map(|again| again.matches(&resource)), Ok(found));
                }
            }
            Err(error) => assert!(!error.detail.contains(char::is_control)),
        }
    }
}

/// Bodies and PATCH results are canonical: read again, they stay as they are. Replacing twice is replacing once.
pub fn scim_patch(input: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(input) else { return };
    for (resource_type, resource) in resources() {
        match read(body.clone(), resource_type) {
            Ok(resource) => assert_canonical(&resource.fields, resource_type),
            Err(error) => assert!(!error.detail.contains(char::is_control)),
        }
        let patch = match Patch::read(body.clone(), resource_type) {
            Ok(patch) => patch,
            Err(error) => {
                assert!(!error.detail.contains(char::is_control));
                continue;
            }
        };
        assert!(patch.ignored().iter().all(|name| !name.contains(char::is_control)));
        let Ok(patched) = patch.apply(&resource) else { continue };
        assert_eq!(patched.is_changed, patched.resource != resource);
        assert_canonical(&patched.resource, resource_type);
        if only_replaces(&body) {
            let again = patch.apply(&patched.resource);
            assert!(again.is_ok_and(|again| !again.is_changed), "replaced twice: {:?}", patched.resource);
        }
    }
}

fn assert_canonical(fields: &Map<String, Value>, resource_type: &ResourceType) {
    let again = read(Value::Object(fields.clone()), resource_type);
    let again = again.unwrap_or_else(|error| panic!("{}: {fields:?}", error.detail));
    assert_eq!(&again.fields, fields);
    assert!(again.ignored.is_empty());
}

/// Whether all operations replace, at places that the operations themselves do not change: without filters.
fn only_replaces(body: &Value) -> bool {
    let field = |operation: &Value, name: &str| {
        let fields = operation.as_object()?;
        fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let is_plain = |operation: &Value| {
        let op = field(operation, "op").unwrap_or_default();
        let path = field(operation, "path").unwrap_or_default();
        let value = field(operation, "value").unwrap_or_default();
        let mut keys = value.as_object().into_iter().flat_map(Map::keys);
        op.as_str().is_some_and(|op| op.eq_ignore_ascii_case("replace"))
            && path.as_str().is_none_or(|path| !path.contains('['))
            && keys.all(|key| !key.contains('['))
    };
    let operations = field(body, "Operations").unwrap_or_default();
    operations.as_array().is_some_and(|operations| operations.iter().all(is_plain))
}

fn resources() -> [(&'static ResourceType, Map<String, Value>); 2] {
    let user = json!({
        "userName": "ann@example.com",
        "active": true,
        "name": { "givenName": "Ann" },
        "emails": [
            { "value": "ann@example.com", "type": "work", "primary": true },
            { "value": "a@example.org", "type": "home" }
        ],
        "roles": [{ "value": "Admin" }],
        "addresses": [{ "locality": "Berlin", "type": "work" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "m1" } }
    });
    let group =
        json!({ "displayName": "G", "members": [{ "value": "u1" }, { "value": "u2", "type": "User" }] });
    [(&USER, user), (&GROUP, group)]
        .map(|(resource_type, json)| (resource_type, json.as_object().cloned().unwrap_or_default()))
}
