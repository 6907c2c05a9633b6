//! create-user on PostgreSQL, compared with single-row inserts by pgbench on as many connections.

use std::process::Command;

use anyhow::Context as _;
use testkit::Postgres;

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::machine;
use crate::output::Output;
use crate::request::PLAIN;
use crate::site::{self, Site};

use super::Bench;

/// The settings that an operator changes first. Every commit is forced to disk.
const OPTIONS: &str = "-c shared_buffers=512MB -c max_wal_size=4GB -c max_connections=200";

/// The rows of `users`, one per transaction, into a table with the same indexes.
const INSERT: &str = "\\set n random(1, 9000000000000000000)
INSERT INTO bench_users (id, account, address, address_key, name, must_change_password, address_type, source, created_at)
VALUES (uuid_send(gen_random_uuid()), '\\x00', 'user' || :n || '@example.com', 'example.com@user' || :n, 'A. User', 0,
        'created_manually', 'cloud', 1700000000000) ON CONFLICT DO NOTHING;
";

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let connections = usize::from(settings.connections);
    let folder = site::folder(settings)?;
    let Some(postgres) = Postgres::start_in(folder.path(), OPTIONS) else {
        output.progress("postgres: left out, PostgreSQL is not installed");
        return Ok(Vec::new());
    };
    output.progress("postgres: warming up");
    let url = postgres.database();
    let mut bench = Bench::on_site(Site::with_settings(settings, &format!("store = \"{url}\"\n"), "")?)?;
    postgres.execute(&url, "CREATE TABLE bench_users (LIKE users INCLUDING ALL)");
    bench.warm_up(PLAIN, connections, 20_000)?;
    pgbench(&postgres, &url, connections, 1.0)?;
    let (mut inserts, mut ours, mut micros, mut medians, mut tails) =
        (vec![], vec![], vec![], vec![], vec![]);
    for round in 1..=settings.rounds {
        bench.show_round("postgres", round, settings, output);
        let requests = bench.render(PLAIN, settings.length())?;
        inserts.push(pgbench(&postgres, &url, connections, settings.seconds)?);
        let before = machine::processor_time(bench.server.pid())?;
        let mut sent = bench.create(requests, PLAIN, connections, settings.length())?;
        micros.push((machine::processor_time(bench.server.pid())? - before) * 1e6 / sent.answered as f64);
        ours.push(sent.per_second());
        medians.push(sent.latency(0.5));
        tails.push(sent.latency(0.99));
    }
    bench.finish()?;
    let inserts = Series::new("single-row inserts, pgbench", Unit::PerSecond, inserts);
    let ours = Series::new("create-user", Unit::PerSecond, ours);
    let ratio =
        ours.ratio_to("create-user ÷ single-row inserts", &inserts).compared_with(Target::AtLeast(3.0));
    Ok(vec![Row {
        title: format!("create-user on PostgreSQL, no password, {connections} connections"),
        series: vec![
            inserts,
            ours,
            Series::new("processor time per request, server", Unit::Microseconds, micros),
            Series::new("latency, median", Unit::Milliseconds, medians),
            Series::new("latency, p99", Unit::Milliseconds, tails),
        ],
        verdicts: vec![ratio],
        others: 0.0,
    }])
}

/// Transactions per second.
fn pgbench(postgres: &Postgres, url: &str, clients: usize, seconds: f64) -> anyhow::Result<f64> {
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), INSERT)?;
    let output = Command::new(postgres.binaries().join("pgbench"))
        .args(["-n", "-M", "prepared", "-U", "matricula", "-j", "2", "-c", &clients.to_string()])
        .args(["-T", &format!("{:.0}", seconds.max(1.0).ceil()), "-h"])
        .arg(postgres.folder())
        .arg("-f")
        .arg(script.path())
        .arg(url.rsplit('/').next().unwrap_or_default())
        .output()
        .context("pgbench")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.with_context(|| format!("pgbench: {told}{}", String::from_utf8_lossy(&output.stderr)))
}
