//! Python: requests, with the text of a dict as the body.

use serde_json::{Value, json};

use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::{compatibility, sample, tools};

#[test]
fn python_sends_the_text_of_a_dict() {
    let what = "the Python client";
    let Some(python) = tools::python(what, "import requests", "python3 with requests") else { return };
    let version = tools::python_version(&python, &["requests"]);
    let client = Client::new([python, tools::file("create_user.py")]);
    let sandbox = Sandbox::start();

    let sent = sample::creates_once(&client, &sandbox, "ann@example.com", "Ann Lee");
    assert!(sent.body().starts_with("{'data': [{'emailAddress': 'ann@example.com', "), "{sent}");
    assert!(sent.body().contains("'forcePasswordChange': False, 'name': 'Ann Lee'}"), "{sent}");
    assert!(sent.date().ends_with(" UTC"), "{sent}");
    assert_eq!(sent.header("Accept"), Some(&b"*/*"[..]));
    let order = ["Accept", "Authorization", "x-mc-app-id", "x-mc-date", "x-mc-req-id", "Content-Type"];
    assert_eq!(sent.names_among(&sample::SET), order);

    // Python quotes a text with an apostrophe in double quotes, one with both in single quotes, and escapes invisible
    // characters.
    let sent = sample::creates_once(&client, &sandbox, "zoe@example.com", "Zoë\u{200c} O'Brien");
    assert!(sent.body().contains(r#"'name': "Zoë\u200c O'Brien"}"#), "{sent}");
    let sent = sample::creates_once(&client, &sandbox, "kit@example.com", r#"Kit "K" O'Neil \ Sons"#);
    assert!(sent.body().contains(r#"'name': 'Kit "K" O\'Neil \\ Sons'}"#), "{sent}");

    let refused = sample::is_refused(&client, &sandbox);
    sample::is_bad_signature(&refused.answer());
    compatibility::record_run(&compatibility::PYTHON, &version);
}

#[test]
fn authlib_gets_a_token_in_each_of_its_ways() {
    let what = "Authlib";
    let Some(python) = tools::python(what, "import authlib, requests", "python3 with authlib") else {
        return;
    };
    let version = tools::python_version(&python, &["authlib", "requests"]);
    let sandbox = Sandbox::start_tls();
    let client = Client::new([python, tools::file("authlib_token.py")]);
    let client = client.with_variables(sandbox.trusted_by("REQUESTS_CA_BUNDLE"));
    let output = client.run(&sandbox.keys_with(&[]), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let both = json!({"client_secret_basic": ["Bearer", "CSANDBOX01"], "client_secret_post": ["Bearer", "CSANDBOX01"]});
    assert_eq!(read, both);
    compatibility::record_run(&compatibility::AUTHLIB, &version);
}
