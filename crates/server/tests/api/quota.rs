//! The quota, and its three headers on every answer.

use jiff::SignedDuration;
use testkit::TestServer;

use crate::user;

#[tokio::test]
async fn too_many_calls_are_refused_until_the_window_is_over() {
    let server = TestServer::start_with(|config| config.quota.calls = 2).await;
    let administrator = server.administrator();
    for left in ["1", "0"] {
        let answer = administrator.create(user(&format!("a{left}@example.com"))).await;
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left));
    }
    server.clock().advance(SignedDuration::from_millis(3_999));
    insta::assert_snapshot!(administrator.create(user("c@example.com")).await);
    let partner = server.partner().create(user("d@example.com")).await;
    assert_eq!((partner.status, partner.rows()), (200, 1), "another user has its own quota");
    server.clock().advance(SignedDuration::from_millis(1_001));
    assert_eq!(administrator.create(user("c@example.com")).await.rows(), 1);
}

#[tokio::test]
async fn nobody_can_use_up_the_quota_of_another() {
    let server = TestServer::start_with(|config| config.quota.calls = 2).await;
    let administrator = server.administrator();
    let signed = administrator.signed("/api/another/path");
    for _ in 0..3 {
        assert_eq!(
            administrator.send("/api/user/create-user", &signed, user("a@example.com")).await.status,
            401
        );
    }
    assert_eq!(administrator.create(user("a@example.com")).await.header("x-ratelimit-remaining"), Some("1"));
}

#[tokio::test]
async fn calls_that_go_nowhere_are_counted_too() {
    let server = TestServer::start_with(|config| config.quota.calls = 1).await;
    for _ in 0..7 {
        assert_eq!(server.get("/api/user/create-user").await.status, 405);
    }
    assert_eq!(server.get("/api/user/create-user").await.status, 429);
}

#[tokio::test]
async fn every_answer_has_the_three_headers() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let mut answers = vec![
        administrator.create(user("a@example.com")).await,
        administrator.create("no body").await,
        server.stranger().create(user("a@example.com")).await,
        server.expired_administrator().create(user("a@example.com")).await,
        server.administrator_without_permission().create(user("a@example.com")).await,
        administrator.post("/api/no/such/path", "").await,
    ];
    answers.push(server.get("/api/user/create-user").await);
    for answer in answers {
        for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            let value = answer.header(name).unwrap_or_else(|| panic!("{name} is missing: {answer}"));
            value.parse::<u32>().unwrap();
        }
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let json = answer.json();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["meta", "data", "fail"]);
    }
}

#[tokio::test]
async fn off_is_off() {
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    let answer = server.administrator().create(user("a@example.com")).await;
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("2147483647"));
}
