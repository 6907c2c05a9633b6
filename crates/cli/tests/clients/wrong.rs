//! Programs that sign with a mistake, in three languages, against the real binary. The sandbox names the mistake in the
//! header it asks for and in its log, and `matricula explain` names the same for the printed request.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::tools;

/// The mistakes that each program can make, by the name in `matricula explain`.
const PYTHON: [&str; 21] = [
    "secret_not_decoded",
    "secret_line_break",
    "secret_is_app_key",
    "app_key_is_app_id",
    "app_key_unset",
    "path_url",
    "path_trailing_slash",
    "date_iso_8601",
    "date_epoch",
    "date_moment",
    "newline_joined",
    "order",
    "sha_256",
    "signature_python_bytes",
    "signature_hex",
    "text_python_bytes",
    "body_in_text",
    "plain_hash",
    "clock_behind",
    "app_id_is_app_key",
    "two",
];
const NODE: [&str; 19] = [
    "secret_not_decoded",
    "secret_through_text",
    "secret_unset",
    "app_key_is_access_key",
    "app_key_unset",
    "date_zone",
    "date_iso_8601",
    "date_epoch",
    "request_id_case",
    "request_id_form",
    "path_leading_slash",
    "path_encoded",
    "comma_joined",
    "trailing_line_break",
    "method_in_text",
    "signature_base64_of_hex",
    "signature_url_safe",
    "sha_512",
    "scheme_twice",
];
const JAVA: [&str; 14] = [
    "secret_not_decoded",
    "secret_through_text",
    "secret_is_access_key",
    "app_key_case",
    "date_zone",
    "date_local_time",
    "date_other_form",
    "path_host",
    "path_other",
    "no_separator",
    "part_left_out",
    "text_utf_16",
    "key_and_text_swapped",
    "md5",
];

#[test]
fn python_is_told_its_mistakes() {
    let what = "Python that signs with mistakes";
    let Some(python) = tools::python(what, "import sys; sys.exit(sys.version_info < (3, 10))", "python3.10")
    else {
        return;
    };
    is_told(&Client::new([python, tools::file("wrong/sign.py")]), &PYTHON);
}

#[test]
fn node_is_told_its_mistakes() {
    if !tools::has_tools("Node.js that signs with mistakes", &["node"]) {
        return;
    }
    is_told(&Client::new([PathBuf::from("node"), tools::file("wrong/sign.js")]), &NODE);
}

#[test]
fn java_is_told_its_mistakes() {
    if !tools::has_tools("Java that signs with mistakes", &["java", "javac"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let compiled = crate::program::command("javac")
        .arg("-d")
        .arg(folder.path())
        .arg(tools::file("wrong/Sign.java"))
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let start = [
        "java".as_ref(),
        "-Xshare:auto".as_ref(),
        "-cp".as_ref(),
        folder.path().as_os_str(),
        "Sign".as_ref(),
    ];
    is_told(&Client::new(start), &JAVA);
}

fn is_told(client: &Client, mistakes: &[&str]) {
    let sandbox = Sandbox::start();
    for &mistake in mistakes {
        let expected = if mistake == "two" { "secret_not_decoded, date_zone" } else { mistake };
        let output = client.run(&sandbox.keys_with(&[]), &[mistake]);
        assert!(output.status.success(), "{mistake}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let (header, request) = printed.split_once('\n').unwrap();
        let told = header.split_once(": ").map(|(names, _)| names);
        assert_eq!(told, Some(expected), "{header}\n{request}");
        assert_eq!(explain_request(&sandbox, request), expected, "{request}");
        // The server reads the body only for callers that ask, so the log can lack mistakes of the body.
        assert!(sandbox.log().contains(&format!("{expected}: ")), "{}", sandbox.log());
    }
    let output = client.run(&sandbox.keys_with(&[]), &["none"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let (header, request) = printed.split_once('\n').unwrap();
    assert!(matches!(header, "None" | "undefined" | "null"), "{header}");
    assert_eq!(explain_request(&sandbox, request), "", "{request}");
    for secret in ["secret_key", "app_key"] {
        assert!(!sandbox.log().contains(sandbox.key(secret)), "the log holds the {secret}");
    }
}

/// The mistakes that `matricula explain` names; its exit code must agree.
fn explain_request(sandbox: &Sandbox, request: &str) -> String {
    let mut process = Command::new(env!("CARGO_BIN_EXE_matricula"))
        .args(["--json", "explain", "-", "--keys"])
        .arg(sandbox.keys_with(&[]))
        // An object of headers has no path.
        .args(if request.starts_with('{') { &["--path", "/api/user/get-profile"][..] } else { &[] })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut process.stdin.take().unwrap(), request.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    let causes = explained[0]["causes"].as_array().unwrap();
    let names: Vec<_> = causes.iter().map(|cause| cause["mistake"].as_str().unwrap()).collect();
    let good = explained[0]["signature"] == "right" && names.is_empty();
    assert_eq!(output.status.code(), Some(if good { 0 } else { 3 }));
    assert!(good || !names.is_empty(), "{request}\n{explained}");
    names.join(", ")
}
