//! Alerts and dashboard against a real Prometheus that collects from real servers.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use server::Location;
use server::config::{Backup, Metrics};
use server::log::Log;
use testkit::{Postgres, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::user;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/monitoring")
}

fn promtool(arguments: &[&str]) -> Option<()> {
    let output = Command::new("promtool").args(arguments).current_dir(folder()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stdout));
    Some(())
}

#[test]
fn each_alert_fires_and_has_a_section_in_the_runbook() {
    let checked = promtool(&["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"]);
    if checked.and_then(|()| promtool(&["test", "rules", "alerts.test.yml"])).is_none() {
        return testkit::left_out("alerts", "promtool");
    }
    let runbook = std::fs::read_to_string(folder().join("../../docs/RUNBOOK.md")).unwrap();
    let headings: Vec<_> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let alerts = std::fs::read_to_string(folder().join("alerts.yml")).unwrap();
    let names: Vec<_> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(headings, names, "one section for each alert, in the same order");
    for name in names {
        assert!(alerts.contains(&format!("docs/RUNBOOK.md#{}", name.to_lowercase())), "{name}");
    }
}

/// The expressions of all panels, for all nodes and a fixed interval.
fn expressions() -> Vec<String> {
    let dashboard: Value =
        serde_json::from_slice(&std::fs::read(folder().join("dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let fixed = |expression: &str| expression.replace("$instance", ".*").replace("$__rate_interval", "1m");
    targets.map(|target| fixed(target["expr"].as_str().unwrap())).collect()
}

/// The left sides of the alerts' comparisons: these must have values, whether the alert fires or not.
fn compared() -> Vec<String> {
    let alerts = std::fs::read_to_string(folder().join("alerts.yml")).unwrap();
    let expressions = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let left = |expression: &str| {
        let end = [" > ", " == ", " < "].iter().filter_map(|sign| expression.find(sign)).min().unwrap();
        // Nothing ends with 500 or 503 here.
        let without_errors = expression[..end].replace("\"500\"", "\"200\"").replace("\"503\"", "\"200\"");
        without_errors.replace("[5m]", "[1m]").replace("[10m]", "[1m]")
    };
    expressions.map(left).collect()
}

struct Prometheus {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    /// Collects from these addresses every second; `None`: it is not installed.
    fn start(targets: &[String]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let settings = serde_json::json!({
            "global": { "scrape_interval": "1s" },
            "scrape_configs": [{ "job_name": "matricula", "static_configs": [{ "targets": targets }] }],
        });
        // JSON is YAML.
        std::fs::write(&config, settings.to_string()).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={free}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        log.find(|line| line.contains("Server is ready")).unwrap();
        // It is read to the end, so that the process never waits for its log.
        std::thread::spawn(move || log.for_each(drop));
        Some(Self { process, address: free.to_string(), _folder: folder })
    }

    /// The values of an expression.
    async fn values(&self, expression: &str) -> Vec<Value> {
        let query: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        // With HTTP/1.0 the answer has no chunks.
        let request = format!("GET /api/v1/query?query={query} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

async fn observed(change: impl FnOnce(&mut server::Config)) -> TestServer {
    TestServer::start_with(|config| {
        config.metrics = Some(Metrics { listen: ([127, 0, 0, 1], 0).into(), allow_remote: false });
        change(config);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_expression_of_the_dashboard_and_the_alerts_has_values() {
    let Some(postgres) = Postgres::start("-c fsync=off -c max_connections=60") else {
        return testkit::left_out("the dashboard", "PostgreSQL");
    };
    let _standby = postgres.standby("standby1");
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().join("matricula.db");
    crate::tls::renew(backups.path());
    let tls = crate::tls::files(backups.path());
    let on_file = observed(|config| {
        config.store = Location::Sqlite(place);
        config.backup = Some(Backup::new(backups.path()));
        config.tls = Some(tls);
    })
    .await;
    let on_postgres = observed(|config| config.store = Location::Postgres(postgres.database())).await;
    let log = Log::open(Some(&backups.path().join("log"))).unwrap();
    on_postgres.server().count_dropped_lines(log);
    let targets = [&on_file, &on_postgres].map(|server| server.metrics_address().to_string());
    let Some(prometheus) = Prometheus::start(&targets) else {
        return testkit::left_out("the dashboard", "prometheus");
    };
    let mut keys = on_postgres.administrator().keys().clone();
    keys.secret_key = "d3Jvbmc=".to_owned();
    let wrong = on_postgres.caller(&keys);
    let mut without: Vec<String> = expressions().into_iter().chain(compared()).collect();
    assert!(without.len() > 30, "{without:?}");
    // A rate needs two samples with a request between them: it goes on until every expression has a value.
    let mut number = 0;
    while let Some(expression) = without.last() {
        let values = prometheus.values(expression).await;
        let is_number = |value: &Value| value["value"][1].as_str().is_some_and(|text| text != "NaN");
        if values.iter().any(is_number) {
            without.pop();
            continue;
        }
        assert!(number < 2_000, "no values for {expression}");
        number += 1;
        on_postgres.administrator().create(user(&format!("u{number}@example.com"))).await;
        wrong.create(user("wrong@example.com")).await;
    }
}
