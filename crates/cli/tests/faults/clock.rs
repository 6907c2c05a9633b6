//! A clock that jumps back, under load.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::Clock;
use jiff::SignedDuration;
use testkit::{SEEDED, TestServer};

use crate::check::Check;
use crate::load::{Load, Outcome, PATH};
use crate::table::{Row, stopwatch};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A clock that server and clients share.
fn shared_clock(server: &TestServer) -> Clock {
    let clock = server.clock_handle();
    Arc::new(move || clock.now())
}

/// Users of the administrator's account. One administrator and the users of two domains belong to other accounts.
const THERE: usize = SEEDED as usize - 1 - 2 * 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_back_an_hour_duplicates_no_user() {
    let mut row = Row::new("clock an hour back");
    for _ in 0..crate::rounds(2) {
        // Large enough that the dates of requests before the jump stay valid, so that only remembered requests protect.
        let server = TestServer::start_with(|config| {
            config.quota.enabled = false;
            config.freshness_seconds = 2 * 3_600;
        })
        .await;
        let (clock, client) = (shared_clock(&server), server.administrator().client().clone());
        let load = Load::start(&client, &clock, "u");
        load.wait_for_acknowledged(50).await;
        server.clock().advance(-HOUR);
        let started = stopwatch();
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        load.wait_for_acknowledged(50).await;
        let sent = load.finish().await;
        assert!(sent.iter().all(|sent| matches!(sent.outcome, Outcome::Acknowledged(_))));
        let check = Check { address: server.address(), client: &client, clock: &clock, seeded: THERE };
        row.add(check.check_acknowledged(&sent, &mut BTreeMap::new()).await, again);
        verify_audit(&server).await;
    }
    row.finish();
}

async fn verify_audit(server: &TestServer) {
    let reports = server.admin().verify_audit().await.unwrap();
    assert!(reports.iter().all(|report| report.broken.is_none()), "{reports:?}");
}

/// With production's window, requests signed before the jump are refused as from the future. Later requests are
/// accepted.
#[tokio::test]
async fn requests_from_before_a_jump_back_are_refused_and_later_ones_accepted() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let before = administrator.signed(PATH);
    let body = r#"{"data":[{"emailAddress":"a@example.com"}]}"#;
    let first = administrator.send(PATH, &before, body).await;
    assert_eq!(first.rows(), 1);
    server.clock().advance(-HOUR);
    let again = administrator.send(PATH, &before, body).await;
    assert_eq!((again.status, again.codes()), (401, vec!["err_xdk_request_expired".to_owned()]));
    let again = administrator.create(body).await;
    assert_eq!(again.codes(), ["err_user_already_exists"], "the user is there once");
    assert_eq!(administrator.create(r#"{"data":[{"emailAddress":"b@example.com"}]}"#).await.rows(), 1);
    // When the clock is right again, the first response is still remembered.
    server.clock().advance(HOUR);
    assert_eq!(administrator.send(PATH, &before, body).await.body, first.body);
    verify_audit(&server).await;
}

/// Keys do not expire earlier. A token created an hour ahead of the clock would live an hour longer, so it is refused.
#[tokio::test]
async fn keys_survive_a_jump_back_and_tokens_from_before_do_not() {
    let server = TestServer::start().await;
    let application = server.application("Super Administrator", &["userandgroupmanagement"]).await;
    let token = server.token(&application).await;
    let caller = server.logged_in(&server.log_in("admin@example.com", testkit::PASSWORD).await);
    let users = "/user/cloud-gateway/v1/users";
    server.clock().advance(-HOUR);
    assert_eq!(server.get_as(&token, users).await.status, 401);
    assert_eq!(caller.post("/api/user/get-profile", "{}").await.rows(), 1);
    let newer = server.token(&application).await;
    assert_eq!(server.get_as(&newer, users).await.status, 200);
    // Wrong passwords are counted, and locks expire, by the new time.
    for _ in 0..5 {
        server.log_in("reader@example.com", "wrong").await;
    }
    assert_eq!(server.log_in("reader@example.com", testkit::PASSWORD).await.status, 401);
    server.clock().advance(SignedDuration::from_mins(16));
    assert_eq!(server.log_in("reader@example.com", testkit::PASSWORD).await.status, 200);
    server.clock().advance(HOUR);
    assert_eq!(server.get_as(&newer, users).await.status, 401, "past its life");
    verify_audit(&server).await;
}
