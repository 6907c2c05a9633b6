//! The commands as a person or a script runs them: what they print, what they leave behind, and their exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use running::{Running, Sandbox, matricula};
use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    matricula(arguments).output().unwrap()
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

#[test]
fn the_first_call_of_a_stranger() {
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
    let documented = [
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
    ];
    assert_eq!(names, documented);

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

    // Killed and started again on the same folder: keys and users are the same, only the port is another.
    let before = sandbox.keys.clone();
    drop(sandbox);
    let sandbox = Sandbox::start(&data, &["--keys", path(&keys)]);
    let port =
        |keys: &str| serde_json::from_str::<Value>(keys).unwrap()["base_url"].as_str().unwrap().to_owned();
    assert_eq!(before.replace(&port(&before), ""), sandbox.keys.replace(&port(&sandbox.keys), ""));
    assert_eq!(run(&create).status.code(), Some(3), "the user is there");

    // A folder of a version whose keys were fewer.
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
        let mut process = matricula(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut process.stdin.take().unwrap(), password.as_bytes()).unwrap();
        process.wait_with_output().unwrap()
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
fn what_sign_prints_is_a_call_that_works() {
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
    // The line is run as it is pasted, by a shell.
    let output = std::process::Command::new("sh").args(["-c", curl]).output().unwrap();
    let answer = text(&output.stdout);
    let expected = r#"{"meta":{"status":200},"data":[{"emailAddress":"ann@example.com","id":""#;
    assert!(output.status.success() && answer.starts_with(expected), "{output:?}");
}

#[test]
fn a_directory_is_set_up_served_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (folder.path().join("matricula.toml"), folder.path().join("master.key"));
    json(&["admin", "new-master-key", path(&key)]);
    assert_eq!(run(&["admin", "new-master-key", path(&key)]).status.code(), Some(1), "never overwrites one");
    std::fs::write(&config, "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n").unwrap();
    let admin = |arguments: &[&str]| json(&[&["admin", "--config", path(&config)], arguments].concat());
    admin(&["account", "create", "CACME00001", "--name", "Acme"]);
    admin(&["account", "create", "CACME00002", "--name", "Below", "--parent", "CACME00001"]);
    admin(&["domain", "create", "acme.example", "--account", "CACME00001"]);
    admin(&[
        "role",
        "create",
        "Reader",
        "--account",
        "CACME00001",
        "--permission",
        "Directories|Internal|Read",
    ]);
    admin(&["administrator", "create", "robot@acme.example", "--account", "CACME00001"]);
    admin(&["administrator", "create", "reader@acme.example", "--account", "CACME00001", "--role", "Reader"]);
    admin(&["profile", "create", "Service", "--account", "CACME00001", "--max-bindings", "2"]);
    admin(&["profile", "assign", "Service", "--account", "CACME00001", "--user", "robot@acme.example"]);
    let profiles = admin(&["profile", "list"]);
    assert_eq!(
        (profiles[0]["profile"].as_str(), profiles[0]["life"].as_str()),
        (Some("Service"), Some("for ever"))
    );
    let policy = admin(&["password-policy", "CACME00001", "--min-length", "12", "--max-age-days", "90"]);
    assert_eq!((policy["min_length"].as_u64(), policy["max_age_days"].as_u64()), (Some(12), Some(90)));
    assert_eq!(admin(&["password-policy", "CACME00001", "--max-age-days", "0"])["max_age_days"], Value::Null);
    let set = |password: &str| {
        let set =
            ["admin", "--config", path(&config), "administrator", "set-password", "reader@acme.example"];
        let mut command = matricula(&set)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut command.stdin.take().unwrap(), password.as_bytes()).unwrap();
        command.wait_with_output().unwrap()
    };
    assert_eq!(set("Correct horse 7 battery\n").status.code(), Some(0));
    let short = set("Zx9!\n");
    assert!(text(&short.stderr).contains("the password must have at least 12 characters"), "{short:?}");
    let application = admin(&["application", "create", "HR", "--account", "CACME00001"]);
    let app_id = application["app_id"].as_str().unwrap();
    let binding = admin(&["binding", "create", "robot@acme.example", "--app-id", app_id]);

    let client = admin(&[
        "client",
        "add",
        "--account",
        "CACME00001",
        "--name",
        "HR onboarding",
        "--role",
        "Reader",
        "--product",
        "rolemanagement",
        "--product",
        "userandgroupmanagement",
    ]);
    let client_id = client["client_id"].as_str().unwrap();
    assert_eq!((client_id.len(), client["client_secret"].as_str().unwrap().len()), (40, 43));
    let listed = admin(&["client", "list"]);
    assert_eq!(listed[0]["client_id"], client_id);
    assert_eq!(
        (listed[0]["role"].as_str(), listed[0]["products"].as_str()),
        (Some("Reader"), Some("userandgroupmanagement, rolemanagement"))
    );
    let table = text(&run(&["admin", "--config", path(&config), "client", "list"]).stdout);
    assert!(table.contains(client_id), "an id that is to be copied stands in one line: {table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let none = run(&["admin", "--config", path(&config), "client", "disable", "none"]);
    assert_eq!(
        (none.status.code(), text(&none.stderr).as_str()),
        (Some(1), "error: application none not found\n")
    );
    admin(&["client", "disable", client_id]);
    assert_eq!(admin(&["client", "list"]).as_array().unwrap().len(), 0);

    let serve = matricula(&["serve", "--config", path(&config)]).stderr(Stdio::piped()).spawn();
    let mut server = Running(serve.unwrap());
    let mut log = std::io::BufRead::lines(std::io::BufReader::new(server.0.stderr.take().unwrap()));
    let listening: Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
    let keys = folder.path().join("keys.json");
    let object = serde_json::json!({
        "base_url": format!("http://{}", listening["address"].as_str().unwrap()),
        "app_id": app_id, "app_key": application["app_key"],
        "access_key": binding["access_key"], "secret_key": binding["secret_key"],
    });
    std::fs::write(&keys, object.to_string()).unwrap();
    let created = json(&["user", "create", "--keys", path(&keys), "--email", "ann@acme.example"]);
    assert_eq!(created["emailAddress"], "ann@acme.example");
    let line: Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
    assert_eq!((line["caller"].as_str(), line["status"].as_u64()), (Some("robot@acme.example"), Some(200)));

    // A key may begin like an option.
    for key in ["-8I7JFDqFN7BI26WYhAA", "-hI7JFDqFN7BI26WYhAA", "--I7JFDqFN7BI26WYhAA"] {
        for command in ["disable", "reissue"] {
            let unknown = run(&["admin", "--config", path(&config), "binding", command, key]);
            assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown.stderr));
            assert_eq!(text(&unknown.stderr), "error: binding with this access key not found\n");
        }
    }

    // What is taken away beside the running server is gone there too.
    admin(&["binding", "disable", binding["access_key"].as_str().unwrap()]);
    let refused = run(&["user", "create", "--keys", path(&keys), "--email", "late@acme.example"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("0004 Invalid Signature"));

    let terminate = std::process::Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
    assert!(terminate.success());
    assert_eq!(server.0.wait().unwrap().code(), Some(0), "SIGTERM ends it in good order");

    let audit = |command: &str| run(&["--json", "audit", command, "--config", path(&config)]);
    let whole = || serde_json::from_slice::<Value>(&audit("verify").stdout).unwrap()[0]["state"] == "whole";
    assert!(whole());
    let exported = audit("export");
    let events: Vec<Value> =
        text(&exported.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(text(&exported.stderr), format!("chain 1: {} events, whole\n", events.len()));
    assert_eq!(events.last().unwrap()["action"], "binding.revoked");
    assert!(
        events.iter().any(|event| event["account"] == "CACME00001" && event["target"] == "ann@acme.example")
    );
    assert_eq!(admin(&["administrator", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(admin(&["account", "list"])[1]["parent"], "CACME00001");

    let new = folder.path().join("new.key");
    json(&["admin", "new-master-key", path(&new)]);
    admin(&["rotate-master-key", "--new", path(&new)]);
    let old = run(&["admin", "--config", path(&config), "account", "list"]);
    assert!(text(&old.stderr).contains("was created with the master key"), "{}", text(&old.stderr));
    std::fs::rename(&new, &key).unwrap();
    assert!(whole());
}

#[test]
fn what_can_not_be_done_says_why_and_exits_with_1() {
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

#[test]
fn explain_says_what_is_wrong_and_exits_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let _sandbox = Sandbox::start(folder.path(), &[]);
    let keys = folder.path().join("keys.json");
    let explain =
        |file: &Path, more: &[&str]| run(&[&["explain", path(file), "--keys", path(&keys)], more].concat());
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    // What `sign` prints is good, as headers and as a curl line.
    let printed = text(&run(&["sign", "--keys", path(&keys), "/api/user/create-user"]).stdout);
    let (headers, curl) = printed.split_once("\n\n").unwrap();
    let (headers, curl) = (write("headers", headers), write("curl", curl));
    let right = explain(&curl, &[]);
    assert_eq!(right.status.code(), Some(0), "{right:?}");
    assert!(text(&right.stdout).starts_with("The signature is right.\n"));
    assert_eq!(explain(&headers, &["--path", "/api/user/create-user"]).status.code(), Some(0));
    let other = explain(&headers, &["--path", "/api/user/get-profile"]);
    assert_eq!(other.status.code(), Some(3));
    assert!(text(&other.stdout).contains("\npath_other\n"), "{}", text(&other.stdout));
    assert!(text(&other.stdout).lines().all(|line| line.chars().count() <= 80));
    let late = explain(&curl, &["--at", "2030-01-01T00:00:00Z"]);
    assert!(late.status.code() == Some(3) && text(&late.stdout).contains("\nclock_behind\n"));

    // A HAR file of two requests, each judged from when it was sent.
    let signed = std::fs::read_to_string(&headers).unwrap();
    let list: Vec<Value> = signed
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
    let har = write("traffic.har", &har.to_string());
    let output = run(&["--json", "explain", path(&har), "--keys", path(&keys)]);
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        (&explained[0]["signature"], &explained[0]["causes"]),
        (&"right".into(), &serde_json::json!([]))
    );
    assert_eq!(explained[1]["causes"][0]["mistake"], "clock_ahead");
    assert!(text(&explain(&har, &[]).stdout).contains("# 2 of 2: POST /api/user/create-user\n"));

    let keys_text = std::fs::read_to_string(&keys).unwrap();
    let broken = write("broken.json", &keys_text.replace("\"secret_key\": \"", "\"secret_key\": \"-"));
    let odd = write("odd", "why?");
    let cases: [(&[&str], &str); 5] = [
        (&["explain", path(&odd), "--keys", path(&keys)], "line 1 is neither a request line nor a header"),
        (&["explain", path(&headers), "--keys", path(&keys)], "add --path"),
        (&["explain", path(&headers), "--keys", path(&keys), "--path", "api"], "api is not a path"),
        (&["explain", path(&headers), "--keys", path(&broken), "--path", "/"], "not standard base64"),
        (&["explain", "/no/such/file", "--keys", path(&keys)], "/no/such/file: No such file"),
    ];
    for (arguments, message) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
    }
    assert_eq!(run(&["explain", path(&headers)]).status.code(), Some(2), "there are no keys");
    let help = text(&run(&["explain", "--help"]).stdout);
    assert!(
        help.contains("Exit codes: 0 no mistake") && help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
}

/// What a sandbox lets anybody do who reaches it, no page of another site can have a browser do.
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
    // The API itself asks for a signature, and is called by whatever name.
    assert!(ask("POST", "/api/nowhere", "Host: proxy.example\r\n").starts_with("HTTP/1.1 404 "));
}
