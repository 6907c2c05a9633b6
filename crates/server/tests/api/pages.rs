//! Lists of users, page by page.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{ACCOUNT, Response, TestCaller, TestServer};

use crate::user;

const PATH: &str = "/api/user/get-internal-users";

fn addresses(page: &Response) -> Vec<String> {
    let users = page.json()["data"][0]["users"].as_array().cloned().unwrap_or_default();
    users.iter().map(|user| user["emailAddress"].as_str().unwrap().to_owned()).collect()
}

/// Asks for a page; a follow-up page comes without `data`.
async fn page(caller: &TestCaller, size: usize, token: Option<&Value>, item: &Value) -> Response {
    let body = match token {
        Some(token) => json!({"meta": {"pagination": {"pageSize": size, "pageToken": token}}}),
        None => json!({"meta": {"pagination": {"pageSize": size}}, "data": [item]}),
    };
    caller.post(PATH, body.to_string()).await
}

fn token(page: &Response, name: &str) -> Option<Value> {
    page.json()["meta"]["pagination"].get(name).cloned()
}

/// Walks all pages in one direction.
async fn walk(caller: &TestCaller, size: usize, item: Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let page = page(caller, size, next.as_ref(), &item).await;
        assert_eq!((page.status, page.rows()), (200, 1), "{page}");
        all.extend(addresses(&page));
        next = token(&page, "next");
        if next.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn a_page_is_as_recorded_and_the_last_one_has_no_next() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator
        .call(
            "/api/user/update-alias",
            json!([{"aliasFor": "admin@example.com", "alias": "root@example.com"}]),
        )
        .await;
    let all = administrator.post(PATH, "").await;
    insta::assert_snapshot!(all.body);
    for body in [
        r#"{"data":[]}"#,
        r#"{"meta":{"pagination":{"pageSize":100,"pageToken":null}},"data":[{"domain":""}]}"#,
        "{'data': []}",
    ] {
        assert_eq!(administrator.post(PATH, body).await.body, all.body, "{body}");
    }
    let none = administrator.call(PATH, json!([{"domain": "other.example"}])).await;
    assert_eq!((addresses(&none).len(), none.json()["data"][0]["userCount"].clone()), (0, json!(0)));
    assert_eq!(
        administrator.call(PATH, json!([{"domain": "no domain"}])).await.codes(),
        ["err_validation_invalid_domain"]
    );
    let two = administrator.call(PATH, json!([{}, {}])).await;
    assert_eq!((two.status, two.codes()), (400, vec!["err_validation_item_count".to_owned()]));
    // A token is bound to the list and the account.
    let first = page(&administrator, 2, None, &json!({})).await;
    let next = token(&first, "next").unwrap();
    for (caller, path) in
        [(server.other_administrator(), PATH), (administrator, "/api/audit/get-audit-events")]
    {
        let body = json!({"meta": {"pagination": {"pageToken": next}}});
        assert_eq!(
            caller.post(path, body.to_string()).await.codes(),
            ["err_validation_invalid_page_token"],
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_go_forwards_and_back_through_all_domains() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for domain in ["example.com.au", "a.example"] {
        server.admin().add_domain(ACCOUNT, domain).await.unwrap();
        for name in ["z", "a", "m"] {
            administrator.create(user(&format!("{name}@{domain}"))).await;
        }
    }
    let expected = [
        "a@a.example",
        "abuse@a.example",
        "m@a.example",
        "postmaster@a.example",
        "z@a.example",
        "abuse@example.com",
        "admin@example.com",
        "partner@example.com",
        "plain@example.com",
        "postmaster@example.com",
        "reader@example.com",
        "a@example.com.au",
        "abuse@example.com.au",
        "m@example.com.au",
        "postmaster@example.com.au",
        "z@example.com.au",
    ];
    for size in 1..=17 {
        assert_eq!(walk(&administrator, size, json!({})).await, expected, "by {size}");
        let mut backwards = Vec::new();
        let mut at = page(&administrator, size, None, &json!({})).await;
        while let Some(next) = token(&at, "next") {
            at = page(&administrator, size, Some(&next), &json!({})).await;
        }
        loop {
            let mut rows = addresses(&at);
            rows.append(&mut backwards);
            backwards = rows;
            let Some(previous) = token(&at, "previous") else { break };
            at = page(&administrator, size, Some(&previous), &json!({})).await;
        }
        assert_eq!(backwards, expected, "back by {size}");
    }
    assert_eq!(walk(&administrator, 2, json!({"domain": "EXAMPLE.com.au"})).await, expected[11..]);
}

/// A client that reads a list while others write sees everybody who was there throughout, and nobody twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_users_are_walked_while_others_are_being_created() {
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    let administrator = server.administrator();
    server.admin().add_domain(ACCOUNT, "second.example").await.unwrap();
    let before: BTreeSet<String> = walk(&administrator, 500, json!({})).await.into_iter().collect();
    let mut there = before;
    for thousand in 0..100 {
        // In an order that is not that of the list.
        let users = (0..1_000).map(|n| {
            let number = (thousand * 1_000 + n) * 7_919 % 100_000;
            format!("u{number:05}@{}", if number % 3 == 0 { "second.example" } else { "example.com" })
        });
        let users: Vec<String> = users.collect();
        let items: Vec<_> = users.iter().map(|address| json!({"emailAddress": address})).collect();
        assert_eq!(administrator.call("/api/user/create-user", json!(items)).await.rows(), 1_000);
        there.extend(users);
    }
    let writer = tokio::spawn({
        let (writer, mut created) = (server.administrator(), 0);
        async move {
            loop {
                let items: Vec<_> = (0..20)
                    .map(|n| json!({"emailAddress": format!("u{:05}x{created}@example.com", (created * 20 + n) * 4_001 % 100_000)}))
                    .collect();
                created += writer.call("/api/user/create-user", json!(items)).await.rows();
            }
        }
    });
    let seen = walk(&administrator, 500, json!({})).await;
    writer.abort();
    let once: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "nobody is seen twice");
    let missed: Vec<_> = there.iter().filter(|address| !once.contains(address)).collect();
    assert!(missed.is_empty(), "{} are missed, such as {:?}", missed.len(), &missed[..3.min(missed.len())]);
    assert!(seen.len() > there.len(), "others were created meanwhile");
    let last = page(&administrator, 1, None, &json!({})).await;
    let total = last.json()["meta"]["pagination"]["totalCount"].as_u64().unwrap();
    assert_eq!(
        total,
        server.admin().count_users().await.unwrap() - 5,
        "but for the other account's administrator, and the users of two domains"
    );
}
