//! The same driver for any other HTTP server, with requests from a file.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::driver::{self, Load, Sent};
use crate::output::{Output, grouped};
use crate::request::{Expected, Requests};

/// Requests of the warm-up, whose rate decides how many are rendered for the measurement.
const WARM_UP: usize = 20_000;

/// The scenario file. An unknown key is an error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// The heading of the table.
    name: String,
    /// Scheme, host and port: `http://127.0.0.1:8080`.
    base: String,
    method: String,
    /// Path, headers and body may contain `{n}`, a number used once, `{uuid}`, and `{random}`, 16 hexadecimal digits.
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    expected_status: u16,
    /// Text that the body of each response must contain.
    expected_text: Option<String>,
    connections: u16,
    seconds: f64,
    warm_up_seconds: f64,
}

/// The results.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    base: &'a str,
    method: &'a str,
    path: &'a str,
    connections: u16,
    seconds: f64,
    answered: u64,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    errors: u64,
    first_error: Option<String>,
}

/// Measures a scenario.
pub(crate) fn run(file: &Path, json: Option<&Path>, output: &Output) -> anyhow::Result<()> {
    let shown = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(shown)?;
    let scenario: Scenario = toml::from_str(&text).with_context(shown)?;
    let address = scenario.check().with_context(shown)?;
    let mut number = 0;
    output.progress(&format!("{}: warming up", scenario.name));
    let warm = scenario.send(address, WARM_UP, scenario.warm_up_seconds, &mut number)?;
    let pace = (warm.answered + warm.others.count) as f64 / warm.elapsed.as_secs_f64();
    output.progress(&format!("{}: measuring for {} s", scenario.name, scenario.seconds));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few million at most")]
    let count = (pace * scenario.seconds * 1.5).ceil() as usize;
    let mut sent = scenario.send(address, count.max(WARM_UP), scenario.seconds, &mut number)?;
    let report = Report {
        name: &scenario.name,
        base: &scenario.base,
        method: &scenario.method,
        path: &scenario.path,
        connections: scenario.connections,
        seconds: sent.elapsed.as_secs_f64(),
        answered: sent.answered,
        per_second: sent.per_second(),
        p50_ms: sent.latency(0.5),
        p99_ms: sent.latency(0.99),
        max_ms: sent.latency(1.0),
        errors: sent.others.count,
        first_error: sent.others.first.take(),
    };
    output.print(&report.table())?;
    if let Some(path) = json {
        output.json(&report, path)?;
    }
    ensure!(report.errors == 0, "answers were not as expected: no valid measurement");
    Ok(())
}

impl Scenario {
    /// The address of the server, if the scenario can run.
    fn check(&self) -> anyhow::Result<SocketAddr> {
        let Some(host) = self.base.strip_prefix("http://").filter(|host| !host.contains('/')) else {
            bail!("base is written like http://127.0.0.1:8080, not {}", self.base);
        };
        ensure!(self.connections > 0, "connections must be at least 1");
        ensure!(self.path.starts_with('/'), "path must begin with a slash");
        for seconds in [self.seconds, self.warm_up_seconds] {
            ensure!((0.1..=600.0).contains(&seconds), "seconds and warm_up_seconds are 0.1 to 600");
        }
        let port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        port.to_socket_addrs()
            .with_context(|| port.clone())?
            .next()
            .with_context(|| format!("nothing at {port}"))
    }

    /// Renders requests, then sends them for this time.
    fn send(
        &self,
        address: SocketAddr,
        count: usize,
        seconds: f64,
        number: &mut u64,
    ) -> anyhow::Result<Sent> {
        let requests = (0..count).map(|_| {
            *number += 1;
            self.render(*number)
        });
        let expected = Expected::Of { status: self.expected_status, contains: self.expected_text.clone() };
        let requests = Requests::from_rendered(requests, expected);
        let load = Load { requests, connections: usize::from(self.connections), every: None };
        driver::send(address, load, Duration::from_secs_f64(seconds))
    }

    fn render(&self, number: u64) -> Vec<u8> {
        let uuid = client::random_request_id().to_string();
        // The parts of a random UUID without fixed bits.
        let random: String = client::random_request_id().to_string().replace('-', "");
        let random = format!("{}{}", &random[..8], &random[24..]);
        let number = number.to_string();
        let fill =
            |text: &str| text.replace("{n}", &number).replace("{uuid}", &uuid).replace("{random}", &random);
        let (path, body) = (fill(&self.path), fill(&self.body));
        let host = self.base.strip_prefix("http://").unwrap_or_default();
        let mut head = format!("{} {path} HTTP/1.1\r\nhost: {host}\r\n", self.method);
        for (name, value) in &self.headers {
            head += &format!("{name}: {}\r\n", fill(value));
        }
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

impl Report<'_> {
    fn table(&self) -> String {
        let mut text = format!("{}\n{} {}{}\n", self.name, self.method, self.base, self.path);
        text += &format!("{} connections, {:.1} s\n", self.connections, self.seconds);
        for (name, value, unit) in [
            ("answered as expected", grouped(self.answered as f64), ""),
            ("rate", grouped(self.per_second), "/s"),
            ("latency, median", format!("{:.2}", self.p50_ms), "ms"),
            ("latency, p99", format!("{:.2}", self.p99_ms), "ms"),
            ("latency, most", format!("{:.2}", self.max_ms), "ms"),
            ("errors", grouped(self.errors as f64), ""),
        ] {
            text += format!("  {name:<42}{value:>9} {unit}").trim_end();
            text.push('\n');
        }
        if let Some(error) = &self.first_error {
            text += &format!("  the first of them: {error}\n");
        }
        let line = |line: &str| line.chars().take(80).collect::<String>() + "\n";
        text.lines().map(line).collect()
    }
}
