//! HTTP as real clients speak it (spec/clients.md 1.2, 3.1, 3.2).

use rstest::rstest;
use testkit::TestServer;
use wire::create_user::PATH;

use crate::user;

/// What goes over the wire, and what the signature is over.
#[rstest]
#[case::plain(PATH, PATH)]
#[case::base_url_with_a_slash("//api/user/create-user", PATH)]
#[case::slash_signed_too("//api/user/create-user", "//api/user/create-user")]
#[case::trailing_slash("/api/user/create-user/", PATH)]
#[case::trailing_slash_signed("/api/user/create-user/", "/api/user/create-user/")]
#[case::query_not_signed("/api/user/create-user?a=b", PATH)]
#[case::query_signed("/api/user/create-user?a=b", "/api/user/create-user?a=b")]
#[tokio::test]
async fn the_path_may_be_spelt_and_signed_as_clients_do(#[case] sent: &str, #[case] signed: &str) {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let headers = administrator.signed(signed);
    let answer = administrator.send(sent, &headers, user("a@example.com")).await;
    assert_eq!((answer.status, answer.rows()), (200, 1), "{answer}");
}

#[tokio::test]
async fn a_path_that_is_not_there_and_a_method_that_is_not_allowed() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    insta::assert_snapshot!("unknown_path", administrator.post("/api/user/no-such?token=secret", "").await);
    insta::assert_snapshot!("get", server.get(PATH).await);
    for path in ["/", "/api", "/api/user/create-user/x", "/API/user/create-user"] {
        assert_eq!(administrator.post(path, "").await.codes(), ["err_xdk_unknown_path"], "{path}");
    }
    let near = administrator.post("/api/user/creat-user", "").await;
    assert!(near.body.contains("/api/user/creat-user; the nearest is /api/user/create-user"), "{near}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = TestServer::start_with(|config| config.limits.body_bytes = 1_000).await;
    let administrator = server.administrator();
    let mut body = user("a@example.com");
    body.push_str(&" ".repeat(1_000 - body.len()));
    assert_eq!(administrator.create(body.clone()).await.rows(), 1);
    body.push(' ');
    insta::assert_snapshot!(administrator.create(body).await);
}

/// `Expect: 100-continue` (mono, Windows PowerShell), a chunked body, no Content-Type, and a second request on the same
/// connection.
#[tokio::test]
async fn expect_chunked_and_keep_alive() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let mut connection = server.connect().await;
    let signed = administrator.signed(PATH);
    let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    connection
        .send(&format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"))
        .await;
    assert_eq!(connection.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    let body = user("a@example.com");
    let (one, two) = body.split_at(10);
    connection.send(&format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len())).await;
    let (head, answer) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("a@example.com"), "{head}{answer}");

    // A refusal that needs no body is given before the body is sent.
    connection
        .send(&format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        ))
        .await;
    let (head, answer) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 400 ") && answer.contains("err_xdk_missing_header"), "{head}{answer}");
}

/// A caller who is refused may still be sending: the connection goes on behind a small body, and behind a large one the
/// answer says that it ends, and is not lost.
#[tokio::test]
async fn an_answer_before_the_end_of_the_body_is_not_lost() {
    let server = TestServer::start().await;
    let mut connection = server.connect().await;
    for _ in 0..2 {
        connection.send("POST /api/nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234").await;
        connection.send("56789").await;
        let (head, _) = connection.answer().await;
        assert!(head.starts_with("HTTP/1.1 404 ") && !head.contains("connection: close"), "{head}");
    }
    let length = 1_000_000;
    connection
        .send(&format!("POST /api/nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"))
        .await;
    let (head, _) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 404 ") && head.contains("connection: close\r\n"), "{head}");
    // Nothing is lost: what is still sent is taken, and thrown away.
    connection.send(&" ".repeat(length)).await;
    connection.ended().await;
}

/// What can be read in two ways, or not at all: an answer as all others, and an end that is announced. The request before it
/// on the connection is answered.
#[rstest]
#[case::two_codings("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "err_xdk_malformed_request")]
#[case::two_lengths(
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
    "err_xdk_malformed_request"
)]
#[case::the_other_way(
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    400,
    "err_xdk_malformed_request"
)]
#[case::bare_line_feed("A: b\nC: d\r\n\r\n", 400, "err_xdk_malformed_request")]
#[case::no_header("no header\r\n\r\n", 400, "err_xdk_malformed_request")]
#[case::long_headers(&format!("A: {}\r\n\r\n", "b".repeat(70_000)), 431, "err_xdk_headers_too_large")]
#[case::many_headers(&format!("{}\r\n", "A: b\r\n".repeat(101)), 431, "err_xdk_headers_too_large")]
#[tokio::test]
async fn what_is_no_request_is_answered_with_a_code(
    #[case] headers: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let server = TestServer::start().await;
    let mut connection = server.connect().await;
    let good = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    connection.send(&format!("{good}POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}{good}")).await;
    assert!(connection.answer().await.1.starts_with("ok"));
    let (head, body) = connection.answer().await;
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}{body}");
    assert!(
        head.contains("connection: close\r\n") && head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["meta"]["status"], &body["fail"][0]["errors"][0]["code"]),
        (&status.into(), &code.into())
    );
    connection.ended().await;
}

#[rstest]
#[case::long_target(&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)), 414, "err_xdk_uri_too_long")]
#[case::another_protocol("hello\r\n\r\n", 400, "err_xdk_malformed_request")]
#[case::http2_without_tls("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "err_xdk_malformed_request")]
#[case::odd_target("GET a/b HTTP/1.1\r\n\r\n", 400, "err_xdk_malformed_request")]
#[tokio::test]
async fn what_has_no_first_line_is_answered_with_a_code(
    #[case] request: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let server = TestServer::start().await;
    let mut connection = server.connect().await;
    connection.send(request).await;
    let (head, body) = connection.answer().await;
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && body.contains(code), "{head}{body}");
    connection.ended().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_does_nothing() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let mut connection = server.connect().await;
    let signed = administrator.signed(PATH);
    let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = user("a@example.com");
    let length = body.len() + 1;
    connection
        .send(&format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
        .await;
    connection.close().await;
    // What came before is done when the next one is answered: nothing of it was.
    assert_eq!(administrator.create(user("b@example.com")).await.rows(), 1);
    assert!(server.admin().user("a@example.com").await.is_err());
}

#[tokio::test]
async fn health_and_readiness() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").await.body, "ok\n");
    assert_eq!(server.get("/readyz").await.body, "ready\n");
}
