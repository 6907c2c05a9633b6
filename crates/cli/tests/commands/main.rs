//! The commands, run like by a person or a script: output, files and exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod directory;
mod explain;
#[path = "../running/mod.rs"]
mod running;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use running::{Sandbox, matricula};
use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    matricula(arguments).output().unwrap()
}

/// Runs a command that reads this from standard input.
fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut process = matricula(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut process.stdin.take().unwrap(), input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that must succeed, and reads the JSON it prints.
fn json(arguments: &[&str]) -> Value {
    let output = run(&[&["--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What the file of a sandbox has, as documented.
const KEYS: [&str; 14] = [
    "base_url",
    "app_id",
    "app_key",
    "access_key",
    "secret_key",
    "email",
    "password",
    "account_code",
    "domain",
    "client_id",
    "client_secret",
    "ldap_url",
    "ldap_base",
    "ldap_bind_dn",
];

/// The keys without those that have a port.
fn without_ports(keys: &str) -> Value {
    let mut keys: Value = serde_json::from_str(keys).unwrap();
    for name in ["base_url", "ldap_url"] {
        keys.as_object_mut().unwrap().remove(name).unwrap();
    }
    keys
}

#[test]
fn a_sandbox_writes_keys_creates_users_and_keeps_both() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().join("data"), folder.path().join("keys.json"));
    let sandbox = Sandbox::start(&data, &["--keys", path(&keys)]);
    for file in [&keys, &data.join("keys.json"), &data.join("master.key")] {
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    let read: Value = serde_json::from_str(&std::fs::read_to_string(&keys).unwrap()).unwrap();
    let names: Vec<_> = read.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, KEYS);

    let create = ["user", "create", "--keys", path(&keys), "--email", "ann@example.com", "--name", "Ann Lee"];
    let created = run(&create);
    assert_eq!(created.status.code(), Some(0));
    assert!(text(&created.stdout).starts_with("created ann@example.com\n     id "));
    let again = run(&create);
    assert_eq!(again.status.code(), Some(3), "the directory refused");
    assert!(text(&again.stdout).contains("err_user_already_exists"));
    let again = run(&[&["--json"][..], &create].concat());
    let fail: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(fail["fail"]["code"], "err_user_already_exists");

    // A restart after a kill keeps keys and users. Only the ports change.
    let before = sandbox.keys.clone();
    drop(sandbox);
    let sandbox = Sandbox::start(&data, &["--keys", path(&keys)]);
    assert_eq!(without_ports(&before), without_ports(&sandbox.keys));
    assert_eq!(run(&create).status.code(), Some(3), "the user is there");

    // The folder of a version with fewer keys.
    drop(sandbox);
    let mut fewer: Value = serde_json::from_str(&before).unwrap();
    let object = fewer.as_object_mut().unwrap();
    assert!(object.remove("client_id").is_some() && object.remove("client_secret").is_some());
    std::fs::write(data.join("keys.json"), fewer.to_string()).unwrap();
    let sandbox = Sandbox::start(&data, &["--no-quota"]);
    assert!(!sandbox.keys.contains("client_id") && sandbox.keys.contains("access_key"));
}

#[test]
fn a_password_comes_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let _sandbox = Sandbox::start(folder.path(), &[]);
    let keys = folder.path().join("keys.json");
    let create = |address: &str, password: &str| {
        let arguments = ["user", "create", "--keys", path(&keys), "--email", address, "--password-stdin"];
        run_with_input(&arguments, password)
    };
    assert_eq!(create("a@example.com", "correct Horse 7 battery\n").status.code(), Some(0));
    let weak = create("b@example.com", "weak\n");
    assert_eq!(weak.status.code(), Some(3));
    assert!(text(&weak.stdout).contains("(password)"), "{}", text(&weak.stdout));
    let none = create("c@example.com", "");
    assert_eq!(
        (none.status.code(), text(&none.stderr).as_str()),
        (Some(1), "error: standard input is empty, expected a password\n")
    );
}

#[test]
fn the_output_of_sign_is_a_call_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let _sandbox = Sandbox::start(folder.path(), &[]);
    let keys = folder.path().join("keys.json");
    let no_path = run(&["sign", "--keys", path(&keys), "api/user/create-user"]);
    assert_eq!(no_path.status.code(), Some(1));
    let printed = run(&["sign", "--keys", path(&keys), "/api/user/create-user"]);
    let printed = text(&printed.stdout);
    let (headers, curl) = printed.split_once("\n\n").unwrap();
    assert_eq!(headers.lines().count(), 4);
    assert!(curl.starts_with("curl 'http://127.0.0.1:"));
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        return testkit::left_out("the pasted line", "curl");
    }
    // A shell runs the line as it is pasted.
    let output = std::process::Command::new("sh").args(["-c", curl]).output().unwrap();
    let answer = text(&output.stdout);
    let expected = r#"{"meta":{"status":200},"data":[{"emailAddress":"ann@example.com","id":""#;
    assert!(output.status.success() && answer.starts_with(expected), "{output:?}");
}

#[test]
fn errors_say_why_and_exit_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        file
    };
    let open = write("open.toml", "listen = \"0.0.0.0:0\"");
    let keyless = write("keyless.toml", "listen = \"127.0.0.1:0\"");
    let wrong = write("wrong.toml", "lisen = 1");
    let keys = write("keys.json", "{}");
    let cases: [(&[&str], &str); 7] = [
        (&["serve", "--config", path(&open)], "plaintext HTTP to other machines"),
        (&["serve", "--config", path(&keyless)], "matricula admin new-master-key FILE"),
        (&["serve", "--config", path(&wrong)], "unknown field `lisen`"),
        (&["serve", "--config", "/no/such/file"], "/no/such/file: No such file"),
        (&["sandbox", "--listen", "0.0.0.0:0"], "a sandbox listens only on this machine"),
        (
            &["user", "create", "--keys", path(&keys), "--email", "a@b.example"],
            "Expected a JSON object with base_url",
        ),
        (&["admin", "account", "list"], "--config FILE"),
    ];
    for (arguments, message) in cases {
        let output = matricula(arguments).env_remove("MATRICULA_MASTER_KEY").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(
            text(&output.stderr).matches(message).count(),
            1,
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
    assert_eq!(run(&["no-such-command"]).status.code(), Some(2));
}

#[test]
fn help_fits_into_80_columns_and_shells_get_completions() {
    for arguments in
        [&["--help"][..], &["sandbox", "--help"], &["admin", "--help"], &["user", "create", "--help"]]
    {
        let help = text(&run(arguments).stdout);
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&run(&["completions", shell]).stdout).contains("sandbox"));
    }
}

/// A page of another site cannot make a browser use the test control of a sandbox.
#[test]
fn a_sandbox_is_not_controlled_by_pages_of_other_sites() {
    use std::io::{Read as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(&folder.path().join("data"), &["--control"]);
    let keys: Value = serde_json::from_str(&sandbox.keys).unwrap();
    let address = keys["base_url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let ask = |method: &str, path: &str, headers: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let own = format!("Host: {address}\r\n");
    let port = address.rsplit(':').next().unwrap();
    let refused = [
        "Host: evil.example\r\n".to_owned(),
        format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        format!("{own}Origin: http://evil.example\r\n"),
        format!("{own}Origin: null\r\n"),
    ];
    for headers in &refused {
        for (method, path) in
            [("GET", "/sandbox/journal"), ("POST", "/sandbox/reset"), ("GET", "/console/sign-in")]
        {
            let answer = ask(method, path, headers);
            assert!(
                answer.starts_with("HTTP/1.1 403 ") && answer.contains("err_xdk_foreign_origin"),
                "{headers}{answer}"
            );
        }
    }
    for headers in [&own, &format!("Host: localhost:{port}\r\nSec-Fetch-Site: same-origin\r\n"), ""] {
        assert!(ask("GET", "/sandbox/journal", headers).starts_with("HTTP/1.1 200 "), "{headers}");
    }
    // The API itself requires a signature, and accepts any host name.
    assert!(ask("POST", "/api/nowhere", "Host: proxy.example\r\n").starts_with("HTTP/1.1 404 "));
}

#[test]
fn compat_lists_what_is_here() {
    let all = run(&["compat"]);
    assert_eq!(all.status.code(), Some(0));
    let told = text(&all.stdout);
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    assert!(told.contains("\nhere    POST    /api/user/create-user\n"), "{told}");
    assert!(told.contains("\nstub    POST    /api/directory/execute-sync\n"), "{told}");
    let counts = told.lines().last().unwrap();
    assert!(counts.ends_with(" not here") && counts.contains(" stubs by design, "), "{counts}");

    let list = |arguments: &[&str]| -> Vec<Value> {
        let output = run(&[&["--json", "compat"], arguments].concat());
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let everything = list(&[]);
    let mut sum = 0;
    for state in ["here", "stub", "missing"] {
        let some = list(&["--only", state]);
        assert!(!some.is_empty() && some.iter().all(|row| row["state"] == state), "{some:?}");
        assert!(everything.iter().filter(|row| row["state"] == state).eq(some.iter()));
        sum += some.len();
    }
    assert_eq!(sum, everything.len());
    let create = serde_json::json!({"path": "/api/user/create-user", "method": "POST", "state": "here"});
    assert!(everything.contains(&create));
    assert_eq!(run(&["compat", "--only", "some"]).status.code(), Some(2));
}
