//! The whole course of an integration that has an application and a password, but no keys.

use std::path::Path;

use serde_json::{Value, json};

use crate::compatibility;
use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::tools;

#[test]
fn a_script_from_practice_runs_to_its_end() {
    let what = "the course of a script";
    let Some(python) = tools::python(what, "import requests", "python3 with requests") else { return };
    let version = tools::python_version(&python, &["requests"]);
    let sandbox = Sandbox::start_tls();
    let client = Client::new([python, tools::file("course.py")]);
    let client = client.with_variables(sandbox.trusted_by("REQUESTS_CA_BUNDLE"));

    runs_to_its_end(&client, &sandbox.keys_with(&[]), sandbox.key("base_url"));
    compatibility::record_run(&compatibility::COURSE, &version);
}

/// Runs the course at a server whose discovery returns this URL.
pub(crate) fn runs_to_its_end(client: &Client, keys: &Path, url: &str) {
    let output = client.run(keys, &["ann@example.com"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let steps: Value = serde_json::from_slice(&output.stdout).unwrap();

    let discovered = &steps["discovered"]["data"][0];
    assert_eq!(discovered["authenticate"], json!(["Basic-Cloud"]));
    assert_eq!(discovered["region"]["api"], url);
    assert_eq!(
        steps["logged_in"],
        json!(["accessKey", "bindingType", "duration", "extendOnValidate", "secretKey"])
    );
    assert_eq!(steps["account"]["accountCode"], "CSANDBOX01");
    let domain = &steps["domains"]["data"][0];
    assert_eq!((&domain["domain"], &domain["inboundType"]), (&json!("example.com"), &json!("known")));
    assert_eq!(steps["created"]["fail"], json!([]));
    assert_eq!(steps["read"]["data"][0]["name"], "Ann O'Brien");
    assert_eq!(steps["locked"]["data"][0]["accountLocked"], true);
    assert_eq!(steps["profile"]["data"][0]["localPassword"], false);
    let users = ["abuse", "administrator", "ann", "postmaster"].map(|user| format!("{user}@example.com"));
    assert_eq!(steps["users"], json!(users));
    assert_eq!(steps["added"], json!([]));
    let again = &steps["added_again"][0]["errors"][0];
    assert_eq!(again["code"], "err_folder_group_member_already_exists");
    assert_eq!(steps["folders"], json!(["Everybody"]));
    assert_eq!(steps["members"], json!(["ann@example.com"]));
    assert_eq!(steps["removed"], json!([]));
    assert_eq!(steps["prolonged"], true);
    assert_eq!((&steps["logged_out"], &steps["afterwards"]), (&json!(200), &json!(401)));
}
