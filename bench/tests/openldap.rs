//! `matricula-bench peer-openldap`: adds to a real slapd, or says that it is not installed.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_separate_slapd_is_measured_if_installed() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_matricula-bench"))
        .args(["peer-openldap", "--rounds", "1", "--seconds", "0.2", "--json"])
        .arg(&json)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let row = &report["rows"][0];
    if row["title"].as_str().unwrap().contains("slapd is not installed") {
        return testkit::left_out("the row of OpenLDAP", "slapd");
    }
    let [theirs, ours] = [0, 1].map(|series| row["series"][series]["median"].as_f64().unwrap());
    assert!(theirs > 0.0 && ours > 0.0, "{row}");
}
