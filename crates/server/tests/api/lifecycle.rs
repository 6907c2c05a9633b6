//! Time limits, overload, and an end that loses nothing.

use testkit::TestServer;
use wire::create_user::PATH;

use crate::{item, user};

/// A signed request up to the end of its headers, announcing a body.
fn head(server: &TestServer, length: usize) -> String {
    let signed = server.administrator().signed(PATH);
    let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Sends a request up to its body; when this returns, the server waits for that.
async fn under_way(server: &TestServer, length: usize) -> testkit::Connection {
    let mut connection = server.connect().await;
    connection.send(&head(server, length)).await;
    assert!(connection.head().await.starts_with("HTTP/1.1 100 "));
    connection
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = TestServer::start_with(|config| config.limits.body_seconds = 1).await;
    let mut connection = under_way(&server, 100).await;
    connection.send("{\"data\":[").await;
    let (head, body) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 408 ") && body.contains("err_xdk_request_timeout"), "{head}{body}");
}

#[tokio::test]
async fn headers_that_do_not_come_are_not_waited_for() {
    let server = TestServer::start_with(|config| config.limits.header_seconds = 1).await;
    let mut connection = server.connect().await;
    connection.send("POST /api/user/create-user HTTP/1.1\r\nHost:").await;
    // Ends when the server closes the connection; were it never to, this test would not end.
    connection.closed().await;
}

#[tokio::test]
async fn a_request_as_a_whole_has_a_limit_too() {
    let server = TestServer::start_with(|config| config.limits.request_seconds = 1).await;
    let mut connection = under_way(&server, 100).await;
    let (head, body) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 1\r\n"), "{head}{body}");
}

#[tokio::test]
async fn too_much_at_once_is_refused_and_nothing_is_done() {
    let server = TestServer::start_with(|config| config.limits.in_flight = 1).await;
    // Passwords are hashed one after the other, and the first in the queue is not done until it is told so.
    let (done, wait) = std::sync::mpsc::channel();
    let hasher = server.server().clone();
    let busy = tokio::spawn(async move { hasher.hasher().run(move || wait.recv()).await });
    let administrator = server.administrator();
    let slow = item(r#""emailAddress":"slow@example.com","password":"correct Horse 7 battery""#);
    let slow = tokio::spawn(async move { administrator.create(slow).await });
    while server.server().hasher().waiting() < 2 {
        tokio::task::yield_now().await;
    }
    let refused = server.administrator().create(user("fast@example.com")).await;
    insta::assert_snapshot!(refused);
    for health in ["/healthz", "/readyz"] {
        assert_eq!(server.get(health).await.status, 200, "{health} is answered however busy the server is");
    }
    done.send(()).unwrap();
    busy.await.unwrap().unwrap().unwrap();
    assert_eq!(slow.await.unwrap().rows(), 1);
    assert!(server.admin().user("fast@example.com").await.is_err());
    assert_eq!(server.administrator().create(user("fast@example.com")).await.rows(), 1);
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way() {
    let mut server = TestServer::start().await;
    let body = user("last@example.com");
    let mut connection = under_way(&server, body.len()).await;
    let address = server.address();
    let ((), answer) = tokio::join!(server.stop(), async {
        // The listener is closed before the request is finished.
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        connection.send(&body).await;
        connection.answer().await.1
    });
    assert!(answer.contains("last@example.com"), "{answer}");
    assert!(server.admin().user("last@example.com").await.is_ok());
}

#[tokio::test]
async fn a_gate_that_is_full_says_when_to_come_again() {
    let server = TestServer::start_with(|config| config.passwords.queue = 2).await;
    let items: Vec<_> = (0..3)
        .map(|n| format!(r#"{{"emailAddress":"p{n}@example.com","password":"correct Horse 7 battery"}}"#))
        .collect();
    let full = server.administrator().create(format!(r#"{{"data":[{}]}}"#, items.join(","))).await;
    assert_eq!(
        (full.status, full.codes(), full.header("retry-after")),
        (503, vec!["err_xdk_unavailable".to_owned()], Some("1"))
    );
    assert_eq!(server.admin().count_users().await.unwrap(), testkit::SEEDED, "nothing was done");
    let fits = server.administrator().create(format!(r#"{{"data":[{}]}}"#, items[..2].join(","))).await;
    assert_eq!(fits.rows(), 2);
}

#[tokio::test]
async fn a_fault_of_the_server_s_own_is_an_answer_too_and_harms_nobody_else() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let signed = administrator.signed("/api/user/create-user");
    assert_eq!(administrator.create(user("before@example.com")).await.rows(), 1);
    server.clock().break_once();
    let fault = administrator.send("/api/user/create-user", &signed, user("a@example.com")).await;
    assert_eq!((fault.status, fault.codes()), (500, vec!["err_xdk_internal_error".to_owned()]));
    let again = administrator.send("/api/user/create-user", &signed, user("a@example.com")).await;
    assert_eq!(again.rows(), 1, "it was not carried out, and now it is");
}
