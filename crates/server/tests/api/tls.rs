//! HTTPS: what differs from plaintext, and what does not.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use testkit::TestServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::create_user::PATH;

use crate::user;

/// A server that speaks HTTPS, and what a client needs to trust it.
struct Secure {
    server: TestServer,
    folder: tempfile::TempDir,
}

pub(crate) fn files(folder: &std::path::Path) -> server::config::Tls {
    server::config::Tls::new(folder.join("chain.pem"), folder.join("key.pem"))
}

/// Writes a new certificate, which signs itself.
pub(crate) fn renew(folder: &std::path::Path) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join("chain.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

impl Secure {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut server::Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        renew(folder.path());
        let tls = files(folder.path());
        let server = TestServer::start_with(|config| {
            config.tls = Some(tls);
            change(config);
        })
        .await;
        Self { server, folder }
    }

    /// Shakes hands, offering these protocols.
    async fn connect(&self, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect_with(protocols, rustls::DEFAULT_VERSIONS).await
    }

    async fn connect_with(
        &self,
        protocols: &[&str],
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.folder.path().join("chain.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.server.address()).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// HTTP/2 by hand: what sends requests. What drives the connection says why it ended.
    async fn http2(
        &self,
        builder: &h2::client::Builder,
    ) -> (h2::client::SendRequest<bytes::Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let stream = self.connect(&["h2"]).await.unwrap();
        let (sender, connection) = builder.handshake(stream).await.unwrap();
        (sender, tokio::spawn(connection))
    }

    /// The headers of a signed create-user, as text of HTTP/1.1.
    fn signed(&self) -> String {
        let signed = self.server.administrator().signed(PATH);
        signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
    }

    fn request(&self, path: &str) -> http::request::Builder {
        http::Request::post(format!("https://localhost:{}{path}", self.server.address().port()))
    }

    fn signed_request(&self) -> http::Request<()> {
        let mut request = self.request(PATH);
        for (name, value) in self.server.administrator().signed(PATH).iter() {
            request = request.header(name, value);
        }
        request.body(()).unwrap()
    }
}

/// Reads to the end of an answer after which the server closes the connection.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // Not every end is one by the book of TLS.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn health() -> http::Request<()> {
    http::Request::get("https://localhost/healthz").body(()).unwrap()
}

async fn body(mut body: h2::RecvStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    bytes
}

#[rstest::rstest]
#[case::no_offer(&[], &rustls::version::TLS13)]
#[case::http_1_1(&["http/1.1"], &rustls::version::TLS13)]
#[case::http_1_0(&["http/1.0"], &rustls::version::TLS13)]
#[case::older(&["http/1.1"], &rustls::version::TLS12)]
#[tokio::test]
async fn http_1_1_is_spoken_with_who_does_not_ask_for_more(
    #[case] offered: &[&str],
    #[case] version: &'static rustls::SupportedProtocolVersion,
) {
    let secure = Secure::start().await;
    let mut stream = secure.connect_with(offered, &[version]).await.unwrap();
    let (headers, body) = (secure.signed(), user("a@example.com"));
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Expect: 100-continue\r\nConnection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await.unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).await.unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("a@example.com"), "{answer}");
}

#[tokio::test]
async fn many_calls_go_over_one_connection_of_http_2() {
    let secure = Secure::start().await;
    let (sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let calls = (0..20).map(|n| {
        let (mut sender, request) = (sender.clone(), secure.signed_request());
        async move {
            let (answer, mut sending) = sender.send_request(request, false).unwrap();
            sending.send_data(user(&format!("u{n}@example.com")).into(), true).unwrap();
            let (head, answer) = answer.await.unwrap().into_parts();
            assert_eq!((head.status.as_u16(), head.version), (200, http::Version::HTTP_2));
            assert!(
                head.headers.contains_key("content-length") && head.headers.contains_key("x-ratelimit-limit")
            );
            String::from_utf8(body(answer).await).unwrap()
        }
    });
    for (n, answer) in futures_util::future::join_all(calls).await.into_iter().enumerate() {
        assert!(answer.contains(&format!("u{n}@example.com")), "{answer}");
    }
}

/// Larger than a portion and than the window that a client begins with.
#[tokio::test]
async fn a_large_answer_comes_whole() {
    let secure = Secure::start().await;
    let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let request = http::Request::get("https://localhost/openapi.json").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    let whole = body(answer.await.unwrap().into_body()).await;
    assert_eq!(whole.len(), serde_json::to_vec(&server::openapi::document()).unwrap().len());
}

/// A header of any bytes: Java in Russian (spec/clients.md 1.1).
#[tokio::test]
async fn http_2_has_header_bytes_as_they_were_sent() {
    let secure = Secure::start().await;
    let keys = secure.server.administrator().keys().clone();
    let date = "вт, 24 нояб. 2026 12:00:00 UTC".as_bytes();
    let request_id = client::random_request_id().to_string();
    let key = wire::signature::SigningKey::from_secret(&keys.secret_key).unwrap();
    let parts = wire::signature::Parts {
        date,
        request_id: request_id.as_bytes(),
        application_key: keys.app_key.as_bytes(),
    };
    let signature = key.sign(&parts, PATH.as_bytes());
    let request = secure
        .request(PATH)
        .header("authorization", wire::signature::authorization(&keys.access_key, &signature))
        .header("x-mc-date", http::HeaderValue::from_bytes(date).unwrap())
        .header("x-mc-req-id", request_id)
        .header("x-mc-app-id", &keys.app_id)
        .body(())
        .unwrap();
    let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, mut sending) = sender.send_request(request, false).unwrap();
    sending.send_data(user("a@example.com").into(), true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(&body(answer.into_body()).await));
}

/// Clients put `https://` before what stands behind the slashes (spec/clients.md 6).
#[tokio::test]
async fn who_asks_where_to_call_is_told_where_it_called() {
    let secure = Secure::start().await;
    let body_of = r#"{"data":[{"emailAddress":"admin@example.com"}]}"#;
    let path = "/api/login/discover-authentication";
    let app_id = secure.server.administrator().keys().app_id.clone();
    let port = secure.server.address().port();

    let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let request = secure.request(path).header("x-mc-app-id", &app_id).body(()).unwrap();
    let (answer, mut sending) = sender.send_request(request, false).unwrap();
    sending.send_data(body_of.into(), true).unwrap();
    let answer = String::from_utf8(body(answer.await.unwrap().into_body()).await).unwrap();
    assert!(answer.contains(&format!(r#""api":"https://localhost:{port}""#)), "{answer}");

    let mut stream = secure.connect(&[]).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: directory.example:8443\r\nConnection: close\r\n");
    let length = body_of.len();
    let request = format!("{head}x-mc-app-id: {app_id}\r\nContent-Length: {length}\r\n\r\n{body_of}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains(r#""api":"https://directory.example:8443""#), "{answer}");
}

#[tokio::test]
async fn plaintext_is_told_that_this_is_https() {
    let secure = Secure::start().await;
    insta::assert_snapshot!(secure.server.unsigned(PATH, user("a@example.com")).await);
    // A body that is larger than what comes with the headers is no reason to break off without an answer.
    let refused = secure.server.unsigned(PATH, vec![b' '; 900_000]).await;
    assert_eq!((refused.status, refused.codes()), (400, vec!["err_xdk_https_required".to_owned()]));
    assert_eq!(refused.header("connection"), Some("close"));
    // A client that asks first is not told to send it.
    let mut asking = secure.server.connect().await;
    asking
        .send(&format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        ))
        .await;
    assert!(asking.head().await.starts_with("HTTP/1.1 400 "));
    // The process checks itself in plaintext, and nothing more.
    assert_eq!(secure.server.get("/healthz").await.body, "ok\n");
    assert_eq!(secure.server.get("/readyz").await.status, 400);
    assert_eq!(secure.server.unsigned("/healthz", "").await.status, 400);
}

#[tokio::test]
async fn what_is_neither_tls_nor_http_is_cut_off() {
    let secure = Secure::start().await;
    let mut stream = TcpStream::connect(secure.server.address()).await.unwrap();
    stream.write_all(&[0; 64]).await.unwrap();
    assert!(!rest(&mut stream).await.contains("HTTP"));
}

/// Ends when the server closes the connection; were it never to, this test would not end.
#[rstest::rstest]
#[case::nothing(b"")]
#[case::half_a_record(b"\x16\x03\x01\x02\x00\x01")]
#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for(#[case] begin: &[u8]) {
    let secure = Secure::start_with(|config| config.tls.as_mut().unwrap().handshake_seconds = 1).await;
    let mut stalled = TcpStream::connect(secure.server.address()).await.unwrap();
    stalled.write_all(begin).await.unwrap();
    // Others are served meanwhile.
    secure.connect(&[]).await.unwrap();
    assert_eq!(rest(&mut stalled).await, "");
}

#[tokio::test]
async fn a_stop_waits_for_no_handshake() {
    // Were it to wait for any of these, this test would take an hour.
    let mut secure = Secure::start_with(|config| {
        config.tls.as_mut().unwrap().handshake_seconds = 3_600;
        config.limits.stop_seconds = 3_600;
        config.limits.header_seconds = 3_600;
    })
    .await;
    let stalled = TcpStream::connect(secure.server.address()).await.unwrap();
    let idle = secure.connect(&["http/1.1"]).await.unwrap();
    let silent = secure.connect(&["h2"]).await.unwrap();
    let (mut sender, driving) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, _) = sender.send_request(health(), true).unwrap();
    answer.await.unwrap();
    secure.server.stop().await;
    driving.await.unwrap().unwrap();
    drop((stalled, idle, silent));
}

/// The drain lasts longer than any test.
#[tokio::test]
async fn a_drain_closes_connections_of_http_2_and_serves_new_ones() {
    let mut secure = Secure::start_with(|config| config.drain_seconds = 86_400).await;
    let (mut sender, driving) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, _) = sender.send_request(health(), true).unwrap();
    answer.await.unwrap();
    secure.server.begin_stop();
    // The server says goodbye, and the client leaves.
    driving.await.unwrap().unwrap();
    for _ in 0..2 {
        let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
        for _ in 0..2 {
            let (answer, _) = sender.send_request(health(), true).unwrap();
            assert_eq!(answer.await.unwrap().status(), 200);
        }
    }
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way_over_http_2() {
    let mut secure = Secure::start().await;
    let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, mut sending) = sender.send_request(secure.signed_request(), false).unwrap();
    // A call that came later on the same connection was answered: this one is under way.
    let (other, _) = sender.send_request(health(), true).unwrap();
    assert_eq!(other.await.unwrap().status(), 200);
    let address = secure.server.address();
    let ((), answer) = tokio::join!(secure.server.stop(), async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        sending.send_data(user("last@example.com").into(), true).unwrap();
        body(answer.await.unwrap().into_body()).await
    });
    assert!(String::from_utf8(answer).unwrap().contains("last@example.com"));
}

#[tokio::test]
async fn headers_that_do_not_come_over_tls_are_not_waited_for() {
    let secure = Secure::start_with(|config| config.limits.header_seconds = 1).await;
    let mut stream = secure.connect(&["http/1.1"]).await.unwrap();
    stream.write_all(b"POST /api/user/create-user HTTP/1.1\r\nHost:").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

/// The limit is beneath TLS. Were the connection kept, the stop would wait for an hour.
#[tokio::test]
async fn who_reads_no_answer_over_tls_is_cut_off() {
    let mut secure = Secure::start_with(|config| {
        (config.limits.answer_seconds, config.limits.stop_seconds) = (1, 3_600);
    })
    .await;
    let mut stream = secure.connect(&["http/1.1"]).await.unwrap();
    // More than the network keeps on the way.
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300);
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    secure.server.stop().await;
}

/// One on which nothing was ever asked, one on which something was, and one on which not even HTTP/2 was begun.
#[tokio::test]
async fn an_idle_connection_of_http_2_is_closed() {
    let secure = Secure::start_with(|config| config.limits.header_seconds = 1).await;
    let (_unused, driving) = secure.http2(&h2::client::Builder::new()).await;
    let (mut sender, driven) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, _) = sender.send_request(health(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    // A proper end: GOAWAY, and nothing is lost.
    driving.await.unwrap().unwrap();
    driven.await.unwrap().unwrap();

    let mut silent = secure.connect(&["h2"]).await.unwrap();
    let _ = silent.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_over_http_2_is_not_waited_for() {
    let secure = Secure::start_with(|config| config.limits.body_seconds = 1).await;
    let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, mut sending) = sender.send_request(secure.signed_request(), false).unwrap();
    sending.send_data("{\"data\":[".into(), false).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 408);
}

/// A client that reads the connection, and opens no window for an answer.
#[tokio::test]
async fn who_takes_none_of_an_answer_over_http_2_is_cut_off() {
    let secure = Secure::start_with(|config| {
        (config.limits.request_seconds, config.limits.answer_seconds) = (1, 1);
    })
    .await;
    let mut builder = h2::client::Builder::new();
    let (mut sender, _driving) = secure.http2(builder.initial_window_size(10)).await;
    let request = || http::Request::get("https://localhost/openapi.json").body(()).unwrap();
    let (stalled, _) = sender.send_request(request(), true).unwrap();
    let mut stalled = stalled.await.unwrap().into_body();
    let (other, _) = sender.send_request(health(), true).unwrap();
    assert_eq!(other.await.unwrap().status(), 200, "nobody waits for it");
    assert_eq!(stalled.data().await.unwrap().unwrap().len(), 10);
    let error = stalled.data().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL), "{error}");
}

#[tokio::test]
async fn a_connection_has_a_bounded_number_of_streams() {
    let secure = Secure::start().await;
    let (mut sender, _driving) = secure.http2(&h2::client::Builder::new()).await;
    let (answer, _) = sender.send_request(health(), true).unwrap();
    answer.await.unwrap();
    assert_eq!(sender.current_max_send_streams(), 128);
}

#[tokio::test]
async fn the_next_connection_gets_the_new_certificate() {
    let secure = Secure::start().await;
    let mut before = secure.connect(&["http/1.1"]).await.unwrap();
    renew(secure.folder.path());
    secure.server.certificate_reload().reload().unwrap();
    secure.connect(&[]).await.unwrap();
    // Who was there stays.
    before.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut before).await.ends_with("ok\n"));

    std::fs::write(secure.folder.path().join("key.pem"), "no key").unwrap();
    assert!(secure.server.certificate_reload().reload().is_err());
    secure.connect(&[]).await.unwrap();
}

#[tokio::test]
async fn metrics_tell_when_the_certificate_ends() {
    let listen = ([127, 0, 0, 1], 0).into();
    let metrics = server::config::Metrics { listen, allow_remote: false };
    let secure = Secure::start_with(|config| config.metrics = Some(metrics)).await;
    let samples = crate::metrics::collected(&secure.server).await;
    let ends = samples["matricula_certificate_end_seconds{}"];
    // What rcgen gives who says nothing: the first moment of the year 4096.
    assert_eq!(ends, 67_090_118_400.0);
}
