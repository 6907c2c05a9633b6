//! create-user on one connection, compared with forced writes.

use crate::Settings;
use crate::ceiling;
use crate::figure::{Row, Series, Target, Unit};
use crate::output::Output;
use crate::request::PLAIN;

use super::Bench;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    output.progress("single: warming up");
    let mut bench = Bench::new(settings)?;
    bench.warm_up(PLAIN, 1, 5_000)?;
    let (mut writes, mut ours, mut medians, mut tails) = (vec![], vec![], vec![], vec![]);
    for round in 1..=settings.rounds {
        bench.show_round("single", round, settings, output);
        let requests = bench.render(PLAIN, settings.length())?;
        writes.push(ceiling::forced_writes(bench.site.path(), settings.length())?);
        let mut sent = bench.create(requests, PLAIN, 1, settings.length())?;
        ours.push(sent.per_second());
        medians.push(sent.latency(0.5));
        tails.push(sent.latency(0.99));
    }
    bench.finish()?;
    let writes = Series::new("forced writes of 4 KiB", Unit::PerSecond, writes);
    let ours = Series::new("create-user", Unit::PerSecond, ours);
    let ratio = ours.ratio_to("create-user ÷ forced writes", &writes).compared_with(Target::AtLeast(0.6));
    let tail = Series::new("latency, p99", Unit::Milliseconds, tails).compared_with(Target::Below(10.0));
    Ok(vec![Row {
        title: "create-user, no password, one connection".to_owned(),
        series: vec![writes, ours, Series::new("latency, median", Unit::Milliseconds, medians)],
        verdicts: vec![ratio, tail],
        others: 0.0,
    }])
}
