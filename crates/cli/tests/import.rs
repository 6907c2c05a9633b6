//! `matricula import`: a result for every row, whatever happens meanwhile.
//!
//! `MATRICULA_IMPORT_ROWS=1000000 cargo test --release -p matricula-cli --test import killed -- --nocapture` is the long run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use client::wire::users::{GetInternalUsers, GetProfile};
use client::{Keys, Page, blocking};
use running::{Running, Sandbox, matricula};
use serde_json::{Value, json};

/// A sandbox, and a folder for files.
struct Place {
    folder: tempfile::TempDir,
    sandbox: Option<Sandbox>,
    keys: Value,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(&folder.path().join("data"), &["--no-quota"]);
        let keys = serde_json::from_str(&sandbox.keys).unwrap();
        std::fs::write(folder.path().join("keys.json"), &sandbox.keys).unwrap();
        Self { folder, sandbox: Some(sandbox), keys }
    }

    /// Kills the server, and restarts it at the same address.
    fn restart(&mut self) {
        self.sandbox = None;
        let address = self.keys["base_url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        self.sandbox = Some(Sandbox::start_at(&address, &self.folder.path().join("data"), &["--no-quota"]));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn client(&self) -> blocking::Client {
        blocking::Client::new(&serde_json::from_value::<Keys>(self.keys.clone()).unwrap()).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = matricula(&["--json", "import"]);
        command.args(arguments).current_dir(self.folder.path());
        if !arguments.contains(&"--keys") {
            command.args(["--keys", "keys.json"]);
        }
        command
    }

    fn import(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        exit_and_json(&self.command(arguments).output().unwrap())
    }

    /// The result file, without its header.
    fn results(&self, name: &str) -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_path(self.path(name)).unwrap();
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// The number of users, without the two that belong to the domain.
    fn users(&self) -> u64 {
        let page = Page { page_size: Some(1), page_token: None };
        self.client().internal_users(GetInternalUsers::default(), &page).unwrap().data[0].user_count - 2
    }
}

fn exit_and_json(output: &Output) -> (Option<i32>, Value) {
    let printed = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    (output.status.code(), serde_json::from_slice(printed).unwrap())
}

/// The result of each row, in short.
fn short_results(results: &[Vec<String>]) -> Vec<String> {
    results.iter().map(|row| format!("{} {} {} {}", row[0], row[2], row[3], row[5])).collect()
}

#[test]
fn every_row_is_accounted_for() {
    let place = Place::new();
    place.write(
        "users.csv",
        "email,name,password,forcePasswordChange\nann@example.com,Ann Lee,,\nno address,,,\n,Nobody,,\n\
         bob@example.com,Bob,abc,\nANN@example.com,Another Ann,,\ncid@elsewhere.example,,,\ndee@example.com,Dee,Tr7-moreau.0a1b,yes\n",
    );
    let rows = [
        "1 ann@example.com would be created ",
        "2 no address refused err_validation_invalid_email_address",
        "3  refused err_validation_null",
        "4 bob@example.com refused err_password_policy",
        "5 ANN@example.com exists ",
        "6 cid@elsewhere.example refused err_xdk_operation_forbidden_for_address",
        "7 dee@example.com would be created ",
    ];
    let (code, report) = place.import(&["users.csv", "--dry-run", "--result", "dry.csv"]);
    assert_eq!((code, place.users()), (Some(3), 1), "nobody is created: {report}");
    assert_eq!(short_results(&place.results("dry.csv")), rows);

    let (code, report) = place.import(&["users.csv", "--batch", "2"]);
    assert_eq!(code, Some(3), "{report}");
    assert_eq!(report["counts"]["created"], 2);
    let created = rows.map(|row| row.replace("would be created", "created"));
    assert_eq!(short_results(&place.results("users.csv.result.csv")), created);
    let dee = GetProfile { email_address: Some("dee@example.com".into()), ..GetProfile::default() };
    let dee = place.client().profile(&[dee]).unwrap().data.pop().unwrap();
    assert_eq!((dee.name.as_str(), dee.local_password, dee.change_password), ("Dee", true, true));

    // Existing users are skipped, updated or refused.
    place.write("again.jsonl", "{\"emailAddress\":\"ann@example.com\",\"name\":\"Ann Ray\"}\n");
    let (code, report) = place.import(&["again.jsonl", "--result", "1.csv"]);
    assert_eq!((code, &report["counts"]["exists"]), (Some(0), &json!(1)));
    let (code, report) = place.import(&["again.jsonl", "--result", "2.csv", "--on-existing", "fail"]);
    assert_eq!((code, &report["codes"]), (Some(3), &json!({"err_user_already_exists": 1})));
    let (code, report) = place.import(&["again.jsonl", "--result", "3.csv", "--on-existing", "update"]);
    assert_eq!((code, &report["counts"]["updated"]), (Some(0), &json!(1)));
    let ann = GetProfile { email_address: Some("ann@example.com".into()), ..GetProfile::default() };
    assert_eq!(place.client().profile(&[ann]).unwrap().data[0].name, "Ann Ray");
}

#[test]
fn an_invalid_import_fails_before_the_first_call() {
    let place = Place::new();
    place.write("users.csv", "email\nann@example.com\n");
    place.write("other.csv", "address,name\nann@example.com,Ann\n");
    place.write("bad.csv", "name,role\nAnn,none\n");
    let error = |arguments: &[&str]| {
        let (code, said) = place.import(arguments);
        assert_eq!(code, Some(1), "{said}");
        said["error"].as_str().unwrap().to_owned()
    };
    let mut elsewhere = place.keys.clone();
    elsewhere["base_url"] = "http://127.0.0.1:9".into();
    place.write("elsewhere.json", &elsewhere.to_string());
    assert!(
        error(&["users.csv", "--keys", "elsewhere.json"]).starts_with("no response from http://127.0.0.1:9")
    );
    assert!(error(&["missing.csv"]).starts_with("missing.csv: No such file"));
    assert!(error(&["bad.csv"]).contains("the header line has no column `email`"));
    assert!(error(&["users.csv", "--resume"]).starts_with("nothing to resume"));
    assert_eq!(place.import(&["users.csv"]).0, Some(0));
    assert!(error(&["users.csv"]).contains("users.csv.result.csv already exists"));
    assert!(error(&["users.csv", "--resume"]).contains("is complete or was never started"));
    // The interrupted import was of another file.
    place.write(
        "other.csv.result.csv.state",
        &json!({"first_request_id": "8578fcfc-a305-4d9a-99cb-f4d5ecefe297", "batch": 100, "digest": "00"})
            .to_string(),
    );
    assert!(error(&["other.csv"]).contains("was interrupted: continue it with --resume"));
    assert!(error(&["other.csv", "--resume"]).contains("the file has changed since"));
    assert_eq!(place.users(), 2);
}

#[test]
fn standard_input_ldif_and_hashed_passwords() {
    let place = Place::new();
    // `Passwort für Ann 7`, hashed.
    let text = "dn: uid=ann\nmail: ann@example.com\ncn: Ann Lee\nuserPassword: {SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==\n\n\
                dn: uid=bob\nmail: bob@example.com\nuserPassword: {MD5}xbu/hyepfYZYuDIv\n";
    let mut command = place.command(&["-", "--result", "result.csv"]);
    let mut import = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let (code, report) = exit_and_json(&import.wait_with_output().unwrap());
    assert_eq!(code, Some(3), "{report}");
    let expected = ["1 ann@example.com created ", "2 bob@example.com refused err_password_hash"];
    assert_eq!(short_results(&place.results("result.csv")), expected);
    let keys: Keys = serde_json::from_value(place.keys.clone()).unwrap();
    let login = client::Login { address: "ann@example.com".into(), password: "Passwort für Ann 7".into() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(client::Application::from(&keys).log_in(&login)).unwrap();
}

#[test]
fn keys_that_have_expired_are_prolonged_and_the_import_goes_on() {
    let place = Place::new();
    let address = place.keys["email"].as_str().unwrap();
    let data = place.path("data");
    let output = matricula(&["--json", "admin", "--data"])
        .arg(&data)
        .args([
            "binding",
            "create",
            address,
            "--app-id",
            place.keys["app_id"].as_str().unwrap(),
            "--days",
            "0",
        ])
        .output()
        .unwrap();
    let binding: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let mut keys = place.keys.clone();
    for name in ["access_key", "secret_key"] {
        keys[name] = binding[name].clone();
    }
    place.write("expired.json", &keys.to_string());
    place.write("users.csv", "email\nann@example.com\nbob@example.com\n");
    let (code, report) = place.import(&["users.csv", "--keys", "expired.json"]);
    assert_eq!(code, Some(5), "{report}");
    assert!(report["stopped"].as_str().unwrap().contains("AccessKey Has Expired"), "{report}");
    assert_eq!(
        short_results(&place.results("users.csv.result.csv")),
        ["1 ann@example.com not tried ", "2 bob@example.com not tried "]
    );

    place.write("password", place.keys["password"].as_str().unwrap());
    let login = ["--login", address, "--password-file", "password"];
    let arguments = [&["users.csv", "--keys", "expired.json", "--resume"], &login[..]].concat();
    let (code, report) = place.import(&arguments);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(
        short_results(&place.results("users.csv.result.csv")),
        ["1 ann@example.com created ", "2 bob@example.com created "]
    );
}

/// Peak memory of a process, in KiB.
fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn an_import_that_is_killed_three_times_creates_each_row_once() {
    #[expect(clippy::disallowed_methods, reason = "how long it takes is for who runs the test to say")]
    let rows: u64 = std::env::var("MATRICULA_IMPORT_ROWS").map_or(20_000, |rows| rows.parse().unwrap());
    let mut place = Place::new();
    let mut file = std::io::BufWriter::new(std::fs::File::create(place.path("users.csv")).unwrap());
    writeln!(file, "email,name").unwrap();
    for n in 1..=rows {
        writeln!(file, "user{n:07}@example.com,User {n}").unwrap();
    }
    file.into_inner().unwrap();
    let start = |place: &Place, resume: bool| {
        let mut command = place.command(&["users.csv"]);
        let command = if resume { command.arg("--resume") } else { &mut command };
        Running(command.stdout(Stdio::piped()).spawn().unwrap())
    };
    let until = |place: &Place, import: &mut Running, users: u64| {
        while place.users() < users {
            assert!(import.0.try_wait().unwrap().is_none(), "the import ended");
        }
    };
    let mut peaks = Vec::new();
    // First the import is killed, then the server during an import, then the import again.
    let mut import = start(&place, false);
    until(&place, &mut import, rows / 4);
    peaks.push(peak_memory(import.0.id()));
    drop(import);
    let mut import = start(&place, true);
    until(&place, &mut import, rows / 2);
    place.restart();
    until(&place, &mut import, rows * 3 / 4);
    peaks.push(peak_memory(import.0.id()));
    drop(import);
    let left = place.results("users.csv.result.csv").len();
    let mut import = start(&place, true);
    let mut output = String::new();
    std::io::Read::read_to_string(&mut import.0.stdout.take().unwrap(), &mut output).unwrap();
    assert_eq!(import.0.wait().unwrap().code(), Some(0), "{output}");
    let report: Value = serde_json::from_str(&output).unwrap();
    println!("last part: {report}; peak memory in KiB: {peaks:?}");

    assert_eq!((&report["rows"], &report["counts"]["created"]), (&json!(rows), &json!(rows)));
    let results = place.results("users.csv.result.csv");
    assert_eq!(results.len() as u64, rows);
    let mut ids = HashSet::new();
    for (number, row) in (1..).zip(&results) {
        let address = format!("user{number:07}@example.com");
        assert_eq!([&row[0], &row[2], &row[3]], [&number.to_string(), &address, "created"]);
        assert!(ids.insert(&row[4]) && row[4].len() > 20, "{row:?}");
    }
    assert_eq!(place.users(), rows + 1, "and the administrator");
    assert!(left as u64 >= rows / 2, "what was done stays done: {left}");
    assert!(peaks.iter().all(|peak| *peak < 96 << 10), "in KiB: {peaks:?}");
    assert!(!place.path("users.csv.result.csv.state").exists());
}

#[test]
fn aliases_are_added_when_their_users_exist() {
    let place = Place::new();
    let users: String = (0..40).map(|n| format!("u{n}@example.com,Ann {n},false,\n")).collect();
    let aliases: String = (0..40).map(|n| format!("alias{n}@example.com,,true,u{n}@example.com\n")).collect();
    let strange = "x@example.com,,true,nobody@example.com\ny@unknown.example,,true,u1@example.com\n\
                   z@example.com,,true,\n";
    place.write("users.csv", &format!("emailAddress,name,alias,aliasOf\n{users}{aliases}{strange}"));
    let arguments = ["users.csv", "--batch", "7", "--concurrency", "8"];
    let (code, report) = place.import(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!((code, &report["counts"]["would_be_created"]), (Some(3), &json!(81)), "{report}");
    let (code, report) = place.import(&arguments);
    assert_eq!((code, &report["counts"]["created"]), (Some(3), &json!(80)), "{report}");
    let results = place.results("users.csv.result.csv");
    let numbers: Vec<_> = results.iter().map(|row| row[0].parse::<usize>().unwrap()).collect();
    assert_eq!(numbers, (1..=83).collect::<Vec<_>>(), "each row once, in order");
    for (row, code) in results[80..].iter().zip([
        "err_xdk_operation_forbidden_for_address",
        "err_xdk_operation_forbidden_for_address",
        "err_validation_value",
    ]) {
        assert_eq!((&*row[3], &*row[5]), ("refused", code), "{row:?}");
    }
    let named = client::wire::users::NamesUser { email_address: "u7@example.com".to_owned() };
    let found = place.client().aliases(&[named]).unwrap().data.remove(0);
    assert_eq!(found.aliases[0].alias, "alias7@example.com");
    std::fs::remove_file(place.path("users.csv.result.csv")).unwrap();
    let (code, report) = place.import(&arguments);
    assert_eq!((code, &report["counts"]["exists"]), (Some(3), &json!(80)), "{report}");
}

#[test]
fn of_two_rows_with_one_address_the_first_wins() {
    let place = Place::new();
    let rows: String =
        (0..40).map(|n| format!("d{n}@example.com,First\nD{n}@example.com,Second\n")).collect();
    place.write("users.csv", &format!("email,name\n{rows}"));
    let (code, report) = place.import(&["users.csv", "--batch", "2", "--concurrency", "16"]);
    assert_eq!((code, &report["counts"]["created"]), (Some(0), &json!(40)), "{report}");
    for row in place.results("users.csv.result.csv") {
        let is_first = row[0].parse::<u32>().unwrap() % 2 == 1;
        assert_eq!(row[3] == "created", is_first, "{row:?}");
    }
}
