//! A sandbox says why it refuses a request; a server in production does not, whatever it is asked and whatever its
//! configuration holds. A separate process, because the log is global to the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpStream};

use client::{Keys, Signer, machine_clock, random_request_id};
use matricula_server as server;
use matricula_server::{Config, Location, Server, System};
use playground::sandbox::Sandbox;
use tokio::sync::oneshot;
use wire::create_user::PATH;

use log::Log;

/// The head of the answer to a request that is signed with these keys.
async fn head(address: SocketAddr, keys: &Keys, more: &'static str, body: &'static str) -> String {
    let signed = Signer::new(keys).unwrap().sign(PATH, machine_clock(), &random_request_id());
    let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}{more}Content-Length: {length}\r\n\r\n{body}"
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    });
    answer.await.unwrap().split_once("\r\n\r\n").unwrap().0.to_owned()
}

const ASKED: &str = "x-matricula-explain: 1\r\n";

/// Keys with which requests are refused, each with the mistake that the sandbox names.
struct WrongKeys {
    good: Keys,
    wrong: [(Keys, &'static str); 3],
}

impl WrongKeys {
    async fn new(sandbox: &Sandbox) -> Self {
        let Sandbox { server, keys } = sandbox;
        let other = server.admin().add_application(&keys.account_code, "Another").await.unwrap();
        let good = Keys {
            ca_file: None,
            base_url: String::new(),
            app_id: keys.app_id.clone(),
            app_key: keys.app_key.clone(),
            access_key: keys.access_key.clone(),
            secret_key: keys.secret_key.clone(),
        };
        let (mut wrong_id, mut wrong_application, mut unknown) = (good.clone(), good.clone(), good.clone());
        wrong_id.app_key = good.app_id.clone();
        wrong_application.app_key = other.app_key().to_owned();
        unknown.access_key = "nobody".to_owned();
        let wrong = [
            (wrong_id, "app_key_is_app_id: "),
            (wrong_application, "app_key_other: "),
            (unknown, "access_key_unknown: "),
        ];
        Self { good, wrong }
    }
}

fn listen() -> (tokio::net::TcpListener, SocketAddr) {
    let listener = server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_sandbox_says_why_and_production_does_not() {
    let log = Log::default();
    tracing_subscriber::fmt().json().with_writer(log.clone()).init();
    let folder = tempfile::tempdir().unwrap();

    let config = playground::sandbox::config(folder.path());
    let sandbox = Sandbox::open(folder.path(), &config, System::real()).await.unwrap();
    let keys = WrongKeys::new(&sandbox).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (listener, address) = listen();
    let serving = tokio::spawn(sandbox.server.serve(listener, async move { drop(stopped.await) }));
    sandbox_explains(address, &keys, &log).await;
    drop(stop);
    serving.await.unwrap();

    // The same directory, the same requests, the same settings, opened as `matricula serve` opens it.
    let config = Config { master_key_file: Some(folder.path().join("master.key")), ..config };
    assert!(matches!(config.store, Location::Sqlite(_)));
    let (stop, stopped) = oneshot::channel::<()>();
    let (listener, address) = listen();
    let serving = tokio::spawn(server::serve(config.clone(), listener, async move { drop(stopped.await) }));
    production_is_silent(address, &keys, &log).await;
    drop(stop);
    serving.await.unwrap().unwrap();

    // Opening a server as a library does not explain either.
    let master_key = config.master_key().unwrap();
    let server = Server::open(&config, &master_key, System::real()).unwrap();
    let (listener, address) = listen();
    let serving = tokio::spawn(server.serve(listener, std::future::pending()));
    let answer = head(address, &keys.wrong[0].0, ASKED, r#"{"data":[]}"#).await;
    assert!(answer.starts_with("HTTP/1.1 401") && !answer.contains("explain"), "{answer}");
    serving.abort();

    // No setting adds an explanation.
    for key in ["explain = true", "explainer = true", "sandbox = true", "[explain]\nenabled = true"] {
        let file = folder.path().join("matricula.toml");
        std::fs::write(&file, key).unwrap();
        let error = Config::from_file(&file).unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{error}");
    }
}

async fn sandbox_explains(address: SocketAddr, keys: &WrongKeys, log: &Log) {
    let WrongKeys { good, wrong } = keys;
    for (keys, mistake) in wrong {
        let header = format!("x-matricula-explain: {mistake}");
        let answer = head(address, keys, ASKED, r#"{"data":[]}"#).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains(&header), "{answer}");
        let logged = log.take();
        assert!(logged.contains(&format!("\"explanation\":\"{mistake}")), "{logged}");
        for (name, value) in [("secret", &good.secret_key), ("app key", &good.app_key)] {
            assert!(!logged.contains(value.as_str()) && !answer.contains(value.as_str()), "the {name} shows");
        }
        // Without the header only the log has the explanation.
        let answer = head(address, keys, "", r#"{"data":[]}"#).await;
        assert!(!answer.contains("explain"), "{answer}");
        assert!(log.take().contains(mistake));
    }
    let answer = head(address, good, ASKED, r#"{"data":[{"emailAddress":"ann@example.com"}]}"#).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("explain"), "{answer}");
    assert!(!log.take().contains("explanation"));
}

async fn production_is_silent(address: SocketAddr, WrongKeys { good, wrong }: &WrongKeys, log: &Log) {
    for (keys, _) in wrong {
        let answer = head(address, keys, ASKED, r#"{"data":[]}"#).await;
        assert!(answer.starts_with("HTTP/1.1 401") && !answer.contains("explain"), "{answer}");
        let logged = log.take();
        assert!(logged.contains("err_xdk_invalid_signature"), "the log is searched: {logged}");
        assert!(!logged.contains("explanation"), "{logged}");
        // The operator's line about the cause may be among them; it has no secret either.
        for secret in [&good.secret_key, &good.app_key] {
            assert!(!logged.contains(secret.as_str()), "{logged}");
        }
    }
}
