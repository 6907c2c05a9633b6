use rstest::rstest;
use serde_json::{Map, Value, json};

use super::super::{GROUP, Projection, USER};
use super::{barbara, guides};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn keys(fields: &Map<String, Value>) -> Vec<&str> {
    fields.keys().map(String::as_str).collect()
}

#[test]
fn without_parameters_everything_but_the_password_is_returned() {
    let mut user = barbara();
    user.insert("password".to_owned(), "secret".into());
    for (attributes, excluded) in [(None, None), (Some(" "), Some("")), (None, Some("id,schemas,unknown"))] {
        let result = Projection::parse(attributes, excluded, &USER).apply(&user);
        assert_eq!(result["schemas"], json!([CORE, ENTERPRISE]));
        assert_eq!(result.len(), user.len(), "with schemas, without the password");
        assert!(!result.contains_key("password"));
    }
    let result = Projection::parse(Some("password"), None, &USER).apply(&user);
    assert_eq!(keys(&result), ["schemas", "id"]);
}

#[rstest]
#[case("USERNAME,emails", None, json!({ "userName": "bjensen@example.com", "emails": barbara()["emails"] }))]
#[case("name.givenName, emails.Value", None, json!({
    "name": { "givenName": "Barbara" }, "emails": [{ "value": "bjensen@example.com" }, { "value": "babs@jensen.org" }],
}))]
#[case("urn:ietf:params:scim:schemas:core:2.0:User:title", None, json!({ "title": "Tour Guide" }))]
#[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:Department", None, json!({ ENTERPRISE: { "department": "Tours" } }))]
#[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", None, json!({ ENTERPRISE: barbara()[ENTERPRISE] }))]
#[case("unknown,department,emails.display", None, json!({}))]
#[case("name,title", Some("name.formatted,name.familyName,title"), json!({ "name": { "givenName": "Barbara" } }))]
fn attributes_are_selected(
    #[case] attributes: &str,
    #[case] excluded: Option<&str>,
    #[case] expected: Value,
) {
    let mut result = Projection::parse(Some(attributes), excluded, &USER).apply(&barbara());
    assert_eq!(result["id"], barbara()["id"]);
    let schemas = result["schemas"].as_array().map(Vec::len);
    assert_eq!(schemas, Some(if expected.get(ENTERPRISE).is_some() { 2 } else { 1 }));
    result.retain(|key, _| key != "id" && key != "schemas");
    assert_eq!(Value::Object(result), expected);
}

#[rstest]
#[case("members", &["schemas", "id", "displayName"])]
#[case("MEMBERS.value, displayName", &["schemas", "id", "members"])]
fn attributes_are_excluded(#[case] excluded: &str, #[case] expected: &[&str]) {
    let projection = Projection::parse(None, Some(excluded), &GROUP);
    let result = projection.apply(&guides());
    assert_eq!(keys(&result), expected);
    assert_eq!(projection.includes("members"), result.contains_key("members"));
}

#[test]
fn an_excluded_extension_is_no_schema_of_the_result() {
    let result = Projection::parse(None, Some(ENTERPRISE), &USER).apply(&barbara());
    assert_eq!(result["schemas"], json!([CORE]));
    assert!(!result.contains_key(ENTERPRISE));
}
