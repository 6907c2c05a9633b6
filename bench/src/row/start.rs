//! From spawn to ready, on a small directory.

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::output::Output;
use crate::site::Site;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let site = Site::new(settings)?;
    let mut times = vec![];
    for round in 1..=settings.rounds {
        output.progress(&format!("start: round {round} of {}", settings.rounds));
        let server = site.serve()?;
        times.push(server.ready_after.as_secs_f64() * 1_000.0);
        server.stop()?;
    }
    site.verify(0)?;
    let ready =
        Series::new("from spawn to ready", Unit::Milliseconds, times).compared_with(Target::Below(200.0));
    Ok(vec![Row {
        title: "start, small directory".to_owned(),
        series: vec![],
        verdicts: vec![ready],
        others: 0.0,
    }])
}
