//! What Entra ID and Okta really send, a test for each form.

use serde_json::{Value, json};

use crate::{Scim, encoded};

/// A user as Entra ID creates it.
fn by_entra() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:acme:2.0:User"],
        "externalId": "ann",
        "userName": "Ann@example.com",
        "active": "True",
        "displayName": "Ann Lee",
        "emails": [{ "primary": true, "type": "work", "value": "Ann@example.com" }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Ann Lee", "familyName": "Lee", "givenName": "Ann" },
        "roles": [],
        "urn:ietf:params:scim:schemas:extension:acme:2.0:User": { "badge": 7 },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales", "manager": "M-1" },
    })
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn entra_creates_a_user_with_text_for_true_an_unknown_extension_and_a_manager_as_text() {
    let scim = Scim::start().await;
    let path = format!("/Users/{}", scim.user(by_entra()).await);
    let user = scim.get(&path).await.json();
    assert_eq!(user["active"], true);
    assert_eq!(user[ENTERPRISE]["manager"]["value"], "M-1");
    assert_eq!(
        (user.get("roles"), user.get("urn:ietf:params:scim:schemas:extension:acme:2.0:User")),
        (None, None)
    );
}

#[tokio::test]
async fn entra_tests_the_connection_with_a_look_up_of_nobody() {
    let scim = Scim::start().await;
    let filter = encoded("userName eq \"6f3c1a52-1b0e-4a3c-8a52-1b0e4a3c8a52\"");
    let found = scim.get(&format!("/Users?filter={filter}&aadOptscim062020=")).await;
    assert_eq!(found.status, 200);
    let found = found.json();
    assert_eq!((&found["totalResults"], &found["Resources"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn entra_looks_users_up_in_four_ways() {
    let scim = Scim::start().await;
    let id = scim.user(by_entra()).await;
    for filter in [
        "userName eq \"ann@example.com\"",
        "externalId eq \"ann\"",
        "emails[type eq \"work\"].value eq \"Ann@example.com\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:USERNAME Eq \"ANN@example.com\" and active eq \"True\"",
        "displayName eq \"Ann Lee\" and name.familyName eq \"lee\"",
    ] {
        let found = scim.get(&format!("/Users?filter={}", encoded(filter))).await.json();
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["id"]),
            (&json!(1), &json!(id)),
            "{filter}"
        );
    }
    for filter in [
        "externalId eq \"ANN\"",
        "emails[type eq \"home\"].value eq \"Ann@example.com\"",
        "userName eq \"ann@example.com\" and active eq false",
    ] {
        let found = scim.get(&format!("/Users?filter={}", encoded(filter))).await.json();
        assert_eq!(found["totalResults"], 0, "{filter}");
    }
}

#[tokio::test]
async fn entra_changes_users_with_capitals_paths_as_keys_and_texts_for_booleans() {
    let scim = Scim::start().await;
    let path = format!("/Users/{}", scim.user(by_entra()).await);
    let user = scim
        .patch(
            &path,
            json!([
                { "op": "Replace", "path": "displayName", "value": "Ann Ray" },
                { "op": "Add", "path": "emails[type eq \"home\"].value", "value": "ann@home.example" },
                { "op": "Replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "+44 2" },
                { "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "M-2" },
                { "op": "Replace", "value": { "name.givenName": "Anne", "name.familyName": "Ray", "active": "False",
                                              format!("{ENTERPRISE}:department"): "Support" } },
            ]),
        )
        .await;
    assert_eq!(user["displayName"], "Ann Ray");
    assert_eq!(user["name"], json!({ "formatted": "Ann Lee", "familyName": "Ray", "givenName": "Anne" }));
    assert_eq!(user["emails"].as_array().unwrap().len(), 2);
    assert_eq!(user["phoneNumbers"], json!([{ "type": "work", "value": "+44 2" }]));
    assert_eq!(user[ENTERPRISE], json!({ "department": "Support", "manager": { "value": "M-2" } }));
    assert_eq!(user["active"], false);
    let stored = scim.stored("ann@example.com").await;
    assert_eq!((&stored["name"], &stored["accountDisabled"]), (&json!("Ann Ray"), &json!(true)));

    let user = scim.patch(&path, json!([{ "op": "Remove", "path": format!("{ENTERPRISE}:manager") }])).await;
    assert_eq!(user[ENTERPRISE], json!({ "department": "Support" }));
}

#[tokio::test]
async fn entra_works_on_groups() {
    let scim = Scim::start().await;
    let ann = scim.user(by_entra()).await;
    let bob = scim.user(json!({ "userName": "bob@example.com" })).await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales", "externalId": "G-1", "members": [] });
    let created = scim.call("POST", "/Groups", body).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{id}");
    let found = scim
        .get(&format!("/Groups?excludedAttributes=members&filter={}", encoded("displayName eq \"sales\"")))
        .await
        .json();
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)));

    let group = scim.patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": ann }, { "value": bob }] }])).await;
    assert_eq!(group["members"].as_array().unwrap().len(), 2);
    for filter in [format!("id eq \"{id}\" and members eq \"{ann}\""), format!("members[value eq \"{ann}\"]")]
    {
        let found =
            scim.get(&format!("/Groups?excludedAttributes=members&filter={}", encoded(&filter))).await.json();
        assert_eq!(
            (&found["totalResults"], found["Resources"][0].get("members")),
            (&json!(1), None),
            "{filter}"
        );
    }
    assert_eq!(scim.get(&format!("/Users/{ann}")).await.json()["groups"][0]["display"], "Sales");

    // Only the named member goes.
    let group =
        scim.patch(&path, json!([{ "op": "Remove", "path": "members", "value": [{ "value": ann }] }])).await;
    assert_eq!(
        group["members"].as_array().unwrap().iter().map(|member| &member["value"]).collect::<Vec<_>>(),
        [&json!(bob)]
    );
    let group =
        scim.patch(&path, json!([{ "op": "Replace", "path": "displayName", "value": "Support" }])).await;
    assert_eq!(group["displayName"], "Support");
}

#[tokio::test]
async fn okta_replaces_without_path_puts_whole_users_and_imports_by_index() {
    let scim = Scim::start().await;
    let id = scim
        .user(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "Test.User@example.com",
            "name": { "givenName": "Test", "familyName": "User" },
            "emails": [{ "primary": true, "value": "test.user@example.com", "type": "work" }],
            "displayName": "Test User", "locale": "en-US", "externalId": "00u1", "groups": [], "active": true,
        }))
        .await;
    let path = format!("/Users/{id}");
    let user = scim.patch(&path, json!([{ "op": "replace", "value": { "id": id, "active": false } }])).await;
    assert_eq!((&user["active"], &user["locale"]), (&json!(false), &json!("en-US")));

    let mut whole = user.clone();
    whole["name"]["familyName"] = "Changed".into();
    whole["active"] = true.into();
    let put = scim.call("PUT", &path, whole).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let user = scim.get(&path).await.json();
    assert_eq!(
        (&user["name"]["familyName"], &user["active"], &user["userName"]),
        (&json!("Changed"), &json!(true), &json!("Test.User@example.com"))
    );

    let page = scim.get("/Users?startIndex=1&count=2").await.json();
    assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(1), &json!(2)));
    let total = page["totalResults"].as_u64().unwrap();
    let last = scim.get(&format!("/Users?startIndex={total}&count=100")).await.json();
    assert_eq!(last["Resources"].as_array().unwrap().len(), 1);
    let behind = scim.get(&format!("/Users?startIndex={}&count=100", total + 1)).await.json();
    assert_eq!((&behind["Resources"], &behind["totalResults"]), (&json!([]), &json!(total)));
}
