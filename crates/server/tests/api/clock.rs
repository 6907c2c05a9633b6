//! A clock that was far ahead and was set back: what was done is not done again.

use jiff::SignedDuration;
use testkit::TestServer;
use wire::create_user::PATH;

use crate::user;

const DAYS: SignedDuration = SignedDuration::from_hours(240);
const EXPIRED: &str = "err_xdk_request_expired";

#[tokio::test]
async fn an_old_signature_creates_nobody_again_after_the_clock_was_far_ahead() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let (old, ann) = (administrator.signed(PATH), user("ann@example.com"));
    assert_eq!(administrator.send(PATH, &old, ann.clone()).await.rows(), 1);
    let removed = serde_json::json!([{"emailAddress": "ann@example.com"}]);
    let removed = administrator.call("/api/user/delete-user", removed).await;
    assert_eq!(removed.status, 200, "{removed}");
    server.clock().advance(DAYS);
    let (ahead, later) = (administrator.signed(PATH), user("later@example.com"));
    let first = administrator.send(PATH, &ahead, later.clone()).await;
    assert_eq!(first.rows(), 1);
    // The server's own job may be first.
    assert!(server.server().forget_requests().await.unwrap() <= 2);
    server.clock().advance(-DAYS);
    let again = administrator.send(PATH, &old, ann.clone()).await;
    assert_eq!((again.status, again.codes()), (401, vec![EXPIRED.to_owned()]), "{again}");
    assert!(again.body.contains("The server's clock was ahead and has been set back."), "{again}");
    // Also by a server that was started since, or by another node.
    let server = server.restart().await;
    let administrator = server.administrator();
    let again = administrator.send(PATH, &old, ann.clone()).await;
    assert_eq!((again.status, again.codes()), (401, vec![EXPIRED.to_owned()]), "{again}");
    assert!(server.admin().user("ann@example.com").await.is_err(), "she stays removed");
    // What is signed when the dates of the forgotten ones are over is carried out, and forgotten in its time.
    server.clock().advance(SignedDuration::from_mins(16));
    assert_eq!(administrator.create(user("bob@example.com")).await.rows(), 1);
    server.clock().advance(SignedDuration::from_mins(31));
    assert_eq!(administrator.create(user("cid@example.com")).await.rows(), 1);
    assert!(server.server().forget_requests().await.unwrap() <= 1);
    // What was done while the clock was ahead gets its first answer when that time has come.
    server.clock().advance(DAYS - SignedDuration::from_mins(47));
    assert_eq!(administrator.send(PATH, &ahead, later).await.body, first.body);
}

#[tokio::test]
async fn a_clock_that_is_ahead_while_nobody_calls_has_nothing_forgotten() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let (signed, ann) = (administrator.signed(PATH), user("ann@example.com"));
    let first = administrator.send(PATH, &signed, ann.clone()).await;
    server.clock().advance(DAYS);
    assert_eq!(server.server().forget_requests().await.unwrap(), 0);
    server.clock().advance(-DAYS);
    assert_eq!(administrator.send(PATH, &signed, ann).await.body, first.body);
}
