//! `matricula-bench scenario` against a tiny server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::routing::put;
use serde_json::Value;

/// The stored names and bodies.
type Files = Arc<Mutex<HashSet<(String, String)>>>;

async fn store(
    State(files): State<Files>,
    UrlPath(name): UrlPath<String>,
    body: String,
) -> (StatusCode, &'static str) {
    match files.lock().unwrap().insert((name, body)) {
        true => (StatusCode::CREATED, "created"),
        false => (StatusCode::CONFLICT, "there already"),
    }
}

/// Serves on a separate thread, which ends with the test.
fn serve() -> (SocketAddr, Files) {
    let files = Files::default();
    let router = Router::new().route("/files/{name}", put(store)).with_state(Arc::clone(&files));
    let (sender, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    (address.recv().unwrap(), files)
}

/// Runs the example in the repository, with some lines changed.
fn run(folder: &Path, changes: &[(&str, &str)]) -> Output {
    let mut text = include_str!("../scenarios/webdav-put.toml").to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let file = folder.join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_matricula-bench"))
        .arg("scenario")
        .arg(file)
        .arg("--json")
        .arg(folder.join("report.json"))
        .output()
        .unwrap()
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
}

#[test]
fn expected_responses_are_measured_and_no_request_is_sent_twice() {
    let (address, files) = serve();
    let folder = tempfile::tempdir().unwrap();
    let base = format!("http://{address}");
    let short = [("http://127.0.0.1:8080", &*base), ("seconds = 5.0", "seconds = 0.3"), ("= 1.0", "= 0.1")];
    let output = run(folder.path(), &[&short[..], &[("# expected_text", "expected_text")]].concat());
    assert!(output.status.success(), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let report = report(folder.path());
    let answered = report["answered"].as_u64().unwrap();
    assert!(answered > 0 && report["errors"] == 0 && report["p99_ms"].as_f64() >= report["p50_ms"].as_f64());
    let files = files.lock().unwrap();
    // A repeated name would be refused, and the run would have failed.
    assert!(files.len() as u64 >= answered, "{} files", files.len());
    let numbers: HashSet<_> = files.iter().map(|(name, _)| name.split_once('-').unwrap().1).collect();
    assert_eq!(numbers.len(), files.len(), "each number comes once");
    assert!(files.iter().all(|(_, body)| serde_json::from_str::<Value>(body).is_ok()));
}

#[test]
fn unexpected_responses_are_counted_shown_and_invalidate_the_measurement() {
    let (address, _) = serve();
    let folder = tempfile::tempdir().unwrap();
    let base = format!("http://{address}");
    let short = [("http://127.0.0.1:8080", &*base), ("seconds = 5.0", "seconds = 0.1"), ("= 1.0", "= 0.1")];
    for (change, error) in [
        (("{random}-{n}.json", "same"), "HTTP 409: there already"),
        (("# expected_text = \"created\"", "expected_text = \"gone\""), "HTTP 201: created"),
    ] {
        let mut changes = short.to_vec();
        changes.push(change);
        // Every request has the same body and name, so it stores the same file.
        if error.contains("409") {
            changes.push(("body = ", "body = 'same' # "));
        }
        let output = run(folder.path(), &changes);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let report = report(folder.path());
        assert!(report["errors"].as_u64() > Some(0) && report["first_error"] == error, "{report}");
    }
}

#[test]
fn an_invalid_scenario_file_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (change, why) in [
        (("method =", "metod ="), "unknown field `metod`"),
        (("http://127.0.0.1:8080", "https://127.0.0.1"), "base is written like http://127.0.0.1:8080"),
        (("connections = 32", "connections = 0"), "connections must be at least 1"),
    ] {
        let output = run(folder.path(), &[change]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{said}");
    }
}
