//! create-user on one connection, compared with forced writes, and with a bare answer and a forced write in series: the
//! least that a server does which acknowledges only what is on disk.

use crate::Settings;
use crate::ceiling;
use crate::driver;
use crate::figure::{Row, Series, Target, Unit};
use crate::output::Output;
use crate::request::PLAIN;

use super::{Bench, bare_load};

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    output.progress("single: warming up");
    let mut bench = Bench::new(settings)?;
    let bare = bench.serve_bare()?;
    bench.warm_up(PLAIN, 1, 5_000)?;
    let (mut writes, mut bares, mut bounds) = (vec![], vec![], vec![]);
    let (mut ours, mut medians, mut tails) = (vec![], vec![], vec![]);
    for round in 1..=settings.rounds {
        bench.show_round("single", round, settings, output);
        let requests = bench.render(PLAIN, settings.length())?;
        let forced = ceiling::forced_writes(bench.site.path(), settings.length())?;
        let answered = driver::send(bare.address, bare_load(requests, 1), settings.length())?;
        writes.push(forced);
        bares.push(answered.per_second());
        bounds.push(in_series(answered.per_second(), forced));
        let mut sent = bench.create(answered.requests.once(), PLAIN, 1, settings.length())?;
        ours.push(sent.per_second());
        medians.push(sent.latency(0.5));
        tails.push(sent.latency(0.99));
    }
    bare.stop()?;
    bench.finish()?;
    let writes = Series::new("forced writes of 4 KiB", Unit::PerSecond, writes);
    let bounds = Series::new("a bare answer and a forced write in series", Unit::PerSecond, bounds);
    let ours = Series::new("create-user", Unit::PerSecond, ours);
    let of_bound = ours.ratio_to("create-user ÷ both in series", &bounds);
    let ratio = ours.ratio_to("create-user ÷ forced writes", &writes).compared_with(Target::AtLeast(0.6));
    let tail = Series::new("latency, p99", Unit::Milliseconds, tails).compared_with(Target::Below(10.0));
    Ok(vec![Row {
        title: "create-user, no password, one connection".to_owned(),
        series: vec![
            writes,
            Series::new("bare axum POST", Unit::PerSecond, bares),
            bounds,
            ours,
            of_bound,
            Series::new("latency, median", Unit::Milliseconds, medians),
        ],
        verdicts: vec![ratio, tail],
        others: 0.0,
    }])
}

/// The rate of one after the other, from the rates of both.
fn in_series(one: f64, other: f64) -> f64 {
    1.0 / (1.0 / one + 1.0 / other)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_steps_in_series_take_the_time_of_both() {
        assert!((super::in_series(30_000.0, 10_000.0) - 7_500.0).abs() < 1e-6);
    }
}
