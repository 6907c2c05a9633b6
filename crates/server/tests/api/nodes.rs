//! Several nodes on one database.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use testkit::client::{Application, Client, Login, NewUser};
use testkit::{PASSWORD, TestServer};
use wire::header::RequestId;

use crate::user;

const CONNECTIONS: usize = 64;

/// With SQLite, nodes wait for each other by looking again and again: fewer requests there.
fn requests(server: &TestServer) -> u32 {
    if server.is_shared() { 10_000 } else { 300 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_to_two_nodes_at_once_has_one_effect_and_one_answer() {
    let first = TestServer::start_with(|config| config.quota.enabled = false).await;
    let nodes = Arc::new([first.node().await, first.node().await, first]);
    let all = requests(&nodes[0]);
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|task| {
            let nodes = Arc::clone(&nodes);
            tokio::spawn(async move {
                let callers: Vec<_> = nodes.iter().map(TestServer::administrator).collect();
                let mut ids = Vec::new();
                for n in (task as u32..all).step_by(CONNECTIONS) {
                    let id = format!("{n:08x}-0000-4000-8000-000000000000");
                    let id = RequestId::parse(id.as_bytes()).unwrap();
                    let body = user(&format!("user{n}@example.com"));
                    let [one, other] = [0, 1].map(|of| &callers[(n as usize + of) % 3]);
                    let signed = one.sign_as("/api/user/create-user", &id);
                    let (one, other) = tokio::join!(
                        one.send("/api/user/create-user", &signed, body.clone()),
                        other.send("/api/user/create-user", &signed, body.clone()),
                    );
                    assert_eq!((one.status, one.rows()), (200, 1), "{one}");
                    assert_eq!(one.body, other.body, "one answer");
                    ids.push(one.json()["data"][0]["id"].as_str().unwrap().to_owned());
                }
                ids
            })
        })
        .collect();
    let mut ids = HashMap::new();
    for task in tasks {
        for id in task.await.unwrap() {
            *ids.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!((ids.len(), ids.values().max()), (all as usize, Some(&1)));
    assert_eq!(nodes[2].admin().count_users().await.unwrap(), u64::from(all) + testkit::SEEDED);
    assert!(nodes[0].admin().verify_audit().await.unwrap().iter().all(|chain| chain.broken.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_on_one_node_writes_on_no_other() {
    let here = TestServer::start().await;
    let there = here.node().await;
    let administrator = there.administrator();
    assert_eq!(administrator.create(user("a@example.com")).await.rows(), 1);
    here.admin().revoke_binding(&administrator.keys().access_key).await.unwrap();
    let late = administrator.create(user("b@example.com")).await;
    assert_eq!(late.status, 401, "though the other node still remembers the key: {late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pair_that_one_node_prolongs_works_on_the_others_at_once() {
    let here = TestServer::start().await;
    let there = here.node().await;
    let login = || Login { address: "admin@example.com".to_owned(), password: PASSWORD.to_owned().into() };
    let keys = Application::from(here.administrator().keys()).log_in(&login()).await.unwrap();
    let caller = there.caller(&keys);
    assert_eq!(caller.create(user("a@example.com")).await.rows(), 1);
    here.clock().advance(SignedDuration::from_hours(24 * 400));
    assert_eq!(caller.create(user("b@example.com")).await.status, 418);
    let clock = here.clock_handle();
    let client =
        Client::with_keys(&keys).clock(Arc::new(move || clock.now())).login(login()).build().unwrap();
    assert_eq!(client.create_users(&[NewUser::new("c@example.com")]).await.unwrap().data.len(), 1);
    assert_eq!(caller.create(user("d@example.com")).await.rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_on_all_nodes_count_together() {
    let first = TestServer::start().await;
    let nodes = [first.node().await, first.node().await];
    for n in 0..5 {
        let wrong = nodes[n % 2].log_in("admin@example.com", "a wrong guess").await;
        assert_eq!(wrong.status, 401);
    }
    for node in &nodes {
        assert_eq!(node.log_in("admin@example.com", PASSWORD).await.status, 401, "locked out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_holds_over_all_nodes_as_soon_as_they_have_told_each_other() {
    let here = TestServer::start_with(|config| config.quota.calls = 10).await;
    if !here.is_shared() {
        // One node has nobody to tell; what it counts alone is tested elsewhere.
        return;
    }
    let there = here.node().await;
    for _ in 0..6 {
        assert_eq!(here.administrator().call("/api/account/get-account", json!([])).await.status, 200);
    }
    here.share_quota().await;
    there.share_quota().await;
    let administrator = there.administrator();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(administrator.call("/api/account/get-account", json!([])).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    let other = there.partner().call("/api/account/get-account", json!([])).await;
    assert_eq!(other.status, 200, "another caller has its own");
}
