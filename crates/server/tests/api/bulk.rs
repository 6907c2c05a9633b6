//! Many items in a request: each succeeds or fails alone.

use serde_json::{Value, json};
use testkit::TestServer;

/// Position and item, and the code and field of its error.
type BadItem = (usize, Value, &'static str, &'static str);

fn bad_items() -> [BadItem; 10] {
    [
        (7, json!({ "name": "no address" }), "err_validation_null", "emailAddress"),
        (99, json!({ "emailAddress": " " }), "err_validation_blank", "emailAddress"),
        (
            100,
            json!({ "emailAddress": "no address" }),
            "err_validation_invalid_email_address",
            "emailAddress",
        ),
        (101, json!({ "emailAddress": "a@example.com", "name": 7 }), "err_validation_type", "name"),
        (
            102,
            json!({ "emailAddress": "a@example.com", "name": "n".repeat(300) }),
            "err_validation_length",
            "name",
        ),
        (
            500,
            json!({ "emailAddress": "a@example.com", "name": "\u{1}" }),
            "err_validation_characters",
            "name",
        ),
        (
            501,
            json!({ "emailAddress": "a@elsewhere.example" }),
            "err_xdk_operation_forbidden_for_address",
            "emailAddress",
        ),
        (600, json!({ "emailAddress": "taken@example.com" }), "err_user_already_exists", "emailAddress"),
        (
            998,
            json!({ "emailAddress": "a@example.com", "password": "CanaryShort" , "name": "x"}),
            "err_password_policy",
            "password",
        ),
        (
            999,
            json!({ "emailAddress": "a@example.com", "accountCode": "CNOBODY001" }),
            "err_account_not_permitted",
            "accountCode",
        ),
    ]
}

#[tokio::test]
async fn a_thousand_items_with_ten_bad_ones() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let taken = administrator.create(crate::user("taken@example.com")).await;
    assert_eq!(taken.rows(), 1);

    let mut items: Vec<Value> = (0..1_000)
        .map(|n| json!({ "emailAddress": format!("user{n}@example.com"), "name": format!("User {n}") }))
        .collect();
    let bad = bad_items();
    for (at, item, ..) in &bad {
        items[*at] = item.clone();
    }
    let answer = administrator.create(json!({ "data": items }).to_string()).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let created: Vec<_> =
        body["data"].as_array().unwrap().iter().map(|row| row["emailAddress"].as_str().unwrap()).collect();
    let good =
        (0..1_000).filter(|n| bad.iter().all(|(at, ..)| at != n)).map(|n| format!("user{n}@example.com"));
    assert_eq!(created, good.collect::<Vec<_>>(), "990 users, in the order of the request");

    assert_refused(&body["fail"], bad);
    assert!(!answer.body.contains("CanaryShort"), "no password in the answer");
    assert_eq!(server.admin().count_users().await.unwrap(), testkit::SEEDED + 1 + 990);

    let one_more: Vec<_> =
        (0..1_001).map(|n| json!({ "emailAddress": format!("more{n}@example.com") })).collect();
    let refused = administrator.create(json!({ "data": one_more }).to_string()).await;
    assert_eq!((refused.status, refused.codes()), (400, vec!["err_validation_item_count".to_owned()]));
    assert_eq!(
        server.admin().count_users().await.unwrap(),
        testkit::SEEDED + 1 + 990,
        "nothing of it was done"
    );
}

fn assert_refused(fail: &Value, bad: [BadItem; 10]) {
    let fail = fail.as_array().unwrap();
    assert_eq!(fail.len(), bad.len());
    for (entry, (at, item, code, field)) in fail.iter().zip(bad) {
        let mut key = item.as_object().unwrap().clone();
        key.remove("password");
        assert_eq!(entry["key"], Value::Object(key), "item {at}");
        let error = &entry["errors"][0];
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), Some(field)), "item {at}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert_eq!(error["retryable"], false);
    }
}
