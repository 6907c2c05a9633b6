//! create-user without a password on many connections, compared with a bare axum POST, and the memory of the server.

use crate::Settings;
use crate::driver;
use crate::figure::{Row, Series, Target, Unit};
use crate::machine::{self, Memory};
use crate::output::Output;
use crate::process::Process;
use crate::request::PLAIN;
use crate::written::{self, Written};

use super::{Bench, WARM_UP, bare_load};

/// The results of each round.
#[derive(Default)]
struct Rounds {
    bare: Vec<f64>,
    created: Vec<f64>,
    bare_micros: Vec<f64>,
    created_micros: Vec<f64>,
    driver_micros: Vec<f64>,
    medians: Vec<f64>,
    tails: Vec<f64>,
    written: Written,
}

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let connections = usize::from(settings.connections);
    output.progress("create: warming up");
    let mut bench = Bench::new(settings)?;
    let idle = bench.memory()?;
    let bare = bench.serve_bare()?;
    bench.warm_up(PLAIN, connections, 20_000)?;
    driver::send(bare.address, bare_load(bench.render_some(PLAIN, 5_000)?, connections), WARM_UP)?;

    let mut rounds = Rounds::default();
    for round in 1..=settings.rounds {
        bench.show_round("create", round, settings, output);
        rounds.measure_one(&mut bench, &bare, settings)?;
    }
    let loaded = bench.memory()?;
    bare.stop()?;
    bench.finish()?;
    Ok(vec![rounds.row(connections), memory_row(idle, loaded)])
}

impl Rounds {
    fn measure_one(&mut self, bench: &mut Bench, bare: &Process, settings: &Settings) -> anyhow::Result<()> {
        let connections = usize::from(settings.connections);
        let requests = bench.render(PLAIN, settings.length())?;
        let before = machine::processor_time(bare.pid())?;
        let sent = driver::send(bare.address, bare_load(requests, connections), settings.length())?;
        self.bare_micros.push((machine::processor_time(bare.pid())? - before) * 1e6 / sent.answered as f64);
        self.bare.push(sent.per_second());

        let server = bench.server.pid();
        let before = machine::processor_time(server)?;
        let watch = written::Watch::start(server, bench.site.path())?;
        let mut sent = bench.create(sent.requests.once(), PLAIN, connections, settings.length())?;
        self.created_micros.push((machine::processor_time(server)? - before) * 1e6 / sent.answered as f64);
        self.written.add(&watch, sent.answered)?;
        self.created.push(sent.per_second());
        self.driver_micros.push(sent.own_micros);
        self.medians.push(sent.latency(0.5));
        self.tails.push(sent.latency(0.99));
        Ok(())
    }

    fn row(self, connections: usize) -> Row {
        let bare = Series::new("bare axum POST", Unit::PerSecond, self.bare);
        let created = Series::new("create-user", Unit::PerSecond, self.created);
        let ratio =
            created.ratio_to("create-user ÷ bare axum POST", &bare).compared_with(Target::AtLeast(0.5));
        let micros = |name, values| Series::new(name, Unit::Microseconds, values);
        let mut series = vec![
            bare,
            created,
            micros("processor time per request, bare", self.bare_micros),
            micros("processor time per request, create-user", self.created_micros),
            micros("processor time per request, driver", self.driver_micros),
            Series::new("latency, median", Unit::Milliseconds, self.medians),
            Series::new("latency, p99", Unit::Milliseconds, self.tails),
        ];
        series.extend(self.written.series());
        Row {
            title: format!("create-user, no password, {connections} connections"),
            series,
            verdicts: vec![ratio],
            others: 0.0,
        }
    }
}

fn memory_row(idle: Memory, loaded: Memory) -> Row {
    let memory = |name: &str, value: f64, bound: f64| {
        Series::new(name, Unit::Mebibytes, vec![value]).compared_with(Target::Below(bound))
    };
    Row {
        title: "memory of the server process".to_owned(),
        series: vec![Series::new("resident after the load", Unit::Mebibytes, vec![loaded.now])],
        verdicts: vec![
            memory("resident at rest, after its start", idle.now, 40.0),
            memory("most resident under the load above", loaded.most, 150.0),
        ],
        others: 0.0,
    }
}
