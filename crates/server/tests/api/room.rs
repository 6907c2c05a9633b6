//! Slow bodies, many bodies and large bodies: who sends them keeps nobody else out.

use std::net::Ipv4Addr;

use rstest::rstest;
use testkit::{Connection, TestServer};
use wire::create_user::PATH;

use crate::user;

/// Asks for leave to send a body. When this returns, the server waits for it, or the answer is there: gives its head.
async fn ask(connection: &mut Connection, path: &str, headers: &str, length: usize) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Expect: 100-continue\r\n");
    connection.send(&format!("{head}Content-Length: {length}\r\n\r\n")).await;
    connection.head().await
}

fn signed(server: &TestServer) -> String {
    let signed = server.administrator().signed(PATH);
    signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

const GO_ON: &str = "HTTP/1.1 100 Continue\r\n";

#[tokio::test]
async fn a_body_on_its_way_takes_nobody_s_place() {
    let server = TestServer::start_with(|config| config.limits.in_flight = 1).await;
    let mut slow = Vec::new();
    for n in 0..3 {
        let (body, mut connection) = (user(&format!("slow{n}@example.com")), server.connect().await);
        assert!(ask(&mut connection, PATH, &signed(&server), body.len()).await.starts_with(GO_ON));
        slow.push((body, connection));
    }
    assert_eq!(server.administrator().create(user("fast@example.com")).await.rows(), 1);
    for (body, mut connection) in slow {
        connection.send(&body).await;
        let (head, answer) = connection.answer().await;
        assert!(head.starts_with("HTTP/1.1 200 ") && answer.contains("slow"), "{head}{answer}");
    }
}

/// Who proved nothing: of 32 places four in all, and two of one address.
#[tokio::test]
async fn bodies_of_strangers_are_few_and_those_of_one_address_fewer() {
    let server = TestServer::start_with(|config| config.limits.in_flight = 32).await;
    let [here, there] = [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)];
    let mut waiting = Vec::new();
    let paths = ["/api/login/login", "/oauth/token", "/console/sign-in", "/api/user/change-password"];
    for (from, path) in [here, here, there, there].into_iter().zip(paths) {
        let mut connection = server.connect_from(from).await;
        assert!(ask(&mut connection, path, "", 100).await.starts_with(GO_ON), "{path} from {from}");
        waiting.push(connection);
        if waiting.len() == 2 {
            let head = ask(&mut server.connect_from(here).await, path, "", 100).await;
            assert!(head.starts_with("HTTP/1.1 503 "), "a third from one address: {head}");
        }
    }
    let mut elsewhere = server.connect_from(Ipv4Addr::new(127, 0, 0, 3)).await;
    let head = ask(&mut elsewhere, "/api/login/login", "", 100).await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 1\r\n"), "{head}");
    assert_eq!(server.administrator().create(user("a@example.com")).await.rows(), 1, "who is known gets in");
    assert_eq!(server.get("/readyz").await.status, 200);
    // One of them leaves, and another gets in.
    let mut first = waiting.remove(0);
    first.send(&" ".repeat(100)).await;
    first.answer().await;
    let head = ask(&mut server.connect_from(here).await, "/api/login/login", "", 100).await;
    assert!(head.starts_with(GO_ON), "{head}");
}

/// Before anybody is known, no more is read than a password takes, and a length that is too large is refused at once.
#[rstest]
#[case("/api/login/login")]
#[case("/api/login/discover-authentication")]
#[case("/api/user/change-password")]
#[case("/oauth/token")]
#[case("/console/sign-in")]
#[case("/console/sign-out")]
#[case("/console/password")]
#[tokio::test]
async fn no_more_than_16_kib_are_read_of_a_stranger(#[case] path: &str) {
    let server = TestServer::start().await;
    let most = 16 << 10;
    let head = ask(&mut server.connect().await, path, "", most + 1).await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    let mut connection = server.connect().await;
    assert!(ask(&mut connection, path, "", most).await.starts_with(GO_ON));
    connection.send(&" ".repeat(most)).await;
    let (head, answer) = connection.answer().await;
    assert!(!head.starts_with("HTTP/1.1 413 "), "{head}{answer}");
    // As long as it does not say how long it is.
    let mut connection = server.connect().await;
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", most + 1, " ".repeat(most + 1));
    connection
        .send(&format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"))
        .await;
    let (head, answer) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}{answer}");
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_anything_is_sent() {
    let server = TestServer::start_with(|config| config.limits.body_bytes = 1_000).await;
    let mut connection = server.connect().await;
    let head = ask(&mut connection, PATH, &signed(&server), 1_001).await;
    assert!(head.starts_with("HTTP/1.1 413 ") && head.contains("connection: close\r\n"), "{head}");
}

/// All bodies together: what one takes is given back with its answer.
#[tokio::test]
async fn room_for_bodies_is_given_back() {
    let change = |config: &mut server::Config| {
        (config.limits.body_bytes, config.limits.bodies_bytes) = (1_000, 1_000);
    };
    let server = TestServer::start_with(change).await;
    let mut body = user("a@example.com");
    body.push_str(&" ".repeat(1_000 - body.len()));
    for _ in 0..3 {
        assert_eq!(server.administrator().create(body.clone()).await.status, 200);
    }
    let mut refused = server.connect().await;
    refused.send(&format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{body}")).await;
    assert!(refused.answer().await.0.starts_with("HTTP/1.1 400 "));
    assert_eq!(server.administrator().create(body.clone()).await.status, 200);
}
