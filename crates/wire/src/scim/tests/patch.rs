use rstest::rstest;
use serde_json::{Map, Value, json};

use super::super::{GROUP, MemberChange, Patch, ResourceType, ScimError, ScimType, USER};
use super::{barbara, fields, guides};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn read(operations: Value, resource_type: &ResourceType) -> Result<Patch, ScimError> {
    Patch::read(json!({ "schemas": [PATCH_OP], "Operations": operations }), resource_type)
}

fn patch(
    operations: Value,
    resource_type: &ResourceType,
    current: &Map<String, Value>,
) -> Result<Map<String, Value>, ScimError> {
    let patched = read(operations, resource_type)?.apply(current)?;
    assert_eq!(patched.is_changed, patched.resource != *current);
    Ok(patched.resource)
}

/// What an operation makes of a part of Barbara; null, if it removes it.
#[rstest]
// Single values.
#[case(json!({ "op": "Replace", "path": "title", "value": "Guide" }), "/title", json!("Guide"))]
#[case(json!({ "op": "ADD", "path": "NICKNAME", "value": "Babs" }), "/nickName", json!("Babs"))]
#[case(json!({ "op": "replace", "path": "active", "value": "False" }), "/active", json!(false))]
#[case(json!({ "op": "Add", "path": "name.givenName", "value": "Babs" }), "/name/givenName", json!("Babs"))]
#[case(json!({ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "T" }), "/title", json!("T"))]
#[case(json!({ "op": "remove", "path": "title" }), "/title", Value::Null)]
#[case(json!({ "op": "remove", "path": "nickName" }), "/nickName", Value::Null)]
#[case(json!({ "op": "replace", "path": "title", "value": null }), "/title", Value::Null)]
#[case(json!({ "op": "replace", "path": "title", "value": "" }), "/title", Value::Null)]
#[case(json!({ "op": "add", "path": "title", "value": null }), "/title", Value::Null)]
#[case(json!({ "op": "remove", "path": "name" }), "/name", Value::Null)]
#[case(json!({ "op": "replace", "path": "password", "value": "secret" }), "/password", json!("secret"))]
// Parts of a complex attribute.
#[case(json!({ "op": "replace", "path": "name", "value": { "GivenName": "Babs", "formatted": null, "unknown": 1 } }),
       "/name", json!({ "familyName": "Jensen", "givenName": "Babs" }))]
#[case(json!({ "op": "replace", "path": "name", "value": {} }), "/name", Value::Null)]
#[case(json!({ "op": "add", "path": "name", "value": {} }), "/name", barbara()["name"].clone())]
// Without path: keys are paths.
#[case(json!({ "op": "replace", "value": { "id": "x", "Title": "T", "schemas": [], "meta": {}, "groups": [], "unknown": 1 } }), "/title", json!("T"))]
#[case(json!({ "op": "replace", "value": { "name.givenName": "Babs" } }), "/name/givenName", json!("Babs"))]
#[case(json!({ "op": "Add", "value": { "emails[type eq \"work\"].value": "b@example.com" } }), "/emails/0/value", json!("b@example.com"))]
#[case(json!({ "op": "Add", "value": { "phoneNumbers[type eq \"mobile\"].value": "1" } }), "/phoneNumbers", json!([{ "type": "mobile", "value": "1" }]))]
#[case(json!({ "op": "Add", "value": { "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7" } }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/employeeNumber", json!("7"))]
#[case(json!({ "op": "replace", "value": { ENTERPRISE: { "department": "D", "manager": null } } }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", json!({ "department": "D" }))]
// The manager.
#[case(json!({ "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "m" }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager", json!({ "value": "m" }))]
#[case(json!({ "op": "Replace", "path": "manager", "value": { "value": "m", "displayName": "M", "$ref": null } }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager", json!({ "value": "m" }))]
#[case(json!({ "op": "Replace", "path": "manager.value", "value": "m" }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager", json!({ "value": "m" }))]
#[case(json!({ "op": "Replace", "path": "manager", "value": "" }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager", Value::Null)]
#[case(json!({ "op": "remove", "path": "manager" }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", json!({ "department": "Tours" }))]
#[case(json!({ "op": "remove", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User" }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", Value::Null)]
#[case(json!({ "op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "value": { "division": "D" } }),
       "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/division", json!("D"))]
// Lists.
#[case(json!({ "op": "add", "path": "roles", "value": "Guide" }), "/roles", json!([{ "value": "Admin" }, { "value": "Guide" }]))]
#[case(json!({ "op": "add", "path": "roles", "value": ["ADMIN", "Guide", "guide"] }), "/roles", json!([{ "value": "Admin" }, { "value": "Guide" }]))]
#[case(json!({ "op": "add", "path": "roles", "value": [{ "value": "admin", "display": "A" }] }), "/roles", json!([{ "value": "Admin", "display": "A" }]))]
#[case(json!({ "op": "add", "path": "roles", "value": [] }), "/roles", json!([{ "value": "Admin" }]))]
#[case(json!({ "op": "replace", "path": "roles", "value": { "value": "Guide", "primary": "True" } }), "/roles", json!([{ "value": "Guide", "primary": true }]))]
#[case(json!({ "op": "replace", "path": "roles", "value": [] }), "/roles", Value::Null)]
#[case(json!({ "op": "remove", "path": "roles" }), "/roles", Value::Null)]
#[case(json!({ "op": "remove", "path": "roles", "value": "admin" }), "/roles", Value::Null)]
#[case(json!({ "op": "remove", "path": "roles", "value": [] }), "/roles", json!([{ "value": "Admin" }]))]
#[case(json!({ "op": "add", "path": "emails", "value": { "value": "c@example.com", "type": "other", "primary": true } }), "/emails", json!([
    { "value": "bjensen@example.com", "type": "work", "primary": false },
    { "value": "babs@jensen.org", "type": "home" },
    { "value": "c@example.com", "type": "other", "primary": true },
]))]
#[case(json!({ "op": "remove", "path": "emails", "value": [{ "value": "BABS@jensen.org", "type": "home" }, { "value": "bjensen@example.com", "type": "home" }] }),
       "/emails", json!([{ "value": "bjensen@example.com", "type": "work", "primary": true }]))]
#[case(json!({ "op": "remove", "path": "emails", "value": [{ "display": "x" }, { "type": "work" }] }), "/emails", barbara()["emails"].clone())]
// Elements that match.
#[case(json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "w@example.com" }), "/emails/0",
       json!({ "value": "w@example.com", "type": "work", "primary": true }))]
#[case(json!({ "op": "Add", "path": "emails[type eq \"other\"].value", "value": "o@example.com" }), "/emails/2",
       json!({ "type": "other", "value": "o@example.com" }))]
#[case(json!({ "op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Guide" }), "/roles",
       json!([{ "value": "Admin" }, { "primary": true, "value": "Guide" }]))]
#[case(json!({ "op": "replace", "path": "emails[type eq \"home\" and primary eq true].value", "value": "h@example.com" }), "/emails", json!([
    { "value": "bjensen@example.com", "type": "work", "primary": false },
    { "value": "babs@jensen.org", "type": "home" },
    { "value": "h@example.com", "type": "home", "primary": true },
]))]
#[case(json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "value": "w@example.com" } }), "/emails/0",
       json!({ "value": "w@example.com", "type": "work" }))]
#[case(json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": [{ "value": "w@example.com", "type": "other" }] }), "/emails/0",
       json!({ "value": "w@example.com", "type": "other" }))]
#[case(json!({ "op": "add", "path": "emails[type eq \"home\"]", "value": { "primary": true } }), "/emails", json!([
    { "value": "bjensen@example.com", "type": "work", "primary": false },
    { "value": "babs@jensen.org", "type": "home", "primary": true },
]))]
#[case(json!({ "op": "replace", "path": "emails.type", "value": "other" }), "/emails", json!([
    { "value": "bjensen@example.com", "type": "other", "primary": true },
    { "value": "babs@jensen.org", "type": "other" },
]))]
#[case(json!({ "op": "add", "path": "phoneNumbers.value", "value": "1" }), "/phoneNumbers", json!([{ "value": "1" }]))]
#[case(json!({ "op": "remove", "path": "emails[value ew \"example.com\"]" }), "/emails", json!([{ "value": "babs@jensen.org", "type": "home" }]))]
#[case(json!({ "op": "remove", "path": "emails[type eq \"work\"].value" }), "/emails", json!([{ "value": "babs@jensen.org", "type": "home" }]))]
#[case(json!({ "op": "remove", "path": "emails[type eq \"work\"].primary" }), "/emails/0", json!({ "value": "bjensen@example.com", "type": "work" }))]
#[case(json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": null }), "/emails", json!([{ "value": "babs@jensen.org", "type": "home" }]))]
#[case(json!({ "op": "remove", "path": "emails[type eq \"other\"].value" }), "/emails", barbara()["emails"].clone())]
#[case(json!({ "op": "remove", "path": "ims[type eq \"aim\"]" }), "/ims", Value::Null)]
fn an_operation_changes_a_user(#[case] operation: Value, #[case] pointer: &str, #[case] expected: Value) {
    let result = Value::Object(patch(json!([operation]), &USER, &barbara()).unwrap());
    // A URN has no slash, so it is one step of the pointer.
    assert_eq!(result.pointer(pointer).unwrap_or(&Value::Null), &expected);
}

#[rstest]
#[case(json!({ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": "u3" }] }), &["u1", "u2", "u3"])]
#[case(json!({ "op": "Add", "path": "members", "value": [{ "value": "u2" }, { "value": "U2" }] }), &["u1", "u2", "U2"])]
#[case(json!({ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": "u1" }] }), &["u2"])]
#[case(json!({ "op": "Remove", "path": "members", "value": { "value": "u1" } }), &["u2"])]
#[case(json!({ "op": "Remove", "path": "members", "value": "u1" }), &["u2"])]
#[case(json!({ "op": "remove", "path": "members[value eq \"u1\"]" }), &["u2"])]
#[case(json!({ "op": "remove", "path": "members[value eq \"u1\" or value eq \"u2\"]" }), &[])]
#[case(json!({ "op": "remove", "path": "members[value eq \"unknown\"]" }), &["u1", "u2"])]
#[case(json!({ "op": "remove", "path": "members" }), &[])]
#[case(json!({ "op": "replace", "path": "members", "value": [{ "value": "u9" }] }), &["u9"])]
#[case(json!({ "op": "replace", "value": { "id": "x", "displayName": "G", "members": [{ "value": "u9", "display": "N" }] } }), &["u9"])]
#[case(json!({ "op": "replace", "path": "members[value eq \"u1\"]", "value": { "value": "u9" } }), &["u9", "u2"])]
fn an_operation_changes_the_members(#[case] operation: Value, #[case] expected: &[&str]) {
    let result = patch(json!([operation]), &GROUP, &guides()).unwrap();
    let members = result.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
    let ids: Vec<_> = members.iter().map(|member| member["value"].as_str().unwrap()).collect();
    assert_eq!(ids, expected);
    assert_eq!(result["id"], guides()["id"]);
}

#[rstest]
#[case(json!({ "op": "remove" }), ScimType::NoTarget, "needs a path")]
#[case(json!({ "op": "remove", "value": { "title": "x" } }), ScimType::NoTarget, "needs a path")]
#[case(json!({ "op": "move", "path": "title" }), ScimType::InvalidSyntax, "add, replace or remove, found \"move\"")]
#[case(json!({ "path": "title", "value": "x" }), ScimType::InvalidSyntax, "add, replace or remove")]
#[case(json!("add"), ScimType::InvalidSyntax, "each operation to be an object")]
#[case(json!({ "op": "add", "OP": "add" }), ScimType::InvalidSyntax, "op was sent twice")]
#[case(json!({ "op": "add", "path": 5, "value": 1 }), ScimType::InvalidPath, "path to be a text")]
#[case(json!({ "op": "add", "path": "title" }), ScimType::InvalidValue, "needs a value")]
#[case(json!({ "op": "add", "value": "x" }), ScimType::InvalidValue, "value to be an object")]
#[case(json!({ "op": "add", "path": "colour", "value": "x" }), ScimType::InvalidPath, "unknown attribute \"colour\"")]
#[case(json!({ "op": "add", "path": "urn:x:title", "value": "x" }), ScimType::InvalidPath, "unknown schema or attribute")]
#[case(json!({ "op": "add", "path": "", "value": "x" }), ScimType::InvalidPath, "unknown attribute")]
#[case(json!({ "op": "add", "path": "name[givenName eq \"x\"].familyName", "value": "x" }), ScimType::InvalidPath, "only after a multi-valued")]
#[case(json!({ "op": "add", "path": "emails[type eq \"x\"].kind", "value": "x" }), ScimType::InvalidPath, "unknown sub-attribute \"kind\"")]
#[case(json!({ "op": "add", "path": "emails[kind eq \"x\"].value", "value": "x" }), ScimType::InvalidFilter, "unknown sub-attribute \"kind\"")]
#[case(json!({ "op": "add", "path": "emails[type eq \"x\"", "value": "x" }), ScimType::InvalidFilter, "expected and, or or ]")]
#[case(json!({ "op": "add", "value": { "emails[type eq]": "x" } }), ScimType::InvalidFilter, "expected a text")]
#[case(json!({ "op": "replace", "path": "id", "value": "x" }), ScimType::Mutability, "only the server sets it")]
#[case(json!({ "op": "add", "path": "meta.created", "value": "x" }), ScimType::Mutability, "only the server sets it")]
#[case(json!({ "op": "remove", "path": "groups" }), ScimType::Mutability, "only the server sets it")]
#[case(json!({ "op": "remove", "path": "userName" }), ScimType::Mutability, "userName is required")]
#[case(json!({ "op": "replace", "path": "userName", "value": null }), ScimType::Mutability, "userName is required")]
#[case(json!({ "op": "replace", "value": { "userName": "" } }), ScimType::Mutability, "userName is required")]
#[case(json!({ "op": "replace", "path": "title", "value": 5 }), ScimType::InvalidValue, "found the number 5")]
#[case(json!({ "op": "replace", "path": "name", "value": "x" }), ScimType::InvalidValue, "name: expected an object")]
#[case(json!({ "op": "replace", "path": "roles[value eq \"x\"]", "value": ["x", "y"] }), ScimType::InvalidValue, "expected one object")]
#[case(json!({ "op": "replace", "path": ENTERPRISE, "value": "x" }), ScimType::InvalidValue, "to be an object")]
#[case(json!({ "op": "replace", "path": "emails[type co \"other\"].value", "value": "x" }), ScimType::NoTarget, "Nothing matches emails[type co \"other\"],")]
#[case(json!({ "op": "replace", "path": "emails[type eq \"a\" or type eq \"b\"].value", "value": "x" }), ScimType::NoTarget, "Nothing matches emails[")]
#[case(json!({ "op": "replace", "path": "emails[type eq \"a\" and type eq \"b\"].value", "value": "x" }), ScimType::NoTarget, "Nothing matches emails[")]
#[case(json!({ "op": "replace", "path": "emails[value eq \"a\"].value", "value": "x" }), ScimType::NoTarget, "Nothing matches emails[")]
fn a_wrong_operation_is_explained(
    #[case] operation: Value,
    #[case] scim_type: ScimType,
    #[case] detail: &str,
) {
    let error = patch(json!([operation]), &USER, &barbara()).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{}", error.detail);
    assert!(error.detail.contains(detail), "{}", error.detail);
}

#[rstest]
#[case(json!({ "op": "remove", "path": "displayName" }), ScimType::Mutability)]
#[case(json!({ "op": "replace", "path": "members[value eq \"u1\"].value", "value": "u2" }), ScimType::Mutability)]
#[case(json!({ "op": "replace", "path": "members[value eq \"u1\"].display", "value": "x" }), ScimType::Mutability)]
#[case(json!({ "op": "add", "path": "members", "value": [{ "type": "User" }] }), ScimType::InvalidValue)]
fn a_wrong_operation_on_a_group(#[case] operation: Value, #[case] scim_type: ScimType) {
    assert_eq!(patch(json!([operation]), &GROUP, &guides()).unwrap_err().scim_type, Some(scim_type));
}

#[rstest]
#[case(json!([]), "body to be an object")]
#[case(json!({}), "Operations to be a list")]
#[case(json!({ "Operations": [] }), "1 to 1000 Operations, found 0")]
#[case(json!({ "Operations": vec![1; 1_001] }), "1 to 1000 Operations, found 1001")]
#[case(json!({ "schemas": ["x"], "Operations": [1] }), "schemas to have urn:")]
#[case(json!({ "schemas": PATCH_OP, "Operations": [1] }), "schemas to be a list")]
fn a_wrong_message_is_explained(#[case] body: Value, #[case] detail: &str) {
    let error = Patch::read(body, &USER).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    assert!(error.detail.contains(detail), "{}", error.detail);
}

#[test]
fn keys_have_any_letter_case_and_schemas_may_be_absent() {
    let body = json!({ "operations": [{ "Op": "Replace", "PATH": "TITLE", "Value": "T" }] });
    assert_eq!(Patch::read(body, &USER).unwrap().apply(&barbara()).unwrap().resource["title"], "T");
}

#[test]
fn operations_are_applied_in_order_and_all_or_none() {
    let operations = json!([
        { "op": "add", "path": "emails", "value": { "value": "x", "type": "other" } },
        { "op": "remove", "path": "emails[type eq \"home\"]" },
        { "op": "replace", "path": "emails[type eq \"other\"].value", "value": "y" },
        { "op": "remove", "path": "emails[type eq \"work\"]" },
    ]);
    let result = patch(operations, &USER, &barbara()).unwrap();
    assert_eq!(result["emails"], json!([{ "value": "y", "type": "other" }]));
    let operations = json!([
        { "op": "replace", "path": "title", "value": "x" },
        { "op": "replace", "path": "emails[type co \"x\"].value", "value": "y" },
    ]);
    assert!(patch(operations, &USER, &barbara()).is_err());
}

#[test]
fn a_patch_says_whether_it_changes_anything_and_what_it_ignores() {
    let operations = json!([
        { "op": "replace", "value": { "title": "Tour Guide", "colour": 1, ENTERPRISE: { "colour": 1 }, "urn:x:y": 1 } },
        { "op": "add", "path": "roles", "value": "admin" },
        { "op": "remove", "path": "nickName" },
    ]);
    let patch = read(operations, &USER).unwrap();
    assert!(!patch.apply(&barbara()).unwrap().is_changed);
    assert_eq!(patch.ignored(), ["colour", &format!("{ENTERPRISE}:colour"), "urn:x:y"]);
}

#[test]
fn a_text_in_place_of_the_manager_replaces_all_of_it() {
    let current =
        fields(json!({ "userName": "a", ENTERPRISE: { "manager": { "value": "x", "$ref": "../Users/x" } } }));
    let operations = json!([{ "op": "replace", "path": "manager", "value": "y" }]);
    assert_eq!(
        patch(operations, &USER, &current).unwrap()[ENTERPRISE],
        json!({ "manager": { "value": "y" } })
    );
}

#[test]
fn a_password_is_never_shown() {
    for value in [json!(471_147), json!({ "x": "Canary-4711" }), json!("Canary-4711".repeat(1_000))] {
        for operation in [
            json!({ "op": "replace", "path": "password", "value": value }),
            json!({ "op": "replace", "value": { "password": value } }),
        ] {
            let detail = read(json!([operation]), &USER).unwrap_err().detail;
            assert!(!detail.contains("4711"), "{detail}");
        }
    }
}

#[test]
fn changes_of_members_are_known_without_the_group() {
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": "u3" }] },
        { "op": "add", "path": "members", "value": [{ "value": "u4", "type": "User" }] },
        { "op": "remove", "path": "members[value eq \"u1\"]" },
        { "op": "remove", "path": "members", "value": [{ "value": "u2" }] },
        { "op": "add", "value": { "members": "u5" } },
    ]);
    let patch = read(operations, &GROUP).unwrap();
    assert_eq!(
        patch.member_changes(),
        Some(vec![
            MemberChange::Add(&[json!({ "value": "u3" }), json!({ "value": "u4", "type": "User" })]),
            MemberChange::Remove(vec!["u1", "u2"]),
            MemberChange::Add(&[json!({ "value": "u5" })]),
        ])
    );
    for other in [
        json!({ "op": "replace", "path": "displayName", "value": "x" }),
        json!({ "op": "remove", "path": "members" }),
        json!({ "op": "replace", "path": "members", "value": "u1" }),
        json!({ "op": "remove", "path": "members[type eq \"User\"]" }),
    ] {
        assert_eq!(read(json!([other]), &GROUP).unwrap().member_changes(), None);
    }
}

#[test]
fn a_thousand_changes_of_a_large_group() {
    let members: Vec<Value> = (0..50_000).map(|n| json!({ "value": n.to_string() })).collect();
    let group = fields(json!({ "displayName": "G", "members": members }));
    let operations: Vec<Value> = (0..1_000)
        .map(|n| match n < 500 {
            true => json!({ "op": "add", "path": "members", "value": [{ "value": format!("new {n}") }] }),
            false => json!({ "op": "remove", "path": format!("members[value eq \"{n}\"]") }),
        })
        .collect();
    let result = patch(operations.into(), &GROUP, &group).unwrap();
    assert_eq!(result["members"].as_array().map(Vec::len), Some(50_000));
    let too_many: Vec<Value> = (0..60_000).map(|n| json!({ "value": format!("n{n}") })).collect();
    let operations = json!([{ "op": "add", "path": "members", "value": too_many }]);
    assert!(patch(operations, &GROUP, &group).unwrap_err().detail.contains("at most 100000, found 110000"));
}
