//! create-user with passwords, compared with the time of one hash; and the latency of requests without one meanwhile.

use std::time::Duration;

use crate::Settings;
use crate::ceiling;
use crate::driver::{self, Load};
use crate::figure::{Row, Series, Target, Unit};
use crate::machine;
use crate::output::Output;
use crate::request::{PLAIN, WITH_PASSWORD};

use super::Bench;

/// More than the hashing threads, so that one is always waiting.
const CONNECTIONS: usize = 16;

/// Connections without a password: few, so that they measure but do not load.
const PLAIN_CONNECTIONS: usize = 4;

/// Every connection sends each 20 ms: 200 requests per second.
const PLAIN_EVERY: Duration = Duration::from_millis(20);

/// The results of each round: rates, and latencies of requests without a password.
#[derive(Default)]
struct Rounds {
    one_hash: Vec<f64>,
    all_cores: Vec<f64>,
    created: Vec<f64>,
    created_meanwhile: Vec<f64>,
    quiet_tails: Vec<f64>,
    quiet_medians: Vec<f64>,
    loaded_tails: Vec<f64>,
    loaded_medians: Vec<f64>,
}

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    output.progress("passwords: warming up");
    let mut bench = Bench::new(settings)?;
    bench.warm_up(PLAIN, PLAIN_CONNECTIONS, 2_000)?;
    bench.warm_up(WITH_PASSWORD, CONNECTIONS, 1_000)?;
    let mut rounds = Rounds::default();
    for round in 1..=settings.rounds {
        bench.show_round("passwords", round, settings, output);
        rounds.measure_one(&mut bench, settings)?;
    }
    bench.finish()?;
    Ok(vec![rounds.row()])
}

/// Paced requests without a password, enough for the length of a round.
fn plain_load(bench: &mut Bench, settings: &Settings) -> anyhow::Result<Load> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most")]
    let count = (settings.seconds / PLAIN_EVERY.as_secs_f64()).ceil() as usize * PLAIN_CONNECTIONS
        + PLAIN_CONNECTIONS;
    let requests = bench.render_some(PLAIN, count)?;
    Ok(Load { requests, connections: PLAIN_CONNECTIONS, every: Some(PLAIN_EVERY) })
}

impl Rounds {
    fn measure_one(&mut self, bench: &mut Bench, settings: &Settings) -> anyhow::Result<()> {
        let (length, cores) = (settings.length(), machine::cores());
        self.one_hash.push(ceiling::hashes(1, length)? * cores as f64);
        self.all_cores.push(ceiling::hashes(cores, length)?);

        let requests = bench.render(WITH_PASSWORD, length)?;
        self.created.push(bench.create(requests, WITH_PASSWORD, CONNECTIONS, length)?.per_second());

        let plain = plain_load(bench, settings)?;
        let mut quiet = driver::send(bench.server.address, plain, length)?;
        bench.acknowledged += quiet.answered;
        self.quiet_medians.push(quiet.latency(0.5));
        self.quiet_tails.push(quiet.latency(0.99));

        let plain = plain_load(bench, settings)?;
        let requests = bench.render(WITH_PASSWORD, length)?;
        let hashed = Load { requests, connections: CONNECTIONS, every: None };
        let mut both = driver::send_together(bench.server.address, vec![plain, hashed], length)?;
        bench.acknowledged += both.iter().map(|sent| sent.answered).sum::<u64>();
        self.loaded_medians.push(both[0].latency(0.5));
        self.loaded_tails.push(both[0].latency(0.99));
        self.created_meanwhile.push(both[1].per_second());
        Ok(())
    }

    fn row(self) -> Row {
        let rate = |name, values| Series::new(name, Unit::PerSecond, values);
        let latency = |name, values| Series::new(name, Unit::Milliseconds, values);
        let one = rate("cores ÷ time of one hash", self.one_hash);
        let all = rate("hashes on all cores at once", self.all_cores);
        let created = rate("create-user with a password", self.created);
        let quiet = latency("p99 without a password, unloaded", self.quiet_tails);
        let loaded = latency("p99 without a password, meanwhile", self.loaded_tails);
        let ratio = created
            .ratio_to("creations ÷ (cores ÷ time of one hash)", &one)
            .compared_with(Target::AtLeast(0.9));
        let tail = loaded.ratio_to("p99 meanwhile ÷ p99 unloaded", &quiet).compared_with(Target::Below(5.0));
        let informs = created.ratio_to("creations ÷ hashes on all cores at once", &all);
        Row {
            title: format!("create-user with a password, {CONNECTIONS} connections"),
            series: vec![
                one,
                all,
                created,
                rate("the same, beside 200/s without a password", self.created_meanwhile),
                latency("median without a password, unloaded", self.quiet_medians),
                latency("median without a password, meanwhile", self.loaded_medians),
                quiet,
                loaded,
                informs,
            ],
            verdicts: vec![ratio, tail],
            others: 0.0,
        }
    }
}
