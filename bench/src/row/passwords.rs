//! create-user with passwords, beside the time of one hash; and requests without a password meanwhile.

use std::time::Duration;

use crate::Settings;
use crate::ceiling;
use crate::driver::{self, Load};
use crate::figure::{Row, Series, Target, Unit};
use crate::machine;
use crate::output::Output;
use crate::request::{PLAIN, Shape};

use super::Bench;

/// More than there are hashing threads, so that one is always waiting.
const CONNECTIONS: usize = 16;

/// Of the requests without a password: few, so that they measure and do not load.
const PLAIN_CONNECTIONS: usize = 4;

/// Each of them every 20 ms: 200 a second.
const PLAIN_EVERY: Duration = Duration::from_millis(20);

const WITH_PASSWORD: Shape = Shape { items: 1, passwords: true };

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    output.progress("passwords: warming up");
    let mut bench = Bench::new(settings)?;
    bench.warm_up(PLAIN, PLAIN_CONNECTIONS, 2_000)?;
    bench.warm_up(WITH_PASSWORD, CONNECTIONS, 1_000)?;
    let cores = machine::cores();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most")]
    let plain_count = (settings.seconds / PLAIN_EVERY.as_secs_f64()).ceil() as usize * PLAIN_CONNECTIONS
        + PLAIN_CONNECTIONS;
    let (mut one, mut all, mut ours, mut beside) = (vec![], vec![], vec![], vec![]);
    let (mut quiet, mut loaded, mut quiet_medians, mut loaded_medians) = (vec![], vec![], vec![], vec![]);
    for round in 1..=settings.rounds {
        output.progress(&format!(
            "passwords: round {round} of {}, server process {}",
            settings.rounds,
            bench.server.pid()
        ));
        one.push(ceiling::hashes(1, settings.length())? * cores as f64);
        all.push(ceiling::hashes(cores, settings.length())?);

        let requests = bench.render(WITH_PASSWORD, settings.length())?;
        ours.push(bench.create(requests, WITH_PASSWORD, CONNECTIONS, settings.length())?.per_second());

        let requests = bench.render_some(PLAIN, plain_count)?;
        let plain = Load { requests, connections: PLAIN_CONNECTIONS, every: Some(PLAIN_EVERY) };
        let mut sent = driver::send(bench.server.address, plain, settings.length())?;
        bench.acknowledged += sent.answered;
        quiet_medians.push(sent.latency(0.5));
        quiet.push(sent.latency(0.99));

        let requests = bench.render_some(PLAIN, plain_count)?;
        let plain = Load { requests, connections: PLAIN_CONNECTIONS, every: Some(PLAIN_EVERY) };
        let requests = bench.render(WITH_PASSWORD, settings.length())?;
        let hashed = Load { requests, connections: CONNECTIONS, every: None };
        let mut both = driver::send_together(bench.server.address, vec![plain, hashed], settings.length())?;
        bench.acknowledged += both.iter().map(|sent| sent.answered).sum::<u64>();
        loaded_medians.push(both[0].latency(0.5));
        loaded.push(both[0].latency(0.99));
        beside.push(both[1].per_second());
    }
    bench.finish()?;
    let one = Series::new("cores ÷ time of one hash", Unit::PerSecond, one);
    let all = Series::new("hashes on all cores at once", Unit::PerSecond, all);
    let ours = Series::new("create-user with a password", Unit::PerSecond, ours);
    let beside = Series::new("the same, beside 200/s without a password", Unit::PerSecond, beside);
    let quiet = Series::new("p99 without a password, unloaded", Unit::Milliseconds, quiet);
    let loaded = Series::new("p99 without a password, meanwhile", Unit::Milliseconds, loaded);
    let ratio = ours.over("creations ÷ (cores ÷ time of one hash)", &one).against(Target::AtLeast(0.9));
    let tail = loaded.over("p99 meanwhile ÷ p99 unloaded", &quiet).against(Target::Below(5.0));
    let informs = ours.over("creations ÷ hashes on all cores at once", &all);
    Ok(vec![Row {
        title: format!("create-user with a password, {CONNECTIONS} connections"),
        series: vec![
            one,
            all,
            ours,
            beside,
            Series::new("median without a password, unloaded", Unit::Milliseconds, quiet_medians),
            Series::new("median without a password, meanwhile", Unit::Milliseconds, loaded_medians),
            quiet,
            loaded,
            informs,
        ],
        verdicts: vec![ratio, tail],
        others: 0.0,
    }])
}
