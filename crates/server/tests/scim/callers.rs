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
    assert_eq!(scim.stored("test.user@example.com").await["accountDisabled"], true);
    // Okta looks for the user before it creates one.
    let known = encoded("userName eq \"Test.User@example.com\"");
    let found = scim.get(&format!("/Users?filter={known}&startIndex=1&count=100")).await.json();
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)));

    let mut whole = user.clone();
    whole["name"]["familyName"] = "Changed".into();
    whole["active"] = true.into();
    let put = scim.call("PUT", &path, whole).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let user = scim.get(&path).await.json();
    assert_eq!(
        (&user["name"], &user["active"], &user["userName"]),
        (
            &json!({ "givenName": "Test", "familyName": "Changed" }),
            &json!(true),
            &json!("Test.User@example.com")
        )
    );
    let stored = scim.stored("test.user@example.com").await;
    assert_eq!((&stored["name"], &stored["accountDisabled"]), (&json!("Test User"), &json!(false)));

    let page = scim.get("/Users?startIndex=1&count=2").await.json();
    assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(1), &json!(2)));
    let total = page["totalResults"].as_u64().unwrap();
    let last = scim.get(&format!("/Users?startIndex={total}&count=100")).await.json();
    assert_eq!(last["Resources"].as_array().unwrap().len(), 1);
    let behind = scim.get(&format!("/Users?startIndex={}&count=100", total + 1)).await.json();
    assert_eq!((&behind["Resources"], &behind["totalResults"]), (&json!([]), &json!(total)));
}

#[tokio::test]
async fn entra_asks_whether_somebody_is_a_member() {
    let scim = Scim::start().await;
    let ann = scim.user(by_entra()).await;
    let bob = scim.user(json!({ "userName": "bob@example.com" })).await;
    let body = json!({ "displayName": "Sales", "members": [{ "value": ann }] });
    let id = scim.call("POST", "/Groups", body).await.json()["id"].as_str().unwrap().to_owned();
    for (user, is_member) in [(&ann, 1), (&bob, 0)] {
        for filter in [
            format!("id eq \"{id}\" and members eq \"{user}\""),
            format!("members[value eq \"{user}\"] and id eq \"{id}\""),
            format!("members.value eq \"{user}\""),
        ] {
            let path = format!("/Groups?excludedAttributes=members&filter={}", encoded(&filter));
            let found = scim.get(&path).await.json();
            assert_eq!(found["totalResults"], is_member, "{filter}");
        }
    }
}

#[tokio::test]
async fn entra_removes_what_a_user_no_longer_has() {
    let scim = Scim::start().await;
    let mut body = by_entra();
    body["title"] = "Head".into();
    body["phoneNumbers"] =
        json!([{ "type": "mobile", "value": "+44 1" }, { "type": "work", "value": "+44 2" }]);
    let path = format!("/Users/{}", scim.user(body).await);
    let user = scim
        .patch(
            &path,
            json!([
                { "op": "Remove", "path": "title" },
                { "op": "Remove", "path": "phoneNumbers[type eq \"mobile\"].value" },
                { "op": "Remove", "path": format!("{ENTERPRISE}:department") },
                { "op": "Remove", "path": "phoneNumbers[type eq \"fax\"].value" },
                { "op": "Replace", "path": "externalId", "value": "ann-2" },
            ]),
        )
        .await;
    assert_eq!((user.get("title"), &user["externalId"]), (None, &json!("ann-2")));
    assert_eq!(user["phoneNumbers"], json!([{ "type": "work", "value": "+44 2" }]));
    assert_eq!(user[ENTERPRISE], json!({ "manager": { "value": "M-1" } }));
    let administrator = scim.server.administrator();
    let attributes = json!([{ "emailAddress": "ann@example.com" }]);
    let attributes = administrator.call("/api/user/get-attributes", attributes).await.body;
    assert!(!attributes.contains("Head") && !attributes.contains("Sales"), "{attributes}");
}

#[tokio::test]
async fn unknown_parameters_of_a_query_change_nothing() {
    let scim = Scim::start().await;
    let id = scim.user(by_entra()).await;
    let plain = scim.get("/Users").await.json();
    for query in ["aadOptscim062020", "sortBy=userName&sortOrder=descending", "unknown=%FF&=&unknown"] {
        assert_eq!(scim.get(&format!("/Users?{query}")).await.json(), plain, "{query}");
        assert_eq!(scim.get(&format!("/Users/{id}?{query}")).await.json()["id"], id, "{query}");
    }
}

#[tokio::test]
async fn okta_pushes_groups() {
    let scim = Scim::start().await;
    let ann = scim.user(by_entra()).await;
    let bob = scim.user(json!({ "userName": "bob@example.com" })).await;
    let name = encoded("displayName eq \"Sales\"");
    let before = scim.get(&format!("/Groups?filter={name}&startIndex=1&count=100")).await.json();
    assert_eq!(before["totalResults"], 0);
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]);
    let members = json!([{ "value": ann, "display": "ann@example.com" }]);
    let body = json!({ "schemas": schemas, "displayName": "Sales", "members": members });
    let id = scim.call("POST", "/Groups", body).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{id}");

    let renamed = json!([{ "op": "replace", "value": { "id": id, "displayName": "Support" } }]);
    let group = scim.patch(&path, renamed).await;
    assert_eq!((&group["displayName"], &group["members"][0]["value"]), (&json!("Support"), &json!(ann)));
    let changed = json!([
        { "op": "remove", "path": format!("members[value eq \"{ann}\"]") },
        { "op": "add", "path": "members", "value": [{ "value": bob, "display": "bob@example.com" }] },
    ]);
    let values = |group: &Value| -> Vec<Value> {
        let members = group["members"].as_array().into_iter().flatten();
        members.map(|member| member["value"].clone()).collect()
    };
    assert_eq!(values(&scim.patch(&path, changed).await), [json!(bob)]);
    let all = json!([{ "op": "replace", "path": "members", "value": [{ "value": ann }, { "value": bob }] }]);
    assert_eq!(values(&scim.patch(&path, all).await).len(), 2);
    let whole =
        json!({ "schemas": schemas, "id": id, "displayName": "Support", "members": [{ "value": ann }] });
    let put = scim.call("PUT", &path, whole).await;
    assert_eq!((put.status, values(&put.json())), (200, vec![json!(ann)]), "{}", put.body);

    let administrator = scim.server.administrator();
    let found =
        administrator.call("/api/directory/find-groups", json!([{ "query": "Support" }])).await.json();
    let id = &found["data"][0]["folders"][0]["id"];
    let all = administrator.call("/api/directory/get-group-members", json!([{ "id": id }])).await.body;
    assert!(all.contains("ann@") || all.contains("Ann@"), "{all}");
    assert!(!all.contains("bob@"), "{all}");
}
