//! Sign-in, sessions and their end.

use jiff::SignedDuration;
use testkit::{PASSWORD, TestServer};

use crate::{ADMINISTRATOR, administrator, location, path};

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn signing_in_needs_the_password_and_a_role() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    let shut = browser.get(&path("/users?domain=example.com")).await;
    assert_eq!(
        location(&shut),
        "/console/sign-in?next=%2Fconsole%2FCTEST00001%2Fusers%3Fdomain%3Dexample.com"
    );
    for (address, password) in
        [(ADMINISTRATOR, "wrong"), ("nobody@example.com", PASSWORD), ("", ""), ("x", "y")]
    {
        let refused = browser.sign_in(address, password).await;
        assert_eq!(refused.status, 422);
        assert!(
            refused.body.contains("The address or the password is wrong, or the user is locked."),
            "{refused}"
        );
        assert!(refused.header("set-cookie").is_none());
    }
    let refused = browser.sign_in("plain@example.com", PASSWORD).await;
    assert!(refused.body.contains("this user has no administrator role"), "{refused}");
    assert!(browser.cookie.is_none());
    // The password is right, so the user can change it here.
    let new = "Staple 4 horses, correctly";
    let fields = [("address", "plain@example.com"), ("password", PASSWORD), ("new", new), ("again", new)];
    let changed = browser.send("/console/password", &fields).await;
    assert!(changed.body.contains("Your password has been changed"), "{changed}");
    assert_eq!(server.log_in("plain@example.com", new).await.rows(), 1);
}

#[tokio::test]
async fn a_lockout_counts_attempts_at_console_and_api() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    for _ in 0..3 {
        browser.sign_in("reader@example.com", "wrong").await;
    }
    for _ in 0..2 {
        server.log_in("reader@example.com", "wrong").await;
    }
    assert_eq!(browser.sign_in("reader@example.com", PASSWORD).await.status, 422);
    assert_eq!(server.log_in("reader@example.com", PASSWORD).await.status, 401);
    server.clock().advance(minutes(16));
    assert_eq!(browser.sign_in("reader@example.com", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_session_ends_when_idle_and_after_twelve_hours() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    for _ in 0..(12 * 60 / 25) {
        assert_eq!(browser.get(&path("")).await.status, 200);
        server.clock().advance(minutes(25));
    }
    assert_eq!(browser.get(&path("")).await.status, 200);
    server.clock().advance(minutes(25));
    assert_eq!(browser.get(&path("")).await.status, 303, "twelve hours are over");
    let mut browser = administrator(&server).await;
    server.clock().advance(minutes(30));
    assert_eq!(browser.get(&path("")).await.status, 303, "half an hour without a visit");
}

#[tokio::test]
async fn a_session_ends_when_its_user_loses_access() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for what in ["sign out", "disable", "role", "password"] {
        let mut browser = server.signed_in("reader@example.com", PASSWORD).await;
        assert_eq!(browser.get(&path("/users")).await.status, 200);
        match what {
            "sign out" => {
                let left = browser.cookie.clone();
                let answer = browser.post("/console/sign-out", &[]).await;
                assert_eq!(location(&answer), "/console/sign-in?after=sign-out");
                assert!(browser.cookie.is_none());
                // A copy of the cookie is worthless after the sign-out.
                browser.cookie = left;
            }
            "disable" => admin.disable_user("reader@example.com").await.unwrap(),
            "role" => admin.set_role("reader@example.com", None).await.unwrap(),
            _ => {
                let new = "Staple 4 horses, correctly".to_owned().into();
                admin.set_password("reader@example.com", &new, &server.hasher()).await.unwrap();
            }
        }
        assert_eq!(browser.get(&path("/users")).await.status, 303, "{what}");
        admin.enable_user("reader@example.com").await.unwrap();
        server.promote("reader@example.com", "Basic Administrator").await;
    }
}

#[tokio::test]
async fn each_sign_in_creates_a_new_session() {
    let server = TestServer::start().await;
    // A planted cookie is not adopted.
    let mut browser = server.browser();
    let planted = format!("__Host-matricula={}", "A".repeat(43));
    browser.cookie = Some(planted.clone());
    browser.sign_in(ADMINISTRATOR, PASSWORD).await;
    assert_ne!(browser.cookie, Some(planted));
    let first = browser.cookie.clone();
    browser.sign_in(ADMINISTRATOR, PASSWORD).await;
    assert_ne!(browser.cookie, first);
    // The previous session has ended.
    browser.cookie = first;
    assert_eq!(browser.get(&path("")).await.status, 303);
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_no_script() {
    let server = TestServer::start().await;
    let answer = server.browser().sign_in(ADMINISTRATOR, PASSWORD).await;
    let cookie = answer.header("set-cookie").unwrap();
    let (value, attributes) = cookie.split_once(';').unwrap();
    assert!(value.starts_with("__Host-matricula="), "{cookie}");
    assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn signing_in_leads_only_into_the_console() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    for (next, leads) in [
        ("/console/CTEST00001/users?domain=x", "/console/CTEST00001/users?domain=x"),
        ("https://evil.example/", "/console"),
        ("//evil.example/", "/console"),
    ] {
        let fields = [("address", ADMINISTRATOR), ("password", PASSWORD), ("next", next)];
        assert_eq!(location(&browser.send("/console/sign-in", &fields).await), leads);
    }
}

#[tokio::test]
async fn signing_in_and_out_is_audited() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    browser.post("/console/sign-out", &[]).await;
    let events = server.admin().audit().await.unwrap();
    let told: Vec<_> =
        events.iter().rev().take(2).map(|event| (event.action.as_str(), event.detail.as_str())).collect();
    assert_eq!(told, [("user.signed_out", ""), ("user.logged_in", "console")]);
}
