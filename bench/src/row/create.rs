//! create-user without a password on many connections, compared with a bare axum POST; and the server's memory meanwhile.

use crate::Settings;
use crate::driver::{self, Load};
use crate::figure::{Row, Series, Target, Unit};
use crate::machine;
use crate::output::Output;
use crate::request::{PLAIN, Requests};

use super::{Bench, WARM_UP};

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let connections = usize::from(settings.connections);
    output.progress("create: warming up");
    let mut bench = Bench::new(settings)?;
    let idle = bench.memory()?;
    let sample = bench.render_some(PLAIN, 1)?;
    let answer = driver::ask(bench.server.address, sample.take().unwrap_or_default())?;
    bench.acknowledged += 1;
    let bare = bench.site.serve_bare(&answer)?;
    let load = |requests: Requests| Load { requests: requests.over_and_over(), connections, every: None };
    bench.warm_up(PLAIN, connections, 20_000)?;
    driver::send(bare.address, load(bench.render_some(PLAIN, 5_000)?), WARM_UP)?;

    let (mut bares, mut ours, mut bare_micros, mut our_micros) = (vec![], vec![], vec![], vec![]);
    let (mut medians, mut tails, mut driver_micros) = (vec![], vec![], vec![]);
    for round in 1..=settings.rounds {
        output.progress(&format!(
            "create: round {round} of {}, server process {}",
            settings.rounds,
            bench.server.pid()
        ));
        let requests = bench.render(PLAIN, settings.length())?;
        let before = machine::processor_time(bare.pid())?;
        let sent = driver::send(bare.address, load(requests), settings.length())?;
        bare_micros.push((machine::processor_time(bare.pid())? - before) * 1e6 / sent.answered as f64);
        bares.push(sent.per_second());

        let before = machine::processor_time(bench.server.pid())?;
        let mut sent = bench.create(sent.requests.once(), PLAIN, connections, settings.length())?;
        our_micros.push((machine::processor_time(bench.server.pid())? - before) * 1e6 / sent.answered as f64);
        ours.push(sent.per_second());
        driver_micros.push(sent.own_micros);
        medians.push(sent.latency(0.5));
        tails.push(sent.latency(0.99));
    }
    let loaded = bench.memory()?;
    bare.stop()?;
    bench.finish()?;

    let bares = Series::new("bare axum POST", Unit::PerSecond, bares);
    let ours = Series::new("create-user", Unit::PerSecond, ours);
    let ratio = ours.over("create-user ÷ bare axum POST", &bares).against(Target::AtLeast(0.5));
    let create = Row {
        title: format!("create-user, no password, {connections} connections"),
        series: vec![
            bares,
            ours,
            Series::new("processor time per request, bare", Unit::Microseconds, bare_micros),
            Series::new("processor time per request, create-user", Unit::Microseconds, our_micros),
            Series::new("processor time per request, driver", Unit::Microseconds, driver_micros),
            Series::new("latency, median", Unit::Milliseconds, medians),
            Series::new("latency, p99", Unit::Milliseconds, tails),
        ],
        verdicts: vec![ratio],
        others: 0.0,
    };
    let memory = |name: &str, value: f64, bound: f64| {
        Series::new(name, Unit::Mebibytes, vec![value]).against(Target::Below(bound))
    };
    let memory = Row {
        title: "memory of the server process".to_owned(),
        series: vec![Series::new("resident after the load", Unit::Mebibytes, vec![loaded.now])],
        verdicts: vec![
            memory("resident at rest, after its start", idle.now, 40.0),
            memory("most resident under the load above", loaded.most, 150.0),
        ],
        others: 0.0,
    };
    Ok(vec![create, memory])
}
