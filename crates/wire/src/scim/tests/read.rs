use rstest::rstest;
use serde_json::{Value, json};

use super::super::{GROUP, Resource, ScimError, ScimType, USER, read};
use super::fields;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user(json: Value) -> Result<Resource, ScimError> {
    read(json, &USER)
}

/// The attributes of a user with the name `a`, without that name.
fn read_with(extra: Value) -> Value {
    let mut body = fields(extra);
    body.insert("userName".to_owned(), "a".into());
    let mut fields = user(Value::Object(body)).unwrap().fields;
    fields.shift_remove("userName");
    Value::Object(fields)
}

#[test]
fn the_body_of_entra_id() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
        "userName": "Test_User_9",
        "active": "True",
        "emails": [{ "primary": "true", "type": "work", "value": "a@example.com" }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Ann Lee", "familyName": "Lee", "givenName": "Ann" },
        "roles": [],
        ENTERPRISE: { "department": "Sales", "manager": "m1" },
        "urn:ietf:params:scim:schemas:extension:custom:2.0:User": { "worksiteId": "180" }
    });
    let resource = user(body).unwrap();
    assert_eq!(
        Value::Object(resource.fields.clone()),
        json!({
            "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
            "userName": "Test_User_9",
            "active": true,
            "emails": [{ "primary": true, "type": "work", "value": "a@example.com" }],
            "name": { "formatted": "Ann Lee", "familyName": "Lee", "givenName": "Ann" },
            ENTERPRISE: { "department": "Sales", "manager": { "value": "m1" } },
        })
    );
    assert_eq!(resource.ignored, ["urn:ietf:params:scim:schemas:extension:custom:2.0:User"]);
    assert_eq!(user(Value::Object(resource.fields.clone())).unwrap().fields, resource.fields);
}

#[rstest]
#[case(json!({ "ACTIVE": "FALSE", "Name": { "GIVENNAME": "A" } }), json!({ "active": false, "name": { "givenName": "A" } }))]
#[case(json!({ "name.givenName": "A", "name.familyName": "B" }), json!({ "name": { "givenName": "A", "familyName": "B" } }))]
#[case(json!({ "name": { "givenName": "A" }, "name.familyName": "B" }), json!({ "name": { "givenName": "A", "familyName": "B" } }))]
#[case(json!({ (format!("{ENTERPRISE}:department")): "D", (format!("{ENTERPRISE}:manager.value")): "m" }),
       json!({ ENTERPRISE: { "department": "D", "manager": { "value": "m" } } }))]
#[case(json!({ "urn:ietf:params:scim:schemas:core:2.0:User:title": "T" }), json!({ "title": "T" }))]
#[case(json!({ (ENTERPRISE.to_uppercase()): { "manager": null, "costCenter": "" } }), json!({}))]
#[case(json!({ "roles": ["a", "b", "A"] }), json!({ "roles": [{ "value": "a" }, { "value": "b" }] }))]
#[case(json!({ "entitlements": "a", "roles": { "value": "b" } }), json!({ "entitlements": [{ "value": "a" }], "roles": [{ "value": "b" }] }))]
#[case(json!({ "title": null, "nickName": "", "emails": [], "phoneNumbers": [null, {}], "name": {} }), json!({}))]
#[case(json!({ "id": "x", "meta": 5, "groups": ["g"], "schemas": [] }), json!({}))]
#[case(json!({ "manager": "x", "department": "y", "emails.value": "z", "unknown": { "a": [1] } }), json!({}))]
#[case(json!({ "password": "secret" }), json!({ "password": "secret" }))]
fn bodies_become_canonical(#[case] body: Value, #[case] expected: Value) {
    assert_eq!(read_with(body), expected);
}

#[test]
fn ignored_names_are_listed() {
    let body = json!({
        "userName": "a", "favourite\ncolour": 1, "emails": [{ "value": "a@example.com", "colour": 1 }],
        "manager": "m", ENTERPRISE: { "colour": 1 }, "id": "x"
    });
    let ignored = user(body).unwrap().ignored;
    assert_eq!(
        ignored,
        ["favourite\u{fffd}colour", "emails.colour", "manager", &format!("{ENTERPRISE}:colour")]
    );
    let many: Value =
        (0..1_000).map(|n| (format!("x{n}"), json!(1))).chain([("userName".into(), json!("a"))]).collect();
    assert_eq!(user(many).unwrap().ignored.len(), 100);
}

#[rstest]
#[case(json!([]), ScimType::InvalidSyntax, "Expected the body to be an object")]
#[case(json!({ "userName": "a", "schemas": "x" }), ScimType::InvalidSyntax, "schemas to be a list")]
#[case(json!({ "userName": "a", "schemas": [1] }), ScimType::InvalidSyntax, "schemas to be a list")]
#[case(json!({ "userName": "a", "USERNAME": "a" }), ScimType::InvalidSyntax, "userName was sent twice")]
#[case(json!({ "userName": "a", "title": null, "TITLE": "x" }), ScimType::InvalidSyntax, "title was sent twice")]
#[case(json!({ "userName": "a", "name": { "givenName": "x", "GivenName": "y" } }), ScimType::InvalidSyntax, "name.givenName was sent twice")]
#[case(json!({ "userName": "a", "name": { "givenName": "x" }, "name.givenName": "y" }), ScimType::InvalidSyntax, "name.givenName was sent twice")]
#[case(json!({}), ScimType::InvalidValue, "userName is missing")]
#[case(json!({ "userName": "" }), ScimType::InvalidValue, "userName is missing")]
#[case(json!({ "userName": 7 }), ScimType::InvalidValue, "userName: expected a text in double quotes, found the number 7.")]
#[case(json!({ "userName": "a", "title": true }), ScimType::InvalidValue, "title: expected a text, found true.")]
#[case(json!({ "userName": "a", "active": "yes" }), ScimType::InvalidValue, "active: expected true or false, found the text \"yes\".")]
#[case(json!({ "userName": "a", "name": "Ann" }), ScimType::InvalidValue, "name: expected an object, found the text \"Ann\".")]
#[case(json!({ "userName": "a", "emails": 5 }), ScimType::InvalidValue, "emails: expected a list of objects, found the number 5.")]
#[case(json!({ "userName": "a", "emails": [["x"]] }), ScimType::InvalidValue, "emails: expected an object, found a list.")]
#[case(json!({ "userName": "a", "addresses": ["x"] }), ScimType::InvalidValue, "addresses: expected an object")]
#[case(json!({ "userName": "a", "emails": [{ "value": "x", "primary": true }, { "value": "y", "primary": "True" }] }),
       ScimType::InvalidValue, "more than one primary")]
#[case(json!({ "userName": "a", "title": "x".repeat(4_097) }), ScimType::InvalidValue, "at most 4096 characters, found 4097")]
#[case(json!({ "userName": "a", "emails": vec!["x"; 1_001] }), ScimType::InvalidValue, "at most 1000, found 1001")]
#[case(json!({ "userName": "a", ENTERPRISE: "x" }), ScimType::InvalidValue, "to be an object")]
fn a_wrong_body_is_explained(#[case] body: Value, #[case] scim_type: ScimType, #[case] detail: &str) {
    let error = user(body).unwrap_err();
    assert_eq!(error.scim_type, Some(scim_type), "{}", error.detail);
    assert!(error.detail.contains(detail), "{}", error.detail);
}

#[test]
fn a_password_is_never_shown() {
    for password in [
        json!(471_147),
        json!(["Canary-4711"]),
        json!({ "x": "Canary-4711" }),
        json!("Canary-4711".repeat(1_000)),
    ] {
        let detail = user(json!({ "userName": "a", "password": password })).unwrap_err().detail;
        assert!(!detail.contains("4711"), "{detail}");
    }
}

#[test]
fn long_texts_and_many_members_are_accepted() {
    let photo = format!("data:,{}", "é".repeat(65_000));
    read_with(json!({ "title": "é".repeat(4_096), "photos": [{ "value": photo }] }));
    let group = |count: usize| {
        let members: Vec<Value> =
            (0..count).map(|n| json!({ "value": n.to_string(), "$ref": null })).collect();
        read(json!({ "displayName": "G", "members": members }), &GROUP)
    };
    assert_eq!(group(100_000).unwrap().fields["members"].as_array().map(Vec::len), Some(100_000));
    assert!(group(100_001).is_err());
}

#[test]
fn a_member_needs_its_id() {
    let error = read(json!({ "displayName": "G", "members": [{ "type": "User" }] }), &GROUP).unwrap_err();
    assert!(error.detail.contains("An element of members has no value"), "{}", error.detail);
    let group = json!({ "displayName": "G", "members": [{ "value": "u", "display": "U" }, { "value": "u", "type": "User" }] });
    assert_eq!(read(group, &GROUP).unwrap().fields["members"], json!([{ "value": "u" }]));
}
