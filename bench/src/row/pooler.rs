//! create-user on PostgreSQL through pgbouncer in transaction mode, compared with direct connections.

use testkit::{Pooler, Postgres};

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::machine;
use crate::output::Output;
use crate::request::PLAIN;
use crate::site::{self, Site};

use super::{Bench, postgres};

/// That of examples/high-availability.
const POOL_SIZE: usize = 20;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let connections = usize::from(settings.connections);
    let folder = site::folder(settings)?;
    let database = Postgres::start_in(folder.path(), postgres::OPTIONS);
    let pooler = database.as_ref().and_then(|database| Pooler::in_transaction_mode(database, POOL_SIZE));
    let (Some(database), Some(pooler)) = (database, pooler) else {
        output.progress("pooler: left out, PostgreSQL or pgbouncer is not installed");
        return Ok(Vec::new());
    };
    output.progress("pooler: warming up");
    // Two directories, so that neither grows by the requests of the other.
    let mut benches = [database.database(), pooler.url(&database.database())]
        .map(|url| Bench::on_site(Site::with_settings(settings, &format!("store = \"{url}\"\n"), "")?))
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (mut rates, mut micros) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for bench in &mut benches {
        bench.warm_up(PLAIN, connections, 20_000)?;
    }
    for round in 1..=settings.rounds {
        for (n, bench) in benches.iter_mut().enumerate() {
            bench.show_round("pooler", round, settings, output);
            let requests = bench.render(PLAIN, settings.length())?;
            let server = bench.server.pid();
            let used = || -> anyhow::Result<f64> {
                let server = machine::processor_time(server)?;
                let database = machine::processor_time_with_children(postgres::process(&database)?)?;
                Ok(server + database + machine::processor_time(pooler.process())?)
            };
            let before = used()?;
            let sent = bench.create(requests, PLAIN, connections, settings.length())?;
            micros[n].push((used()? - before) * 1e6 / sent.answered as f64);
            rates[n].push(sent.per_second());
        }
    }
    benches.into_iter().try_for_each(Bench::finish)?;
    let ([direct, pooled], [direct_micros, pooled_micros]) = (rates, micros);
    let direct = Series::new("direct connections", Unit::PerSecond, direct);
    let pooled = Series::new("through pgbouncer", Unit::PerSecond, pooled);
    let ratio = pooled.ratio_to("through pgbouncer ÷ direct", &direct).compared_with(Target::AtLeast(0.7));
    Ok(vec![Row {
        title: format!("create-user through pgbouncer in transaction mode, {connections} connections"),
        series: vec![
            direct,
            pooled,
            Series::new("processor time per request, all, direct", Unit::Microseconds, direct_micros),
            Series::new("processor time per request, all, pooled", Unit::Microseconds, pooled_micros),
        ],
        verdicts: vec![ratio],
        others: 0.0,
    }])
}
