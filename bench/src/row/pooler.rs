//! create-user on PostgreSQL through pgbouncer in transaction mode, compared with direct connections.

use testkit::{Pooler, Postgres};

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::output::Output;
use crate::request::PLAIN;
use crate::site::{self, Site};

use super::Bench;
use super::postgres::OPTIONS;

/// That of examples/high-availability.
const POOL_SIZE: usize = 20;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let connections = usize::from(settings.connections);
    let folder = site::folder(settings)?;
    let postgres = Postgres::start_in(folder.path(), OPTIONS);
    let pooler = postgres.as_ref().and_then(|postgres| Pooler::in_transaction_mode(postgres, POOL_SIZE));
    let (Some(postgres), Some(pooler)) = (postgres, pooler) else {
        output.progress("pooler: left out, PostgreSQL or pgbouncer is not installed");
        return Ok(Vec::new());
    };
    output.progress("pooler: warming up");
    // Two directories, so that neither grows by the requests of the other.
    let mut benches = [postgres.database(), pooler.url(&postgres.database())]
        .map(|url| Bench::on_site(Site::with_settings(settings, &format!("store = \"{url}\"\n"), "")?))
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut rates = [Vec::new(), Vec::new()];
    for bench in &mut benches {
        bench.warm_up(PLAIN, connections, 20_000)?;
    }
    for round in 1..=settings.rounds {
        for (bench, rates) in benches.iter_mut().zip(&mut rates) {
            bench.show_round("pooler", round, settings, output);
            let requests = bench.render(PLAIN, settings.length())?;
            rates.push(bench.create(requests, PLAIN, connections, settings.length())?.per_second());
        }
    }
    benches.into_iter().try_for_each(Bench::finish)?;
    let [direct, pooled] = rates;
    let direct = Series::new("direct connections", Unit::PerSecond, direct);
    let pooled = Series::new("through pgbouncer", Unit::PerSecond, pooled);
    let ratio = pooled.ratio_to("through pgbouncer ÷ direct", &direct).compared_with(Target::AtLeast(0.7));
    Ok(vec![Row {
        title: format!("create-user through pgbouncer in transaction mode, {connections} connections"),
        series: vec![direct, pooled],
        verdicts: vec![ratio],
        others: 0.0,
    }])
}
