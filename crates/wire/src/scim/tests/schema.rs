use rstest::rstest;
use serde_json::json;

use super::super::{
    AttributePath, ENTERPRISE_USER_SCHEMA, GROUP, GROUP_SCHEMA, Mutability, Returned, ScimError, ScimType,
    USER, USER_SCHEMA, Uniqueness, is_json,
};

#[test]
fn attributes_have_their_characteristics() {
    let user_name = USER.attribute("USERNAME").unwrap();
    assert!(user_name.required && !user_name.case_exact && user_name.uniqueness == Uniqueness::Server);
    for name in ["id", "externalId"] {
        assert!(USER.attribute(name).unwrap().case_exact, "{name}");
    }
    for name in ["id", "meta", "groups", "schemas"] {
        assert_eq!(USER.attribute(name).unwrap().mutability, Mutability::ReadOnly, "{name}");
    }
    let password = USER.attribute("password").unwrap();
    assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
    assert_eq!(GROUP.attribute("members").unwrap().sub("$REF").unwrap().name, "$ref");
    assert!(ENTERPRISE_USER_SCHEMA.attribute("manager").unwrap().sub("displayName").is_some());
}

#[test]
fn representations_have_the_form_of_the_rfc() {
    let json = USER_SCHEMA.to_json("https://example.com/scim/v2");
    assert_eq!(json["id"], "urn:ietf:params:scim:schemas:core:2.0:User");
    assert_eq!(
        json["meta"]["location"],
        "https://example.com/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"
    );
    let emails = json["attributes"].as_array().unwrap().iter().find(|one| one["name"] == "emails").unwrap();
    assert_eq!(emails["multiValued"], true);
    assert_eq!(
        emails["subAttributes"][2],
        json!({
            "name": "type", "type": "string", "multiValued": false, "description": "Label of its use.",
            "required": false, "caseExact": false, "mutability": "readWrite", "returned": "default",
            "uniqueness": "none", "canonicalValues": ["work", "home", "other"],
        })
    );
    assert_eq!(GROUP_SCHEMA.to_json("")["attributes"][1]["subAttributes"][1]["referenceTypes"][1], "Group");
    let json = USER.to_json("https://example.com/scim/v2");
    assert_eq!(json["schemaExtensions"][0]["schema"], ENTERPRISE_USER_SCHEMA.id);
    assert_eq!(json["endpoint"], "/Users");
}

#[rstest]
#[case("USERNAME", "userName")]
#[case("name.GivenName", "name.givenName")]
#[case("urn:ietf:params:scim:schemas:core:2.0:User:Emails.Value", "emails.value")]
#[case("urn:ietf:params:scim:schemas:core:2.0:User:externalid", "externalId")]
#[case(
    "urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User:Manager.$ref",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref"
)]
fn a_path_is_found(#[case] text: &str, #[case] canonical: &str) {
    let path = AttributePath::parse(text, &USER).unwrap();
    assert_eq!(path.to_string(), canonical);
    assert_eq!(AttributePath::parse(canonical, &USER), Ok(path));
}

#[rstest]
#[case("", "unknown attribute \"\"")]
#[case("emial", "unknown attribute \"emial\"")]
#[case("emials", "did you mean emails?")]
#[case("name.first", "unknown sub-attribute \"first\" of name")]
#[case("name.givenNam", "did you mean givenName?")]
#[case("name.givenName.x", "unknown sub-attribute")]
#[case("department", "did you mean urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department?")]
#[case("urn:ietf:params:scim:schemas:core:2.0:User", "expected an attribute after the URN")]
#[case("urn:ietf:params:scim:schemas:core:2.0:User:", "unknown schema or attribute")]
#[case("urn:ietf:params:scim:schemas:core:2.0:Users:title", "unknown schema or attribute")]
#[case("urn:é", "unknown schema or attribute")]
fn an_unknown_path_is_explained(#[case] text: &str, #[case] detail: &str) {
    let error = AttributePath::parse(text, &USER).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidPath));
    assert!(error.detail.contains(detail), "{}", error.detail);
}

#[test]
fn an_error_has_the_form_of_the_rfc() {
    let error = ScimError::new(ScimType::Uniqueness, "In use.");
    assert_eq!(
        error.to_json(),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "scimType": "uniqueness", "detail": "In use.", "status": "409",
        })
    );
    assert_eq!(ScimError::with_status(404, "Not found.").to_json().get("scimType"), None);
}

#[rstest]
#[case("application/scim+json", true)]
#[case("Application/SCIM+JSON; charset=utf-8", true)]
#[case(" application/json ;charset=UTF-8", true)]
#[case("application/jsonp", false)]
#[case("text/json", false)]
#[case("", false)]
fn media_types(#[case] content_type: &str, #[case] expected: bool) {
    assert_eq!(is_json(content_type), expected);
}
