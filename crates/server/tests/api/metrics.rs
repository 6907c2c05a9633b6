//! `/metrics`: read as strictly as Prometheus reads it, through a socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use server::config::Metrics;
use testkit::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::user;

async fn with_metrics() -> TestServer {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    TestServer::start_with(|config| config.metrics = Some(Metrics { listen, allow_remote: false })).await
}

/// Head and body of the answer to a request line.
async fn ask(address: SocketAddr, line: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Name and labels of a sample, as they are written, and its value.
pub(crate) type Samples = BTreeMap<String, f64>;

/// What a server tells.
pub(crate) async fn collected(server: &TestServer) -> Samples {
    parse(&ask(server.metrics_address(), "GET /metrics").await.1)
}

/// The text format 0.0.4: families one after the other, each with its help and type before its samples; nothing twice.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'), "the last line ends");
    let (mut samples, mut families) = (Samples::new(), BTreeMap::new());
    let (mut current, mut helped) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = help.split_once(' ').unwrap().0.to_owned();
        } else if let Some(sort) = line.strip_prefix("# TYPE ") {
            let (name, sort) = sort.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&sort), "{line}");
            assert_eq!(name, helped, "help and type are of one family");
            assert!(families.insert(name.to_owned(), sort.to_owned()).is_none(), "{name} comes twice");
            name.clone_into(&mut current);
        } else {
            let (name, labels, value) = sample(line);
            let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("{line} is of no family"));
            let histogram = families[&current] == "histogram";
            assert_eq!(histogram, ["_bucket", "_sum", "_count"].contains(&suffix), "{line}");
            assert!(histogram || suffix.is_empty(), "{line}");
            assert_eq!(suffix == "_bucket", labels.contains("le=\""), "{line}");
            let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            assert!(samples.insert(format!("{name}{{{labels}}}"), value).is_none(), "{line} comes twice");
        }
    }
    samples
}

/// Name, labels and value of a line.
fn sample(line: &str) -> (&str, &str, &str) {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap();
    let (name, rest) = line.split_at(end);
    let Some(mut labels) = rest.strip_prefix('{') else { return (name, "", rest.strip_prefix(' ').unwrap()) };
    let start = labels;
    loop {
        let (label, rest) = labels.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        assert!(label.chars().all(|c| c.is_ascii_lowercase()), "{line}");
        let mut escaped = false;
        let close = rest.find(|c| {
            let closes = c == '"' && !escaped;
            assert!(!escaped || matches!(c, '\\' | '"' | 'n'), "no escape: {line}");
            escaped = c == '\\' && !escaped;
            closes
        });
        let rest = &rest[close.unwrap() + 1..];
        match rest.strip_prefix(',') {
            Some(more) => labels = more,
            None => {
                let inside = &start[..start.len() - rest.len()];
                return (name, inside, rest.strip_prefix("} ").unwrap_or_else(|| panic!("no end: {line}")));
            }
        }
    }
}

#[tokio::test]
async fn what_was_counted_can_be_collected() {
    let mut server = with_metrics().await;
    let address = server.metrics_address();
    let administrator = server.administrator();
    administrator.create(user("ann@example.com")).await;
    administrator.create(user("ann@example.com")).await;
    server.unsigned("/api/\"no\nwhere\\", "").await;
    server.get("/readyz").await;
    let (head, text) = ask(address, "GET /metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let samples = parse(&text);
    let value = |name: &str| samples.get(name).copied().unwrap_or_else(|| panic!("no {name} in {text}"));
    let create = "endpoint=\"/api/user/create-user\"";
    assert_eq!(value(&format!("matricula_requests_total{{{create},status=\"200\"}}")), 2.0);
    let app_id = &administrator.keys().app_id;
    assert_eq!(value(&format!("matricula_application_requests_total{{application=\"{app_id}\"}}")), 2.0);
    let code = "code=\"err_user_already_exists\"";
    assert_eq!(value(&format!("matricula_refusals_total{{application=\"{app_id}\",{code}}}")), 1.0);
    assert_eq!(value("matricula_users{}"), (testkit::SEEDED + 1) as f64);
    assert_eq!(value("matricula_requests_in_flight{}"), 0.0);
    assert_eq!(value("matricula_passwords_waiting_limit{}"), 2_048.0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(value(&format!("matricula_build_info{{version=\"{version}\"}}")), 1.0);
    let mut before = 0.0;
    for bound in ["0.000256", "0.065536", "16.777216", "+Inf"] {
        let here = value(&format!("matricula_request_duration_seconds_bucket{{{create},le=\"{bound}\"}}"));
        assert!(here >= before, "buckets hold those below: {text}");
        before = here;
    }
    assert_eq!(value(&format!("matricula_request_duration_seconds_count{{{create}}}")), before);
    assert_eq!(before, 2.0);
    assert!(!text.contains("readyz") && !text.contains("matricula_certificate"), "{text}");

    assert!(ask(address, "GET /").await.0.starts_with("HTTP/1.1 404"));
    assert!(ask(address, "POST /metrics").await.0.starts_with("HTTP/1.1 405"));
    assert_eq!(server.get("/metrics").await.status, 404, "it is not a path of the API");
    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err(), "it stops with the server");
}

/// Who reads is told nothing that was sent: paths and applications that nobody knows are one.
#[tokio::test]
async fn labels_are_few_whoever_calls() {
    let server = with_metrics().await;
    for n in 0..20 {
        let app_id = ("x-mc-app-id".to_owned(), format!("made-up-{n}").into_bytes());
        server.raw(&format!("/api/made-up/{n}"), &[app_id], "").await;
    }
    let samples = collected(&server).await;
    assert!(!samples.keys().any(|sample| sample.contains("made-up")), "{samples:?}");
    assert_eq!(samples["matricula_requests_total{endpoint=\"other\",status=\"404\"}"], 20.0);
    assert_eq!(samples["matricula_application_requests_total{application=\"unknown\"}"], 20.0);
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let server = with_metrics().await;
    let folder = tempfile::tempdir().unwrap();
    let listen = server.metrics_address();
    let config = server::Config {
        store: testkit::store(folder.path()),
        metrics: Some(Metrics { listen, allow_remote: false }),
        ..server::Config::default()
    };
    let key = server::admin::master_key(&"0f".repeat(32)).unwrap();
    let system = server::System::real();
    server::Server::create(&config, &key, &system).unwrap();
    let error = server::Server::open(&config, &key, system).err().unwrap().to_string();
    assert!(error.starts_with(&format!("metrics.listen = \"{listen}\": ")), "{error}");
}
