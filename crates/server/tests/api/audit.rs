//! The audit by the API.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{Response, TestServer};

use crate::user;

const PATH: &str = "/api/audit/get-audit-events";

fn targets(answer: &Response) -> Vec<String> {
    let rows = answer.json()["data"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["eventInfo"].as_str().unwrap().split(':').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_missing_fields_give_two_errors_in_one_answer() {
    let server = TestServer::start().await;
    let answer = server.administrator().call(PATH, json!([{}])).await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["err_validation_null".to_owned(); 2]));
    let fields: Vec<_> =
        answer.json()["fail"][0]["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["startDateTime", "endDateTime"]);
    let odd = json!([{"startDateTime": "yesterday", "endDateTime": "2026-11-24T00:00:00+0000"}]);
    assert_eq!(server.administrator().call(PATH, odd).await.codes(), ["err_validation_type"]);
    let turned =
        json!([{"startDateTime": "2026-11-25T00:00:00+0000", "endDateTime": "2026-11-24T00:00:00Z"}]);
    assert_eq!(server.administrator().call(PATH, turned).await.codes(), ["err_validation_value"]);
}

#[tokio::test]
async fn events_are_found_by_time_also_across_a_clock_that_was_set_back() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let at = |minute: i64| {
        (server.clock().now() + SignedDuration::from_mins(minute)).strftime("%Y-%m-%dT%H:%M:%S%z").to_string()
    };
    let create = async |name: &str| {
        assert_eq!(administrator.create(user(&format!("{name}@example.com"))).await.rows(), 1);
    };
    server.clock().advance(SignedDuration::from_hours(10));
    create("first").await;
    server.clock().advance(SignedDuration::from_mins(5));
    create("second").await;
    // Back by an hour, and on.
    server.clock().advance(SignedDuration::from_hours(-1));
    create("third").await;
    server.clock().advance(SignedDuration::from_hours(1));
    create("fourth").await;
    let between = async |from: i64, to: i64| {
        let answer =
            administrator.call(PATH, json!([{"startDateTime": at(from), "endDateTime": at(to)}])).await;
        targets(&answer)
    };
    assert_eq!(between(-5, 0).await, ["first@example.com", "second@example.com", "fourth@example.com"]);
    assert_eq!(between(-1, 0).await, ["second@example.com", "fourth@example.com"]);
    assert_eq!(between(-61, -30).await, ["third@example.com"]);
    assert_eq!(between(1, 2).await, Vec::<String>::new());
    let other = server
        .other_administrator()
        .call(PATH, json!([{"startDateTime": at(-700), "endDateTime": at(0)}]))
        .await;
    assert!(targets(&other).iter().all(|target| !target.ends_with("@example.com")), "{other}");
}

#[tokio::test]
async fn pages_follow_each_other_without_data() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let many: Vec<Value> = (0..25).map(|n| json!({"emailAddress": format!("u{n:02}@example.com")})).collect();
    administrator.call("/api/user/create-user", json!(many)).await;
    let item = json!({"startDateTime": "2026-11-24T00:00:00+0000", "endDateTime": "2026-11-25T00:00:00+0000", "query": "u"});
    let mut body = json!({"meta": {"pagination": {"pageSize": 10, "pageToken": ""}}, "data": [item]});
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = administrator.post(PATH, body.to_string()).await;
        seen.extend(targets(&page).into_iter().filter(|target| target.starts_with('u')));
        pages += 1;
        match page.json()["meta"]["pagination"].get("next").cloned() {
            Some(next) => body = json!({"meta": {"pagination": {"pageSize": 10, "pageToken": next}}}),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).map(|n| format!("u{n:02}@example.com")).collect::<Vec<_>>());
    assert!(pages >= 3);
    let forged = json!({"meta": {"pagination": {"pageToken": "forged"}}});
    assert_eq!(
        administrator.post(PATH, forged.to_string()).await.codes(),
        ["err_validation_invalid_page_token"]
    );
}

#[tokio::test]
async fn events_of_groups_name_them_by_description() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let make = async |path: &str, item: Value| {
        let answer = caller.call(&format!("/api/directory/{path}"), json!([item])).await;
        assert_eq!(answer.rows(), 1, "{path}: {answer}");
        answer.json()["data"][0]["id"].clone()
    };
    let sales = make("create-group", json!({"description": "Sales"})).await;
    let north = make("create-group", json!({"description": "North", "parentId": sales})).await;
    let port = make("create-group", json!({"description": "Port", "parentId": north})).await;
    make("add-group-member", json!({"id": port, "domain": "elsewhere.example"})).await;
    make("update-group", json!({"id": port, "description": "Harbour", "parentId": sales})).await;
    make("delete-group", json!({"id": port})).await;
    let item = json!([{"startDateTime": "2000-01-01T00:00:00Z", "endDateTime": "2100-01-01T00:00:00Z", "query": "group."}]);
    let answer = caller.call(PATH, item).await.json();
    let told: Vec<_> =
        answer["data"].as_array().unwrap().iter().map(|row| row["eventInfo"].clone()).collect();
    assert_eq!(
        told,
        [
            "Sales: at the top",
            "North: in Sales",
            "Port: in Sales / North",
            "Port: elsewhere.example, group in Sales / North",
            "Harbour: in Sales, before: Port",
            "Harbour: in Sales, with 1 members",
        ]
    );
}
