//! What tools of the field do with an account, from the first call to the last.

use serde_json::{Value, json};

use crate::compatibility::{self, Row};
use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::tools;

/// What a program printed after it ran against a new sandbox; `None` if it cannot run here.
fn walked(what: &str, program: &str, arguments: &[&str], row: &Row) -> Option<Value> {
    let python = tools::python(what, "import requests", "python3 with requests")?;
    let version = tools::python_version(&python, &["requests"]);
    let sandbox = Sandbox::start();
    let output = Client::new([python, tools::file(program)]).run(&sandbox.keys_with(&[]), arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    compatibility::record_run(row, &version);
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_tool_for_infrastructure_as_code_walks_through_the_account() {
    let what = "the walk of a tool for infrastructure as code";
    let Some(seen) = walked(what, "new_style_walk.py", &[], &compatibility::NEW_STYLE) else { return };
    let group = json!({"description": "Engineering", "source": "cloud", "userCount": 0, "folderCount": 0});
    let users = ["abuse", "administrator", "postmaster"].map(|user| format!("{user}@example.com"));
    let expected = json!({
        "account": "CSANDBOX01", "summary": "CSANDBOX01", "packages": 1, "contact": 200,
        "users": users, "roles": 5, "internal": ["example.com"], "pending": [], "external": [],
        "created": 201, "group": group, "listed": true,
        "added": [true, true], "members": ["abuse@example.com", "partner.example"], "renamed": "Platform",
        "removed": [true], "left": 1, "gone": 404,
    });
    assert_eq!(seen, expected);
}

#[test]
fn the_test_button_of_a_platform_is_green_with_good_keys_and_red_with_bad_ones() {
    let Some(seen) = walked("a test button", "test_button.py", &[], &compatibility::TEST_BUTTON) else {
        return;
    };
    let page = json!({"urls": 0, "page": {"pageSize": 0, "totalCount": 0}});
    let expected = json!({
        "signed": page, "token": page, "no page": {"urls": 0, "page": null},
        "wrong secret": "0004 Invalid Signature", "wrong token secret": "The client id or its secret is wrong",
    });
    assert_eq!(seen, expected);
}

#[test]
fn a_runbook_brings_a_person_on_board_and_off_again() {
    let walked = walked("a runbook", "onboarding.py", &["ann@example.com"], &compatibility::ONBOARDING);
    let Some(seen) = walked else { return };
    let expected = json!({
        "connections": [], "synchronised": [], "may read": true, "there before": false,
        "created": ["ann@example.com"], "there now": true, "domain": true,
        "groups called Newcomers": 1, "still a member": false, "groups called Nobody has this name": 0,
    });
    assert_eq!(seen, expected);
}
