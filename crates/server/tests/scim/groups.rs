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

/// The seeded users, as members.
async fn seeded_members(scim: &Scim) -> Vec<Value> {
    let mut members = Vec::new();
    for start in [1, 1_001] {
        let filter = encoded("userName sw \"user0\"");
        let page = format!("/Users?startIndex={start}&count=1000&attributes=id&filter={filter}");
        let page = scim.get(&page).await.json();
        let ids = page["Resources"].as_array().unwrap().iter().map(|user| json!({ "value": user["id"] }));
        members.extend(ids);
    }
    members
}

#[tokio::test]
async fn members_of_a_large_group_come_and_go_without_the_others() {
    let scim = Scim::start().await;
    let admin = scim.server.admin();
    admin.seed(None, Some("example.com"), 1_100, &mut |_| {}).await.unwrap();
    let members = seeded_members(&scim).await;
    let ann =
        scim.user(json!({ "userName": "ann@example.com", "emails": [{ "value": "a@example.com" }] })).await;
    let bob = scim.user(json!({ "userName": "bob@example.com" })).await;
    let created = scim.call("POST", "/Groups", json!({ "displayName": "All", "members": members })).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{id}");
    let is_member = async |user: &str| {
        let filter = encoded(&format!("id eq \"{id}\" and members.value eq \"{user}\""));
        let path = format!("/Groups?filter={filter}&excludedAttributes=members");
        scim.get(&path).await.json()["totalResults"] == 1
    };
    let named = |id: &str| json!([{ "value": id }]);
    let gone = scim.user(json!({ "userName": "gone@example.com" })).await;
    scim.call("DELETE", &format!("/Users/{gone}"), Value::Null).await;
    let added = scim
        .call(
            "PATCH",
            &path,
            crate::patch(json!([
                { "op": "add", "path": "members", "value": named(&ann) },
                { "op": "add", "path": "members", "value": named(&bob) },
                { "op": "remove", "path": "members", "value": named(&bob) },
                { "op": "add", "path": "members", "value": named(&gone) },
            ])),
        )
        .await;
    assert_eq!((added.status, added.body.as_str()), (204, ""));
    assert!(added.header("x-matricula-ignored-fields").unwrap().contains("members"), "{}", added.body);
    assert!(is_member(&ann).await && !is_member(&bob).await);

    // A member by an alias is the user too.
    let remove = crate::patch(json!([{ "op": "Remove", "path": format!("members[value eq \"{ann}\"]") }]));
    assert_eq!(scim.call("PATCH", &path, remove).await.status, 204, "the filter names the id");
    let administrator = scim.server.administrator();
    let found = administrator.call("/api/directory/find-groups", json!([{ "query": "All" }])).await.json();
    let group = &found["data"][0]["folders"][0]["id"];
    let by_alias = json!([{ "id": group, "emailAddress": "a@example.com" }]);
    assert_eq!(administrator.call("/api/directory/add-group-member", by_alias).await.rows(), 1);
    assert!(is_member(&ann).await);
    let remove = crate::patch(json!([{ "op": "Remove", "path": "members", "value": named(&ann) }]));
    assert_eq!(scim.call("PATCH", &path, remove.clone()).await.status, 204);
    assert!(!is_member(&ann).await);
    assert_eq!(scim.call("PATCH", &path, remove).await.status, 204, "it is so already");

    // A version needs all members.
    let add = crate::patch(json!([{ "op": "add", "path": "members", "value": named(&bob) }]));
    let late = scim.call_with("PATCH", &path, add, &[("if-match", "W/\"old\"")]).await;
    assert_error(&late, 412, None, "another version");
    let group_in_group = crate::patch(json!([{ "op": "add", "path": "members", "value": named(&id) }]));
    let refused = scim.call("PATCH", &path, group_in_group).await;
    assert_error(&refused, 400, Some("invalidValue"), "groups in groups");
}
