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
use crate::written::{self, Written};

use super::Bench;

/// The settings that an operator changes first. Every commit is forced to disk.
pub(crate) const OPTIONS: &str = "-c shared_buffers=512MB -c max_wal_size=4GB -c max_connections=200";

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
    let mut rounds = Rounds::default();
    for round in 1..=settings.rounds {
        bench.show_round("postgres", round, settings, output);
        rounds.measure_one(&mut bench, &postgres, &url, settings)?;
    }
    bench.finish()?;
    Ok(vec![rounds.row(connections)])
}

/// The results of each round.
#[derive(Default)]
struct Rounds {
    inserts: Vec<f64>,
    created: Vec<f64>,
    server_micros: Vec<f64>,
    postgres_micros: Vec<f64>,
    medians: Vec<f64>,
    tails: Vec<f64>,
    log_bytes: Vec<f64>,
    written: Written,
}

impl Rounds {
    fn measure_one(
        &mut self,
        bench: &mut Bench,
        postgres: &Postgres,
        url: &str,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        let connections = usize::from(settings.connections);
        let requests = bench.render(PLAIN, settings.length())?;
        self.inserts.push(pgbench(postgres, url, connections, settings.seconds)?);
        let (server, engine) = (bench.server.pid(), process(postgres)?);
        let log = log_position(postgres, url)?;
        let before = (machine::processor_time(server)?, machine::processor_time_with_children(engine)?);
        let watch = written::Watch::start(server, bench.site.path())?;
        let mut sent = bench.create(requests, PLAIN, connections, settings.length())?;
        self.written.add(&watch, sent.answered)?;
        let each = |before: f64, after: f64| (after - before) / sent.answered as f64;
        self.server_micros.push(1e6 * each(before.0, machine::processor_time(server)?));
        self.postgres_micros.push(1e6 * each(before.1, machine::processor_time_with_children(engine)?));
        self.log_bytes.push(each(log, log_position(postgres, url)?));
        self.created.push(sent.per_second());
        self.medians.push(sent.latency(0.5));
        self.tails.push(sent.latency(0.99));
        Ok(())
    }

    fn row(self, connections: usize) -> Row {
        let inserts = Series::new("single-row inserts, pgbench", Unit::PerSecond, self.inserts);
        let created = Series::new("create-user", Unit::PerSecond, self.created);
        let ratio = created
            .ratio_to("create-user ÷ single-row inserts", &inserts)
            .compared_with(Target::AtLeast(3.0));
        let micros = |name, values| Series::new(name, Unit::Microseconds, values);
        let mut series = vec![
            inserts,
            created,
            micros("processor time per request, server", self.server_micros),
            micros("processor time per request, PostgreSQL", self.postgres_micros),
            Series::new("latency, median", Unit::Milliseconds, self.medians),
            Series::new("latency, p99", Unit::Milliseconds, self.tails),
            Series::new("bytes of PostgreSQL's log per user", Unit::Bytes, self.log_bytes),
        ];
        series.extend(self.written.series());
        Row {
            title: format!("create-user on PostgreSQL, no password, {connections} connections"),
            series,
            verdicts: vec![ratio],
            others: 0.0,
        }
    }
}

/// The first process of PostgreSQL, the parent of all others.
pub(crate) fn process(postgres: &Postgres) -> anyhow::Result<u32> {
    let file = postgres.folder().join("data/postmaster.pid");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(text.lines().next().unwrap_or_default().parse()?)
}

/// Bytes that PostgreSQL has put into its write-ahead log.
fn log_position(postgres: &Postgres, url: &str) -> anyhow::Result<f64> {
    Ok(postgres.execute(url, "SELECT pg_current_wal_insert_lsn() - '0/0'").trim().parse()?)
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
