//! `matricula init`: from nothing to the first signed call.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "no sandbox here")]
mod running;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Output, Stdio};

use running::{Running, matricula};
use serde_json::Value;
use tempfile::TempDir;

/// A running server and its log.
fn serve(config: &Path) -> (Running, BufReader<ChildStderr>) {
    let mut process = matricula(&["serve", "--config"]);
    let mut process = Running(process.arg(config).stderr(Stdio::piped()).spawn().unwrap());
    let log = BufReader::new(process.0.stderr.take().unwrap());
    (process, log)
}

/// The first line of a log with this text, as JSON.
fn line_with(log: &mut impl std::io::BufRead, text: &str) -> Value {
    let line = log.lines().map(Result::unwrap).find(|line| line.contains(text)).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// The keys, with the port that the server has chosen.
fn call_at(keys: &Path, address: &str) {
    let text = std::fs::read_to_string(keys).unwrap();
    let mut keys_now: Value = serde_json::from_str(&text).unwrap();
    keys_now["base_url"] = format!("http://{address}").into();
    std::fs::write(keys, keys_now.to_string()).unwrap();
}

fn new_site() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("site/matricula.toml");
    (folder, config)
}

fn init(config: &Path, arguments: &[&str]) -> Output {
    matricula(&["init", "--config"]).arg(config).args(arguments).output().unwrap()
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn stderr_text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_first_signed_call_needs_two_commands_before_it() {
    let (_folder, config) = new_site();
    let made = init(&config, &["--domain", "acme.example", "--listen", "127.0.0.1:0"]);
    assert!(made.status.success(), "{made:?}");
    let told = String::from_utf8(made.stdout).unwrap();
    for part in ["CACME00001", "administrator@acme.example", "matricula.toml", "master.key", "keys.json"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let keys = config.with_file_name("keys.json");
    for file in [&config, &keys, &config.with_file_name("master.key"), &config.with_file_name("matricula.db")]
    {
        assert_eq!(mode_of(file), 0o600, "{}", file.display());
    }
    let (_process, mut log) = serve(&config);
    call_at(&keys, line_with(&mut log, "\"listening\"")["address"].as_str().unwrap());
    let created = matricula(&["user", "create", "--email", "ann@acme.example", "--keys"]).arg(&keys).output();
    assert!(created.as_ref().unwrap().status.success(), "{created:?}");

    // The operator sees why a signature is refused.
    let text = std::fs::read_to_string(&keys).unwrap();
    let mut wrong: Value = serde_json::from_str(&text).unwrap();
    wrong["secret_key"] = "d3Jvbmc=".into();
    let wrong_keys = config.with_file_name("wrong.json");
    std::fs::write(&wrong_keys, wrong.to_string()).unwrap();
    let refused =
        matricula(&["user", "create", "--email", "ben@acme.example", "--keys"]).arg(&wrong_keys).output();
    assert!(stderr_text(&refused.unwrap()).contains("err_xdk_invalid_signature"));
    let examined = line_with(&mut log, "refused signature examined");
    assert_eq!(examined["cause"], "unexplained", "{examined}");
    assert_eq!(examined["caller"], "administrator@acme.example", "{examined}");

    for more in [&[][..], &["--keys", "/nowhere/keys.json"]] {
        let again = init(&config, &[&["--domain", "other.example"], more].concat());
        assert_eq!(again.status.code(), Some(1));
        assert!(stderr_text(&again).contains("matricula.db is a directory already"), "{again:?}");
    }
}

#[test]
fn what_cannot_be_done_leaves_nothing() {
    let (_folder, config) = new_site();
    let refused = |arguments: &[&str], what: &str| {
        let output = init(&config, arguments);
        let told = stderr_text(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(what), "{told}");
    };
    refused(&[], "no domain given: use --domain");
    refused(&["--domain", "no domain"], "the domain");
    refused(
        &["--domain", "acme.example", "--administrator", "ann@other.example"],
        "is not in an internal domain",
    );
    refused(&["--domain", "acme.example", "--account", "not a code"], "1 to 32 letters and digits");
    assert!(!config.exists());
    refused(&["--domain", "acme.example", "--listen", "0.0.0.0:80"], "would serve plaintext HTTP");
    assert_eq!(std::fs::read_dir(config.parent().unwrap()).unwrap().count(), 0);
    // After the database has been created, the next run goes on with it.
    refused(
        &["--domain", "acme.example", "--keys", "/nowhere/keys.json"],
        "/nowhere/keys.json: No such file",
    );
    assert!(init(&config, &["--domain", "acme.example"]).status.success());
    // A new key could not open the database.
    std::fs::remove_file(config.with_file_name("master.key")).unwrap();
    std::fs::remove_file(config.with_file_name("keys.json")).unwrap();
    refused(&["--domain", "acme.example"], "master.key: No such file");
    assert!(!config.with_file_name("master.key").exists());
}

#[test]
fn a_master_key_in_the_environment_is_in_no_file() {
    let (_folder, config) = new_site();
    let key = "0f".repeat(32);
    let mut init = matricula(&["init", "--domain", "acme.example", "--config"]);
    let made = init.arg(&config).env("MATRICULA_MASTER_KEY", &key).output().unwrap();
    let told = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success() && told.contains("in the environment, as it was given"), "{told}");
    assert!(!told.contains(&key) && !std::fs::read_to_string(&config).unwrap().contains("master_key"));
    let mut doctor = matricula(&["doctor", "--quick", "--config"]);
    let doctor = doctor.arg(&config).env("MATRICULA_MASTER_KEY", &key).output().unwrap();
    assert!(doctor.status.success(), "{doctor:?}");
}

/// The administrator logs in with the password, which is read from standard input.
#[test]
fn a_password_is_checked_and_used() {
    let (_folder, config) = new_site();
    let with_password = |password: &str| {
        let mut init = matricula(&["init", "--domain", "acme.example", "--password-stdin", "--config"]);
        let init = init.arg(&config).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut init = init.spawn().unwrap();
        init.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        init.wait_with_output().unwrap()
    };
    let weak = with_password("short\n");
    assert!(stderr_text(&weak).contains("the password must"), "{weak:?}");
    assert!(!config.exists(), "nothing was written");
    let made = with_password("correct horse 7 Battery\n");
    assert!(made.status.success(), "{made:?}");
    assert!(String::from_utf8(made.stdout).unwrap().contains("/console as administrator@acme.example"));
}

/// On a terminal the questions are asked; `script` from util-linux is the terminal.
#[test]
fn questions_are_asked_on_a_terminal() {
    let (_folder, config) = new_site();
    let program = env!("CARGO_BIN_EXE_matricula");
    let command = format!("'{program}' --json init --config '{}'", config.display());
    let mut terminal = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = terminal.stdin.take().unwrap();
    let mut output = terminal.stdout.take().unwrap();
    let mut shown = String::new();
    let mut answer = |question: &str, answer: &str| {
        let mut byte = [0];
        while !shown.ends_with(question) {
            assert_eq!(std::io::Read::read(&mut output, &mut byte).unwrap(), 1, "{shown}");
            shown.push(char::from(byte[0]));
        }
        input.write_all(answer.as_bytes()).unwrap();
    };
    answer("Internal domain, such as acme.example: ", "acme example\n");
    answer("Internal domain, such as acme.example: ", "acme.example\n");
    answer("Name of the organisation [acme.example]: ", "Acme\n");
    answer("(empty: none, set it later): ", "short\n");
    answer("(empty: none, set it later): ", "correct horse 7 Battery\n");
    answer("The same again: ", "correct horse 7 Battery\n");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
    assert!(terminal.wait().unwrap().success(), "{shown}{rest}");
    assert!(rest.contains("\"account_code\":\"CACME00001\""), "{rest}");
    assert!(!rest.contains("Battery") && !shown.contains("Battery"), "{shown}{rest}");
}

/// A failover to a standby that commits do not wait for loses what was acknowledged: the log says so at the start.
#[test]
fn asynchronous_replication_is_told_at_the_start() {
    let Some(postgres) = testkit::Postgres::start("-c max_connections=60") else {
        return testkit::left_out("asynchronous replication", "PostgreSQL");
    };
    let _standby = postgres.standby("standby1");
    let database = postgres.database();
    let connected = "SELECT count(*) FROM pg_stat_replication";
    while postgres.execute(&database, connected).trim() != "1" {}
    let (_folder, config) = new_site();
    let made = init(&config, &["--domain", "acme.example", "--listen", "127.0.0.1:0", "--store", &database]);
    assert!(made.status.success(), "{made:?}");
    let (_process, mut log) = serve(&config);
    let warned = line_with(&mut log, "replication is asynchronous");
    assert_eq!((warned["level"].as_str(), warned["standbys"].as_u64()), (Some("WARN"), Some(1)), "{warned}");
}
