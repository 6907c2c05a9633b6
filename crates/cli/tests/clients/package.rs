//! The PyPI package `mimecast-api`, as published.

use serde_json::{Value, json};

use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::{compatibility, sample, tools};

/// The version of the package is only in the metadata that pip keeps.
const CHECK: &str = "import importlib.metadata, mimecast_api, sys; \
                     sys.exit(importlib.metadata.version('mimecast-api') != '0.5')";

#[test]
fn the_published_package_reads_every_answer() {
    let what = "the PyPI package";
    let Some(python) = tools::python(what, CHECK, "python3 with mimecast-api 0.5") else { return };
    let version = tools::python_version(&python, &["mimecast-api", "requests"]);
    let sandbox = Sandbox::start_tls();
    let client = Client::new([python, tools::file("mimecast_api_package.py")]);
    let client = client.with_variables(sandbox.trusted_by("REQUESTS_CA_BUNDLE"));

    let expired = sandbox.expired_keys();
    let output = client.run(&sandbox.keys_with(&[]), &["ann@example.com", expired.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let steps: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(steps["created"][0]["emailAddress"], "ann@example.com");
    let key = json!({ "emailAddress": "ann@example.com", "name": "Ann Lee", "forcePasswordChange": false });
    sample::is_duplicate(&steps["duplicate"], &key);
    sample::is_bad_signature(&steps["wrong_secret"]);
    let error = &steps["wrong_app_id"]["fail"][0]["errors"][0];
    assert_eq!(error["message"], "App ID is invalid: no-such-application");
    let error = &steps["expired"]["fail"][0]["errors"][0];
    assert!(error["message"].as_str().unwrap().contains("AccessKey Has Expired"), "{error}");
    assert_eq!(steps["absent"]["meta"], json!({ "status": 404 }));
    compatibility::record_run(&compatibility::PACKAGE, &version);
}

#[test]
fn the_published_package_surprises_its_users_and_is_told_why() {
    let what = "the PyPI package, where it surprises";
    let Some(python) = tools::python(what, CHECK, "python3 with mimecast-api 0.5") else { return };
    let version = tools::python_version(&python, &["mimecast-api", "requests"]);
    let sandbox = Sandbox::start_tls();
    let client = Client::new([python, tools::file("mimecast_api_surprises.py")]);
    let client = client.with_variables(sandbox.trusted_by("REQUESTS_CA_BUNDLE"));

    let output = client.run(&sandbox.keys_with(&[]), &["odd"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let steps: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(steps["prefixed"][0]["emailAddress"], "odd-prefixed@example.com");
    let mixed = &steps["mixed"];
    assert_eq!(mixed["data"][0]["emailAddress"], "odd-good@example.com", "{mixed}");
    assert_eq!(mixed["fail"][0]["errors"][0]["code"], "err_validation_invalid_email_address", "{mixed}");
    let redirected = &steps["redirected"]["fail"][0]["errors"][0];
    assert_eq!(redirected["code"], "err_xdk_missing_header");
    assert!(redirected["message"].as_str().unwrap().contains("The header authorization is missing"));
    compatibility::record_run(&compatibility::PACKAGE_SURPRISES, &version);
}
