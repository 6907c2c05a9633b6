//! Stubs by design: what shipped integrations call to test a connection, answered honestly by a directory that has no
//! managed URLs, no other directory and no notices.

use serde_json::{Value, json};
use server::Endpoint;
use testkit::{Response, TestServer};

const URLS: &str = "/api/ttp/url/get-all-managed-urls";
const CATEGORIES: &str = "/api/audit/get-categories";
const EVENTS: &str = "/api/audit/get-audit-events";

fn stubs() -> impl Iterator<Item = &'static Endpoint> {
    server::endpoints().filter(|endpoint| endpoint.is_stub())
}

/// The documented envelope, and nothing else.
const NOTHING: &str = r#"{"meta":{"status":200},"data":[],"fail":[]}"#;

#[tokio::test]
async fn a_stub_answers_signed_and_token_callers_with_an_empty_list() {
    let server = TestServer::start().await;
    let application = server.application("Super Administrator", &server::admin::products()).await;
    let token = server.token(&application).await;
    let paths: Vec<_> = stubs().map(|endpoint| endpoint.path).collect();
    assert_eq!(
        paths,
        [
            "/api/account/get-dashboard-notifications",
            "/api/directory/execute-sync",
            "/api/directory/get-connection",
            URLS
        ]
    );
    let events = server.events_since(&[]).await;
    for path in paths {
        // As clients send it: with an empty list, as an empty object, printed by Python, without a body.
        for body in [r#"{"data":[]}"#, "{}", "{'data': []}", r#"{"meta":{},"data":[{}]}"#, ""] {
            let signed = server.administrator().post(path, body).await;
            let by_token = server.post_as(&token, path, body).await;
            assert_eq!((signed.status, signed.body.as_str()), (200, NOTHING), "{path} {body}: {signed}");
            assert_eq!(
                (by_token.status, by_token.body.as_str()),
                (200, NOTHING),
                "{path} {body}: {by_token}"
            );
        }
    }
    assert_eq!(server.events_since(&events).await.len(), 0, "a stub changes nothing");
}

#[tokio::test]
async fn the_test_button_of_an_integration_is_answered_as_by_the_service() {
    let server = TestServer::start().await;
    insta::assert_snapshot!(server.administrator().post(URLS, r#"{"data":[]}"#).await);
}

#[tokio::test]
async fn managed_urls_have_pages_only_if_asked() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let ask = async |body: Value| administrator.post(URLS, body.to_string()).await;
    let paged = ask(json!({"meta": {"pagination": {"pageSize": 100}}, "data": []})).await;
    assert_eq!(
        paged.body,
        r#"{"meta":{"status":200,"pagination":{"pageSize":0,"totalCount":0}},"data":[],"fail":[]}"#
    );
    let filtered = ask(json!({"data": [{"domainOrUrl": "example.com", "exactMatch": "false"}]})).await;
    assert_eq!(filtered.body, NOTHING);
    let invented = ask(json!({"meta": {"pagination": {"pageSize": 5, "pageToken": "x"}}})).await;
    assert_eq!(invented.codes(), ["err_validation_invalid_page_token"]);
    let odd = ask(json!({"data": [{"exactMatch": 7}]})).await;
    assert_eq!((odd.codes(), odd.rows()), (vec!["err_validation_type".to_owned()], 0));
    let two = ask(json!({"data": [{}, {}]})).await;
    assert_eq!((two.status, two.codes()), (400, vec!["err_validation_item_count".to_owned()]));
}

#[tokio::test]
async fn an_application_of_another_product_is_told_so() {
    let server = TestServer::start().await;
    let application = server.application("Super Administrator", &["rolemanagement"]).await;
    let token = server.token(&application).await;
    for path in stubs().map(|endpoint| endpoint.path).chain([CATEGORIES]) {
        let refused = server.post_as(&token, path, "{}").await;
        // The connection test of integrations: their applications have all kinds of products.
        if path == "/api/ttp/url/get-all-managed-urls" {
            assert_eq!(refused.body, NOTHING);
            continue;
        }
        assert_eq!((refused.status, refused.codes()), (403, vec!["app_forbidden".to_owned()]), "{refused}");
    }
}

fn categories(answer: &Response) -> Vec<String> {
    let all = answer.json()["data"][0]["categories"].as_array().cloned().unwrap_or_default();
    all.iter().map(|category| category["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_categories_are_those_of_the_events_and_select_them() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let answer = administrator.post(CATEGORIES, "{}").await;
    insta::assert_snapshot!(answer.body);
    let known = categories(&answer);
    administrator.create(crate::user("ann@example.com")).await;
    let period =
        json!({"startDateTime": "2026-01-01T00:00:00+0000", "endDateTime": "2027-12-31T00:00:00+0000"});
    let of = async |categories: Value| {
        let mut item = period.clone();
        item["categories"] = categories;
        let events = administrator.call(EVENTS, json!([item])).await;
        let rows = events.json()["data"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["category"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = of(Value::Null).await;
    assert!(all.len() > 1 && all.iter().all(|category| known.contains(category)), "{all:?}");
    assert_eq!(of(json!([])).await, all);
    let users = of(json!(["User"])).await;
    assert!(
        !users.is_empty() && users.len() < all.len() && users.iter().all(|one| one == "user"),
        "{users:?}"
    );
    assert_eq!(of(json!(["policy_logs"])).await, Vec::<String>::new(), "a category of the service");

    // A later page needs nothing else.
    let mut item = period.clone();
    item["categories"] = json!(["user"]);
    let first = json!({"meta": {"pagination": {"pageSize": 1}}, "data": [item]});
    let mut next = administrator.post(EVENTS, first.to_string()).await;
    let mut seen = next.rows();
    while let Some(token) = next.json()["meta"]["pagination"]["next"].as_str() {
        let page = json!({"meta": {"pagination": {"pageSize": 1, "pageToken": token}}});
        next = administrator.post(EVENTS, page.to_string()).await;
        seen += next.rows();
    }
    assert_eq!(seen, users.len());
}
