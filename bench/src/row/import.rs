//! `matricula import` of a CSV file, compared with the same users in prepared requests.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::output::Output;
use crate::request::Shape;

use super::Bench;

/// The defaults of the import.
const CONNECTIONS: usize = 4;
const BATCH: usize = 100;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let Some(program) = program()? else {
        output.progress("import: left out, the program is not built: cargo build --release");
        return Ok(Vec::new());
    };
    output.progress("import: warming up");
    let shape = Shape { items: BATCH, passwords: false };
    let mut bench = Bench::new(settings)?;
    let keys = bench.site.file("keys.json");
    server::config::write_private(&keys, &bench.site.keys_json(bench.server.address)?)?;
    bench.warm_up(shape, CONNECTIONS, 500)?;
    let (mut bulk, mut ours, mut memory) = (vec![], vec![], vec![]);
    for round in 1..=settings.rounds {
        bench.show_round("import", round, settings, output);
        let requests = bench.render(shape, settings.length())?;
        let sent = bench.create(requests, shape, CONNECTIONS, settings.length())?;
        bulk.push(sent.per_second() * BATCH as f64);
        // As many users as the server would create in that time.
        let users = sent.answered * BATCH as u64;
        let file = bench.site.file(&format!("users-{round}.csv"));
        let mut csv = std::io::BufWriter::new(std::fs::File::create(&file)?);
        writeln!(csv, "email,name")?;
        for _ in 0..users {
            let person = bench.people.next_person();
            writeln!(csv, "{},{}", person.address, person.name)?;
        }
        csv.into_inner()?;
        let output =
            Command::new(&program).args(["--json", "import", "--keys"]).arg(&keys).arg(&file).output()?;
        let told = || String::from_utf8_lossy(&output.stderr).into_owned();
        let report: Value = serde_json::from_slice(&output.stdout).with_context(told)?;
        anyhow::ensure!(report["counts"]["created"] == users, "not everybody was created: {report}");
        bench.acknowledged += users;
        ours.push(report["per_second"].as_f64().context("a rate")?);
        memory.push(report["peak_memory_kib"].as_f64().context("memory")? / 1_024.0);
    }
    bench.finish()?;
    let bulk = Series::new("create-user, rendered before, 4 connections", Unit::PerSecond, bulk);
    let ours = Series::new("import of a CSV", Unit::PerSecond, ours);
    let ratio = ours.ratio_to("import ÷ rendered before", &bulk).compared_with(Target::AtLeast(0.7));
    Ok(vec![Row {
        title: "matricula import, 100 users a request".to_owned(),
        series: vec![bulk, ours, Series::new("most resident, importer", Unit::Mebibytes, memory)],
        verdicts: vec![ratio],
        others: 0.0,
    }])
}

/// The `matricula` binary in the folder of this program.
fn program() -> anyhow::Result<Option<PathBuf>> {
    let program = std::env::current_exe()?.with_file_name("matricula");
    Ok(program.exists().then_some(program))
}
