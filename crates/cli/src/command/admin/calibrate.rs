//! `matricula admin calibrate`

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use server::admin::{Cost, Timed, affordable, suggested};

use crate::output::{Failed, Output};

#[derive(Args)]
pub(super) struct Calibrate {
    /// Milliseconds that one hash may take
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    milliseconds: u64,
}

pub(super) fn run(Calibrate { milliseconds }: &Calibrate, output: &Output) -> Result<(), Failed> {
    let target = Duration::from_millis(*milliseconds);
    let costs = affordable(target).context("could not measure")?;
    let suggested = suggested(&costs, target).context("there is nothing to measure")?;
    let mut text = format!("{:>10} {:>8} {:>10} {:>12}\n", "MiB", "passes", "ms a hash", "hashes/s");
    for Timed { cost, time } in &costs {
        let (mib, millis) = (cost.memory_kib >> 10, time.as_secs_f64() * 1_000.0);
        text.push_str(&format!(
            "{mib:>10} {:>8} {millis:>10.1} {:>12.0}\n",
            cost.iterations,
            1_000.0 / millis
        ));
    }
    let Cost { memory_kib, iterations, parallelism } = suggested.cost;
    text.push_str(&format!(
        "\nMost memory within {milliseconds} ms. For matricula.toml:\n\n[passwords]\nmemory_kib = {memory_kib}\n\
         iterations = {iterations}\nparallelism = {parallelism}\n\nEach hashing thread keeps {} MiB. Hashes of another \
         cost stay valid and are\nreplaced at the next login.",
        memory_kib >> 10
    ));
    let costs: Vec<_> = costs.iter().map(object).collect();
    let value = json!({ "milliseconds": milliseconds, "costs": costs, "suggested": object(&suggested) });
    Ok(output.say(value, text)?)
}

fn object(Timed { cost, time }: &Timed) -> Value {
    let Cost { memory_kib, iterations, parallelism } = cost;
    json!({
        "memory_kib": memory_kib, "iterations": iterations, "parallelism": parallelism,
        "milliseconds": time.as_secs_f64() * 1_000.0,
    })
}
