//! `matricula explain`: it reads headers, curl lines and HAR files, names the mistakes, and exits with 3.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::running::Sandbox;
use crate::{path, run, text};

/// A running sandbox, and a request that its keys signed, in two notations.
struct Signed {
    folder: tempfile::TempDir,
    _sandbox: Sandbox,
    keys: PathBuf,
    /// All that `matricula sign` printed.
    printed: PathBuf,
    headers: PathBuf,
    curl: PathBuf,
}

impl Signed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(folder.path(), &[]);
        let [keys, saved, headers, curl] =
            ["keys.json", "request.txt", "headers", "curl"].map(|name| folder.path().join(name));
        let printed = text(&run(&["sign", "--keys", path(&keys), "/api/user/create-user"]).stdout);
        let (header_lines, curl_line) = printed.split_once("\n\n").unwrap();
        std::fs::write(&saved, &printed).unwrap();
        std::fs::write(&headers, header_lines).unwrap();
        std::fs::write(&curl, curl_line).unwrap();
        Self { folder, _sandbox: sandbox, keys, printed: saved, headers, curl }
    }

    fn explain(&self, file: &Path, more: &[&str]) -> Output {
        run(&[&["explain", path(file), "--keys", path(&self.keys)], more].concat())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

#[test]
fn explain_says_what_is_wrong_and_exits_with_3() {
    let signed = Signed::new();
    let right = signed.explain(&signed.curl, &[]);
    assert_eq!(right.status.code(), Some(0), "{right:?}");
    assert!(text(&right.stdout).starts_with("The signature is right.\n"));
    let right = signed.explain(&signed.printed, &[]);
    assert_eq!((right.status.code(), right.stderr.len()), (Some(0), 0), "what sign prints: {right:?}");
    let right = signed.explain(&signed.headers, &["--path", "/api/user/create-user"]);
    assert_eq!(right.status.code(), Some(0));
    let other = signed.explain(&signed.headers, &["--path", "/api/user/get-profile"]);
    assert_eq!(other.status.code(), Some(3));
    assert!(text(&other.stdout).contains("\npath_other\n"), "{}", text(&other.stdout));
    assert!(text(&other.stdout).lines().all(|line| line.chars().count() <= 80));
    let late = signed.explain(&signed.curl, &["--at", "2030-01-01T00:00:00Z"]);
    assert!(late.status.code() == Some(3) && text(&late.stdout).contains("\nclock_behind\n"));
}

#[test]
fn each_request_of_a_har_file_is_judged_at_the_time_it_was_sent() {
    let signed = Signed::new();
    let headers = std::fs::read_to_string(&signed.headers).unwrap();
    let list: Vec<Value> = headers
        .lines()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| serde_json::json!({ "name": name, "value": value }))
        .collect();
    let entry = |at: &str| {
        serde_json::json!({ "startedDateTime": at, "request": {
            "method": "POST", "url": "http://127.0.0.1/api/user/create-user", "headers": list.clone() } })
    };
    let now = client::machine_clock().to_string();
    let har = serde_json::json!({ "log": { "entries": [entry(&now), entry("2026-01-01T00:00:00Z")] } });
    let har = signed.write("traffic.har", &har.to_string());
    let output = signed.explain(&har, &["--json"]);
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        (&explained[0]["signature"], &explained[0]["causes"]),
        (&"right".into(), &serde_json::json!([]))
    );
    assert_eq!(explained[1]["causes"][0]["mistake"], "clock_ahead");
    assert!(text(&signed.explain(&har, &[]).stdout).contains("# 2 of 2: POST /api/user/create-user\n"));
}

#[test]
fn a_request_that_cannot_be_explained_exits_with_1() {
    let signed = Signed::new();
    let Signed { keys, headers, .. } = &signed;
    let keys_text = std::fs::read_to_string(keys).unwrap();
    let broken = signed.write("broken.json", &keys_text.replace("\"secret_key\": \"", "\"secret_key\": \"-"));
    let odd = signed.write("odd", "why?");
    let cases: [(&[&str], &str); 5] = [
        (&["explain", path(&odd), "--keys", path(keys)], "line 1 is neither a request line nor a header"),
        (&["explain", path(headers), "--keys", path(keys)], "add --path"),
        (&["explain", path(headers), "--keys", path(keys), "--path", "api"], "api is not a path"),
        (&["explain", path(headers), "--keys", path(&broken), "--path", "/"], "not standard base64"),
        (&["explain", "/no/such/file", "--keys", path(keys)], "/no/such/file: No such file"),
    ];
    for (arguments, message) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
    }
    assert_eq!(run(&["explain", path(headers)]).status.code(), Some(2), "--keys is missing");
    let help = text(&run(&["explain", "--help"]).stdout);
    assert!(
        help.contains("Exit codes: 0 no mistake") && help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
}
