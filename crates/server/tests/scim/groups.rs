//! Groups: only users show, the rest survives.

use serde_json::{Value, json};

use crate::{Scim, assert_error, encoded};

#[tokio::test]
async fn outside_members_and_domains_survive_every_put() {
    let scim = Scim::start().await;
    let ann = scim.user(json!({ "userName": "ann@example.com", "displayName": "Ann" })).await;
    let bob = scim.user(json!({ "userName": "bob@example.com" })).await;
    let created =
        scim.call("POST", "/Groups", json!({ "displayName": "Sales", "members": [{ "value": ann }] })).await;
    let path = format!("/Groups/{}", created.json()["id"].as_str().unwrap());
    assert_eq!(created.json()["members"][0]["type"], "User");

    let administrator = scim.server.administrator();
    let found = administrator.call("/api/directory/find-groups", json!([{ "query": "Sales" }])).await.json();
    let id = found["data"][0]["folders"][0]["id"].clone();
    for member in [
        json!({ "id": id, "emailAddress": "x@elsewhere.example" }),
        json!({ "id": id, "domain": "partner.example" }),
    ] {
        let added = administrator.call("/api/directory/add-group-member", json!([member])).await;
        assert_eq!(added.rows(), 1, "{}", added.body);
    }
    let put = scim.call("PUT", &path, json!({ "displayName": "Sales", "members": [{ "value": bob }] })).await;
    assert_eq!(put.json()["members"].as_array().unwrap().len(), 1, "{}", put.body);
    assert_eq!(put.json()["members"][0]["value"], bob);
    let all = administrator.call("/api/directory/get-group-members", json!([{ "id": id }])).await.body;
    assert!(
        all.contains("x@elsewhere.example") && all.contains("partner.example") && all.contains("bob@"),
        "{all}"
    );
    assert!(!all.contains("ann@"), "{all}");
}

#[tokio::test]
async fn a_name_is_unique_in_the_account_and_a_member_is_a_user() {
    let scim = Scim::start().await;
    let administrator = scim.server.administrator();
    let created =
        administrator.call("/api/directory/create-group", json!([{ "description": "Upper" }])).await.json();
    let upper = &created["data"][0]["id"];
    let lower = administrator
        .call("/api/directory/create-group", json!([{ "description": "Lower", "parentId": upper }]))
        .await;
    assert_eq!(lower.rows(), 1, "{}", lower.body);
    let twice = scim.call("POST", "/Groups", json!({ "displayName": "LOWER" })).await;
    assert_error(&twice, 409, Some("uniqueness"), "displayName");
    let group = scim.call("POST", "/Groups", json!({ "displayName": "Third" })).await.json();
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let rename = scim
        .call(
            "PATCH",
            &path,
            crate::patch(json!([{ "op": "replace", "path": "displayName", "value": "lower" }])),
        )
        .await;
    assert_error(&rename, 409, Some("uniqueness"), "displayName");
    let add = |member: &str| {
        crate::patch(json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]))
    };
    let nested = scim.call("PATCH", &path, add(group["id"].as_str().unwrap())).await;
    assert_error(&nested, 400, Some("invalidValue"), "groups in groups");
    // A user who was deleted meanwhile is no reason to refuse the others; the response names it.
    let gone = scim.user(json!({ "userName": "gone@example.com" })).await;
    assert_eq!(scim.call("DELETE", &format!("/Users/{gone}"), Value::Null).await.status, 204);
    for member in ["nobody", gone.as_str()] {
        let ignored = scim.call("PATCH", &path, add(member)).await;
        assert_eq!((ignored.status, ignored.json().get("members")), (200, None), "{}", ignored.body);
        assert!(ignored.header("x-matricula-ignored-fields").unwrap().contains(member));
    }
    assert!(group["meta"]["created"].is_string());
    let found = scim.get(&format!("/Groups?filter={}", encoded("displayName sw \"l\""))).await.json();
    assert_eq!(found["totalResults"], 1);
    assert_eq!(scim.call("DELETE", &path, Value::Null).await.status, 204);
    assert_error(&scim.get(&path).await, 404, None, "not found");
}
