//! What is known of the use of key pairs, for as long as there are any.

use directory::port::Usage;
use jiff::SignedDuration;
use testkit::{TestCaller, TestServer};

use crate::user;

const CREATE: &str = "/api/user/create-user";

async fn credential(server: &TestServer, caller: &TestCaller) -> [u8; 16] {
    let bindings = server.admin().bindings(None).await.unwrap();
    let own = bindings.into_iter().find(|row| row.access_key.as_str() == caller.keys().access_key);
    *own.unwrap().id.as_bytes()
}

async fn usage(server: &TestServer, caller: &TestCaller) -> Option<Usage> {
    let credential = credential(server, caller).await;
    server.server().usage_of(&[credential]).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_key_pair_knows_when_and_by_whom_it_was_used() {
    let mut server = TestServer::start().await;
    let (administrator, expired) = (server.administrator(), server.expired_administrator());
    assert_eq!(usage(&server, &administrator).await, None);
    server.create_by(&administrator, "one/1.0", &user("ann@example.com")).await;
    server.clock().advance(SignedDuration::from_secs(30));
    let refused_at = server.clock().now();
    server.create_by(&administrator, "two/2.0", "no body").await;
    let found = usage(&server, &administrator).await.unwrap();
    assert_eq!((found.requests, found.refused, found.user_agent.as_str()), (2, 1, "two/2.0"));
    assert_eq!((found.last_used_at, found.peer.is_loopback()), (refused_at, true));
    assert_eq!(found.last_refusal, Some(("err_deserialise".to_owned(), refused_at)));

    // A signature that does not hold says nothing of the key; one that holds does, also when it is of no use.
    administrator.send(CREATE, &administrator.signed("/api/another"), "").await;
    assert_eq!(usage(&server, &administrator).await, Some(found.clone()));
    server.create_by(&expired, "old/0.1", "").await;
    let of_expired = usage(&server, &expired).await.unwrap();
    assert_eq!(of_expired.last_refusal.unwrap().0, "err_xdk_binding_expired");

    // What was gathered is noted when the server stops, and added up over its starts.
    server.create_by(&administrator, "three/3.0", &user("bob@example.com")).await;
    server.stop().await;
    let server = server.node().await;
    let found = usage(&server, &administrator).await.unwrap();
    assert_eq!((found.requests, found.refused, found.user_agent.as_str()), (3, 1, "three/3.0"));
}

#[tokio::test]
async fn it_goes_with_the_user() {
    let server = TestServer::start().await;
    let reader = server.administrator_without_permission();
    server.create_by(&reader, "one/1.0", "").await;
    let credential = credential(&server, &reader).await;
    assert!(server.server().usage_of(&[credential]).await.unwrap()[0].is_some());
    let gone = serde_json::json!([{ "emailAddress": "reader@example.com" }]);
    let answer = server.administrator().call("/api/user/delete-user", gone).await;
    assert_eq!(answer.codes(), [""; 0], "{answer}");
    assert_eq!(server.server().usage_of(&[credential]).await.unwrap(), [None]);
}
