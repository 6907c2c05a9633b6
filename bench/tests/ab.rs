//! `matricula-bench ab`, on builds that replay reports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A report of the row `create` of an earlier revision.
const OLD: &str = include_str!("ab/create.json");

/// A build that replays these reports.
fn build(folder: &Path, name: &str, reports: &[String]) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir(&folder).unwrap();
    for (number, report) in (1..).zip(reports) {
        std::fs::write(folder.join(format!("{number}.json")), report).unwrap();
    }
    let program = folder.join("bench");
    // A link, because a program that was just written may still be open in another thread.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ab/replay.sh");
    std::os::unix::fs::symlink(script, &program).unwrap();
    program
}

/// The report with another rate of create-user, and a figure that the old revision does not have.
fn newer(rate: f64) -> String {
    let mut report: Value = serde_json::from_str(OLD).unwrap();
    let row = &mut report["rows"][0];
    row["title"] = json!("create-user under another title");
    row["series"][1]["values"] = json!([rate]);
    let fresh = json!({"name": "write calls per user", "unit": "count", "values": [8.5], "median": 8.5});
    row["series"].as_array_mut().unwrap().push(fresh);
    report.to_string()
}

fn compare(old: &Path, new: &Path, rounds: &str, json: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_matricula-bench"))
        .arg("ab")
        .args([old, new])
        .args(["create", "--rounds", rounds, "--json"])
        .arg(json)
        .output()
        .unwrap()
}

#[test]
fn two_builds_run_in_turns_and_each_figure_has_its_ratio() {
    let folder = tempfile::tempdir().unwrap();
    let old = build(folder.path(), "old", &vec![OLD.to_owned(); 3]);
    let rate = 24_922.747_278_899_18;
    let new = build(folder.path(), "new", &[4.0, 2.0, 1.0].map(|times| newer(rate * times)));
    let json = folder.path().join("ab.json");
    let output = compare(&old, &new, "3", &json);
    assert!(output.status.success(), "{output:?}");

    let order = std::fs::read_to_string(folder.path().join("order")).unwrap();
    let order: Vec<&str> = order.lines().map(|line| line.rsplit('/').next().unwrap()).collect();
    assert_eq!(order, ["old", "new", "new", "old", "old", "new"]);

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80 || line.contains('/')), "{text}");
    assert!(text.contains("24 923 → 49 845 /s"), "{text}");
    assert!(text.contains("2.000 (1.000 to 4.000)"), "{text}");
    assert!(
        text.contains("write calls per user\n      8.50                       not measured by OLD"),
        "{text}"
    );
    assert!(text.contains("resident after the load\n      84.5 → 84.5 MiB"), "{text}");
    assert!(text.contains("noise: other processes took 0 % of the machine"), "{text}");

    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let row = &report["rows"][0];
    assert_eq!(row["title"], "create-user under another title");
    let figures = row["figures"].as_array().unwrap();
    let named = |name| figures.iter().find(|figure| figure["name"] == name).unwrap();
    assert_eq!(named("create-user")["ratio"]["values"], json!([4.0, 2.0, 1.0]));
    assert_eq!(named("write calls per user")["old"], Value::Null);
}

#[test]
fn a_round_that_is_not_valid_is_named_and_counts_in_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let old = build(folder.path(), "old", &vec![OLD.to_owned(); 2]);
    let new = build(folder.path(), "new", &[newer(50_000.0)]);
    let json = folder.path().join("ab.json");
    let output = compare(&old, &new, "2", &json);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    let why = "create, round 2, NEW: exit status: 1: matricula-bench: the audit is broken";
    assert!(told.contains(why), "{told}");
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(report["rows"][0]["figures"][1]["ratio"]["values"].as_array().unwrap().len(), 1);
    assert_eq!(report["invalid"].as_array().unwrap().len(), 1);
}
