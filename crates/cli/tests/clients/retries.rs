//! A `requests.Session` that retries calls by itself.

use serde_json::{Value, json};

use crate::compatibility;
use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::tools;

/// Allows one body at a time and one call per second.
const NARROW: &str =
    "[limits]\nbody_bytes = 1000\nbodies_bytes = 1000\n[quota]\ncalls = 1\nwindow_ms = 1000\n";

/// The quota of tests in which a library repeats a call.
pub(crate) const ONE_CALL_PER_SECOND: &str = "[quota]\ncalls = 1\nwindow_ms = 1000\n";

#[test]
fn a_requests_session_retries_temporary_refusals() {
    let what = "the session with retries";
    let Some(python) = tools::python(what, "import requests", "python3 with requests") else { return };
    let version = tools::python_version(&python, &["requests", "urllib3"]);
    let mut sandbox = Sandbox::start_tls();
    sandbox.serve_instead(NARROW);
    let client = Client::new([python, tools::file("session_with_retries.py")]);
    let client = client.with_variables(sandbox.trusted_by("REQUESTS_CA_BUNDLE"));

    let output = client.run(&sandbox.keys_with(&[]), &["repeated"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let came: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(came["repeated"], json!([429, 503]));
    let created = came["created"].as_array().unwrap();
    assert!(created.len() >= 2);
    for (n, address) in created.iter().enumerate() {
        assert_eq!(*address, json!(format!("repeated{n}@example.com")), "each call created its user, once");
    }
    compatibility::record_run(&compatibility::RETRIES, &version);
}

#[test]
fn httpx_with_retries_waits_for_the_quota() {
    let what = "httpx with retries";
    let Some(python) = tools::python(what, "import httpx_retries", "python3 with httpx-retries") else {
        return;
    };
    let version = tools::python_version(&python, &["httpx", "httpx-retries"]);
    let mut sandbox = Sandbox::start_tls();
    sandbox.serve_instead(ONE_CALL_PER_SECOND);
    let client = Client::new([python, tools::file("httpx_retries_client.py")]);
    let client = client.with_variables(sandbox.trusted_by("SSL_CERT_FILE"));
    let output = client.run(&sandbox.keys_with(&[]), &["repeated"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let created: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(created, json!(["repeated0@example.com", "repeated1@example.com"]));
    compatibility::record_run(&compatibility::HTTPX_RETRIES, &version);
}
