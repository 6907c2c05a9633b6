//! `/Bulk`.

use serde_json::{Value, json};

use crate::{Scim, assert_error};

fn bulk(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations })
}

fn new_user(bulk_id: &str, name: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": { "userName": name } })
}

fn statuses(response: &Value) -> Vec<&str> {
    response["Operations"].as_array().unwrap().iter().map(|done| done["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn operations_refer_to_each_other_in_any_order_and_fail_alone() {
    let scim = Scim::start().await;
    let answer = scim
        .call(
            "POST",
            "/Bulk",
            bulk(json!([
                { "method": "POST", "path": "/Groups", "bulkId": "g",
                  "data": { "displayName": "Sales", "members": [{ "value": "bulkId:a" }, { "value": "bulkId:b" }] } },
                new_user("a", "a@example.com"),
                new_user("b", "b@example.com"),
                new_user("c", "c@elsewhere.example"),
                { "method": "PATCH", "path": "/Users/bulkId:a",
                  "data": { "Operations": [{ "op": "add", "path": "title", "value": "Head" }] } },
                { "method": "POST", "path": "/Groups", "bulkId": "h",
                  "data": { "displayName": "Lost", "members": [{ "value": "bulkId:c" }] } },
                { "method": "POST", "path": "/Groups", "data": { "displayName": "Nobody", "members": [{ "value": "bulkId:zz" }] } },
                { "method": "DELETE", "path": "/Users/nobody" },
                { "method": "GET", "path": "/Users" },
            ])),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(statuses(&body), ["201", "201", "201", "400", "200", "409", "409", "404", "400"], "{body}");
    let operations = &body["Operations"];
    assert_eq!((&operations[0]["bulkId"], &operations[0]["method"]), (&json!("g"), &json!("POST")));
    assert!(operations[1]["location"].as_str().unwrap().contains("/scim/v2/Users/"), "{body}");
    assert_eq!(operations[3]["response"]["scimType"], "invalidValue");
    let group = operations[0]["location"].as_str().unwrap().split("/scim/v2").nth(1).unwrap();
    let members = scim.get(group).await.json()["members"].as_array().unwrap().len();
    assert_eq!(members, 2);
    let user = operations[1]["location"].as_str().unwrap().split("/scim/v2").nth(1).unwrap();
    assert_eq!(scim.get(user).await.json()["title"], "Head");
}

#[tokio::test]
async fn it_stops_after_as_many_errors_as_the_caller_says() {
    let scim = Scim::start().await;
    let mut request = bulk(json!([
        new_user("a", "a@elsewhere.example"),
        new_user("b", "b@example.com"),
        new_user("c", "c@elsewhere.example"),
        new_user("d", "d@example.com"),
    ]));
    request["failOnErrors"] = 2.into();
    let body = scim.call("POST", "/Bulk", request).await.json();
    assert_eq!(statuses(&body), ["400", "201", "400"], "{body}");
}

#[tokio::test]
async fn a_circle_of_references_and_too_many_operations_are_refused() {
    let scim = Scim::start().await;
    let body = scim
        .call(
            "POST",
            "/Bulk",
            bulk(json!([
                { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "G", "externalId": "bulkId:h" } },
                { "method": "POST", "path": "/Groups", "bulkId": "h", "data": { "displayName": "H", "externalId": "bulkId:g" } },
            ])),
        )
        .await
        .json();
    assert_eq!(statuses(&body), ["409", "409"], "{body}");
    let many: Vec<Value> = (0..1_001).map(|_| json!({ "method": "DELETE", "path": "/Users/x" })).collect();
    assert_error(&scim.call("POST", "/Bulk", bulk(many.into())).await, 413, Some("tooMany"), "1000");
    assert_error(
        &scim.call("POST", "/Bulk", bulk(json!({}))).await,
        400,
        Some("invalidSyntax"),
        "Operations",
    );
}

#[tokio::test]
async fn each_operation_needs_the_permission_of_its_route_and_runs_once() {
    let scim = Scim::start().await;
    let role = ["Directories | Groups | Edit".to_owned(), "Directories | Groups | Read".to_owned()];
    scim.server.admin().add_role(testkit::ACCOUNT, "Groups only", &role).await.unwrap();
    let weak = Scim::on(scim.server, "Groups only").await;
    let request = bulk(json!([
        new_user("a", "a@example.com"),
        { "method": "POST", "path": "/Groups", "data": { "displayName": "Sales" } },
    ]));
    let body = weak.call("POST", "/Bulk", request).await.json();
    assert_eq!(statuses(&body), ["403", "201"], "{body}");

    let scim = Scim::on(weak.server, "Full Administrator").await;
    let id = [("x-mc-req-id", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")];
    let users: Vec<Value> =
        (0..100).map(|n| new_user(&n.to_string(), &format!("u{n}@example.com"))).collect();
    let first = scim.call_with("POST", "/Bulk", bulk(users.clone().into()), &id).await.json();
    let second = scim.call_with("POST", "/Bulk", bulk(users.into()), &id).await.json();
    assert!(statuses(&first).iter().all(|status| *status == "201"), "{first}");
    assert_eq!(first, second);
}
