//! Limits of connections, and the end of the server.

use tokio::io::AsyncWriteExt as _;

use crate::raw::{equal, search};
use crate::{Door, PASSWORD};

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let door = Door::start_with(|ldap| ldap.max_connections = 2).await;
    let (mut first, mut second) = (door.raw_service().await, door.raw_service().await);
    let mut third = door.raw().await;
    let told = third.response().await.unwrap();
    assert_eq!((told.tag, told.code()), (0x78, 51));
    assert!(third.response().await.is_none());
    // The others stay, and a place that was left is free.
    assert_eq!(first.ask(&search(2, &equal("uid", b"admin"), "1.1", &[])).await.1.code(), 0);
    second.send(&crate::raw::message(3, &[0x42, 0], &[])).await;
    assert!(second.response().await.is_none());
    let mut third = door.raw().await;
    assert_eq!(third.ask(&crate::raw::bind(1, "", b"")).await.1.code(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let door = Door::start_with(|ldap| ldap.idle_seconds = 1).await;
    let mut raw = door.raw_service().await;
    let told = raw.response().await.unwrap();
    assert_eq!((told.id, told.tag, told.code()), (0, 0x78, 52));
    assert!(raw.response().await.is_none());
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let door = Door::start_with(|ldap| ldap.answer_seconds = 1).await;
    let users: Vec<String> = (0..300).map(|n| format!("u{n}@example.com")).collect();
    let users: Vec<_> = users.iter().map(|address| (address.as_str(), "A name")).collect();
    door.create(&users).await;
    let mut raw = door.raw_service().await;
    let many = search(2, &[0xa0, 0], "*", &[]).repeat(1_000);
    // The system keeps some of what is sent, in both directions; then the connection ends, and a write fails.
    for _ in 0..10_000 {
        if raw.stream.write_all(&many).await.is_err() {
            return;
        }
    }
    panic!("the server went on answering a client that does not read");
}

#[tokio::test]
async fn the_end_of_the_server_is_told() {
    let mut door = Door::start().await;
    let mut raw = door.raw_service().await;
    door.server.stop().await;
    let told = raw.response().await.unwrap();
    assert_eq!((told.id, told.tag, told.code()), (0, 0x78, 52));
    assert!(told.has("stopping"));
    assert!(raw.response().await.is_none());
}

#[tokio::test]
async fn many_idle_connections_leave_room_for_others() {
    let door = Door::start().await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(door.raw().await);
    }
    let mut raw = door.raw_service().await;
    assert_eq!(raw.ask(&search(2, &equal("uid", b"admin"), "1.1", &[])).await.1.code(), 0);
    for raw in &mut idle {
        assert_eq!(raw.ask(&crate::raw::bind(1, "", b"")).await.1.code(), 0);
    }
}

#[tokio::test]
async fn operations_are_counted() {
    let mut settings = server::config::Ldap::on_free_port();
    settings.max_connections = 100;
    let server = testkit::TestServer::start_with(|config| {
        config.ldap = Some(settings);
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        config.metrics = Some(server::config::Metrics { listen, allow_remote: false });
    })
    .await;
    let door = Door::on(server).await;
    let mut raw = door.raw_service().await;
    assert_eq!(raw.ask(&search(2, &equal("uid", b"admin"), "1.1", &[])).await.1.code(), 0);
    let refused = raw.ask(&crate::raw::bind(3, "admin@example.com", PASSWORD.as_bytes())).await;
    assert_eq!(refused.1.code(), 49);
    let mut scrape = tokio::net::TcpStream::connect(door.server.metrics_address()).await.unwrap();
    scrape.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut scrape, &mut text).await.unwrap();
    for line in [
        "matricula_ldap_connections 1\n",
        "matricula_ldap_operations_total{operation=\"bind\",result=\"success\"} 1\n",
        "matricula_ldap_operations_total{operation=\"bind\",result=\"invalidCredentials\"} 1\n",
        "matricula_ldap_operations_total{operation=\"search\",result=\"success\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}
