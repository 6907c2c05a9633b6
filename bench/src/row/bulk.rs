//! 100 items per request, compared with a plain loop of rusqlite.

use crate::Settings;
use crate::ceiling::{PlainLoop, ROWS, Rows};
use crate::figure::{Row, Series, Target, Unit};
use crate::output::Output;
use crate::request::Shape;

use super::Bench;

/// As many as an import uses: the server writes one request while it reads the next.
const CONNECTIONS: usize = 4;

const BULK: Shape = Shape { items: ROWS, passwords: false };

/// Rows per second to prepare for the first loop; more than any machine writes durably.
const FIRST_ROWS: usize = 50_000;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    output.progress("bulk: warming up");
    let mut bench = Bench::new(settings)?;
    bench.warm_up(BULK, CONNECTIONS, 500)?;
    let mut users = PlainLoop::new(bench.site.path(), Rows::Users)?;
    let mut all = PlainLoop::new(bench.site.path(), Rows::UsersAuditAnswers)?;
    users.run(super::WARM_UP, FIRST_ROWS)?;
    all.run(super::WARM_UP, FIRST_ROWS)?;
    let (mut plain, mut with_all, mut ours, mut alone, mut tails) = (vec![], vec![], vec![], vec![], vec![]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few million at most")]
    let rows = (settings.seconds * 250_000.0) as usize;
    for round in 1..=settings.rounds {
        bench.show_round("bulk", round, settings, output);
        plain.push(users.run(settings.length(), rows)?);
        let requests = bench.render(BULK, settings.length())?;
        let mut sent = bench.create(requests, BULK, CONNECTIONS, settings.length())?;
        ours.push(sent.per_second() * ROWS as f64);
        tails.push(sent.latency(0.99));
        let requests = bench.render(BULK, settings.length())?;
        alone.push(bench.create(requests, BULK, 1, settings.length())?.per_second() * ROWS as f64);
        // The rendered requests can be used by all connections again.
        bench.pace = sent.per_second();
        with_all.push(all.run(settings.length(), rows)?);
    }
    users.verify()?;
    all.verify()?;
    bench.finish()?;
    let plain = Series::new("plain loop, users only", Unit::PerSecond, plain);
    let with_all = Series::new("plain loop, also audit and answers", Unit::PerSecond, with_all);
    let ours = Series::new("create-user, 4 connections", Unit::PerSecond, ours);
    let alone = Series::new("create-user, 1 connection", Unit::PerSecond, alone);
    let ratio =
        ours.ratio_to("create-user ÷ plain loop, users only", &plain).compared_with(Target::AtLeast(0.6));
    let informs = ours.ratio_to("create-user ÷ loop with audit and answers", &with_all);
    let alone_informs = alone.ratio_to("1 connection ÷ plain loop, users only", &plain);
    Ok(vec![Row {
        title: "users, 100 items a request".to_owned(),
        series: vec![
            plain,
            with_all,
            ours,
            alone,
            Series::new("latency of a request, p99", Unit::Milliseconds, tails),
            informs,
            alone_informs,
        ],
        verdicts: vec![ratio],
        others: 0.0,
    }])
}
