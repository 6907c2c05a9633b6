//! `matricula doctor` names what is broken. Each test breaks one thing of a good installation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "no sandbox here")]
mod running;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use running::{Running, matricula};
use serde_json::Value;
use server::admin::Admin;
use server::{Config, System};
use tempfile::TempDir;
use testkit::{FakeClock, Postgres};

/// Settings of a good installation in addition to what `init` writes.
const MORE: &str = "[domains]\nverification = \"offline\"\n[backup]\nfolder = \"backups\"\n";

struct Site {
    folder: TempDir,
    config: PathBuf,
}

impl Site {
    fn new() -> Self {
        Self::on("matricula.db")
    }

    fn on(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("matricula.toml");
        let init =
            matricula(&["init", "--domain", "acme.example", "--listen", "127.0.0.1:0", "--store", store])
                .arg("--config")
                .arg(&config)
                .output()
                .unwrap();
        assert!(init.status.success(), "{init:?}");
        let site = Self { folder, config };
        std::fs::create_dir(site.file("backups")).unwrap();
        site.add(MORE);
        let backup = site
            .file(&client::machine_clock().strftime("backups/matricula-%Y%m%dT%H%M%SZ.backup").to_string());
        let made = matricula(&["backup", "--config"]).arg(&site.config).arg(backup).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add(&self, settings: &str) {
        let before = std::fs::read_to_string(&self.config).unwrap();
        std::fs::write(&self.config, before + settings).unwrap();
    }

    /// Puts settings before the first table.
    fn set(&self, setting: &str) {
        let before = std::fs::read_to_string(&self.config).unwrap();
        std::fs::write(&self.config, format!("{setting}\n{before}")).unwrap();
    }

    fn doctor(&self) -> Report {
        let mut command = matricula(&["--json", "doctor", "--config"]);
        Report::of(&command.arg(&self.config).output().unwrap())
    }

    /// The one failure or warning of this check, and the exit code.
    #[track_caller]
    fn expect(&self, check: &str, state: &str, found: &str) {
        let report = self.doctor();
        let finding = report.finding(check);
        assert_eq!(finding["state"], state, "{:?}", report.checks);
        assert!(finding["found"].as_str().unwrap().contains(found), "{finding}");
        assert!(!finding["advice"].as_str().unwrap().is_empty(), "{finding}");
        assert_eq!(report.code, Some(if state == "failure" { 3 } else { 0 }), "{:?}", report.checks);
    }
}

struct Report {
    code: Option<i32>,
    checks: Vec<Value>,
}

impl Report {
    fn of(output: &Output) -> Self {
        let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        Self { code: output.status.code(), checks: value["checks"].as_array().unwrap().clone() }
    }

    /// The worst finding of a check.
    #[track_caller]
    fn finding(&self, check: &str) -> &Value {
        let found = self.checks.iter().filter(|finding| finding["check"] == check);
        let rank = |finding: &&Value| {
            ["ok", "skipped", "warning", "failure"].iter().position(|it| *it == finding["state"])
        };
        found.max_by_key(rank).unwrap_or_else(|| panic!("no check {check}: {:?}", self.checks))
    }
}

#[test]
fn a_good_installation_has_no_failures() {
    let site = Site::new();
    let report = site.doctor();
    assert_eq!(report.code, Some(0), "{:?}", report.checks);
    for check in [
        "configuration",
        "open files",
        "schema",
        "database",
        "pages",
        "audit",
        "clock",
        "disk",
        "backup",
        "listen",
    ] {
        assert_eq!(report.finding(check)["state"], "ok", "{check}: {:?}", report.checks);
    }
    let mut strict = matricula(&["doctor", "--strict", "--quick", "--config"]);
    let strict = strict.arg(&site.config).output().unwrap();
    let told = String::from_utf8(strict.stdout).unwrap();
    assert_eq!(strict.status.code(), Some(3), "verification is offline: {told}");
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    let mut check = matricula(&["--json", "serve", "--check", "--config"]);
    assert_eq!(Report::of(&check.arg(&site.config).output().unwrap()).code, Some(0));
}

#[test]
fn settings_that_cannot_be_read() {
    let site = Site::new();
    site.set("lisen = 1");
    site.expect("configuration", "failure", "unknown field `lisen`");
    let mut check = matricula(&["--json", "serve", "--check", "--config"]);
    assert_eq!(Report::of(&check.arg(&site.config).output().unwrap()).code, Some(3));
}

#[test]
fn a_master_key_that_is_missing_wrong_or_readable() {
    let site = Site::new();
    let key = site.file("master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    site.expect("master key", "failure", "is readable by other users");
    std::fs::write(&key, "0f".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    site.expect("database", "failure", "master key");
    std::fs::remove_file(&key).unwrap();
    site.expect("master key", "failure", "No such file");
}

#[test]
fn a_database_that_is_missing_newer_or_older() {
    let site = Site::new();
    let change = |sql: &str| {
        rusqlite::Connection::open(site.file("matricula.db")).unwrap().execute_batch(sql).unwrap();
    };
    let known: u32 = {
        let database = rusqlite::Connection::open(site.file("matricula.db")).unwrap();
        database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    change("PRAGMA user_version = 999");
    site.expect("database", "failure", "schema 999 of a newer Matricula");
    // As the program before the newest migration left it.
    change(&format!("PRAGMA user_version = {}", known - 1));
    site.expect("schema", "warning", "pending migrations: 1");
    std::fs::rename(site.file("matricula.db"), site.file("elsewhere.db")).unwrap();
    site.expect("database", "failure", "was not found");
}

/// New keys would open nothing that the old ones sealed.
#[test]
fn a_database_that_has_lost_its_keys() {
    let site = Site::new();
    let database = rusqlite::Connection::open(site.file("matricula.db")).unwrap();
    assert!(database.execute("DELETE FROM keys", []).unwrap() > 0);
    site.expect("database", "failure", "has lost its keys");
    let keys: u32 = database.query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 0);
}

#[test]
fn corrupt_pages() {
    let site = Site::new();
    let database = site.file("matricula.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let root = {
        let connection = rusqlite::Connection::open(&database).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'tombstones'";
        let root: u32 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(root).unwrap()
    };
    bytes[(root - 1) * page..root * page].fill(0xff);
    std::fs::write(&database, bytes).unwrap();
    site.expect("pages", "failure", "is damaged");
}

#[test]
fn an_audit_that_was_changed() {
    let site = Site::new();
    let database = rusqlite::Connection::open(site.file("matricula.db")).unwrap();
    assert_eq!(database.execute("DELETE FROM audit_events WHERE seq = 2", []).unwrap(), 1);
    drop(database);
    site.expect("audit", "failure", "is broken");
}

#[tokio::test]
async fn a_clock_that_went_back() {
    let site = Site::new();
    let config = Config::from_file(&site.config).unwrap();
    let later = FakeClock::at("2100-01-01T00:00:00Z".parse().unwrap());
    let system = System { clock: Arc::new(later), ..System::real() };
    let admin = Admin::open(&config, &config.master_key().unwrap(), system).unwrap();
    admin.add_account("C2", "Two", None).await.unwrap();
    drop(admin);
    site.expect("clock", "failure", "the newest event of the audit is from 2100-01-01");
}

#[test]
fn backups_that_are_missing_old_or_bad() {
    let site = Site::new();
    let backups = site.file("backups");
    let backup = std::fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    let old = backups.join("matricula-20250101T000000Z.backup");
    std::fs::copy(&backup, &old).unwrap();
    std::fs::write(&backup, "not a database").unwrap();
    site.expect("backup", "failure", "not a Matricula database");
    std::fs::remove_file(&backup).unwrap();
    site.expect("backup", "failure", "hours old");
    std::fs::remove_file(&old).unwrap();
    site.expect("backup", "warning", "there is none in");
    std::fs::remove_dir(&backups).unwrap();
    site.expect("backup", "failure", "No such file");
}

#[test]
fn an_address_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = Site::new();
    let settings = std::fs::read_to_string(&site.config).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(&site.config, settings.replace("127.0.0.1:0", &address)).unwrap();
    std::thread::spawn(move || while taken.accept().is_ok() {});
    site.expect("listen", "failure", "is used by another program");
}

/// A server that runs is no reason to complain.
#[test]
fn a_server_that_answers() {
    let site = Site::new();
    let [listen, metrics] = testkit::free_ports();
    let settings = std::fs::read_to_string(&site.config).unwrap();
    std::fs::write(&site.config, settings.replace("127.0.0.1:0", &format!("127.0.0.1:{listen}"))).unwrap();
    site.add(&format!("[metrics]\nlisten = \"127.0.0.1:{metrics}\"\n"));
    let mut serve = matricula(&["serve", "--config"]);
    let mut process = Running(serve.arg(&site.config).stderr(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(process.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    log.find(|line| line.contains("serving metrics")).unwrap();
    let report = site.doctor();
    for check in ["listen", "metrics"] {
        let finding = report.finding(check);
        assert!(finding["found"].as_str().unwrap().starts_with("a server answers on"), "{finding}");
    }
}

#[test]
fn a_certificate_that_cannot_be_used() {
    let site = Site::new();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-days", "1", "-keyout"])
        .args([site.file("key.pem"), PathBuf::from("-out"), site.file("chain.pem")])
        .output();
    let Ok(made) = made else { return testkit::left_out("a certificate", "openssl") };
    assert!(made.status.success(), "{made:?}");
    site.add("[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n");
    assert_eq!(site.doctor().finding("certificate")["state"], "ok");
    std::fs::remove_file(site.file("key.pem")).unwrap();
    site.expect("certificate", "failure", "key.pem: No such file");
}

#[test]
fn a_resolver_that_does_not_answer() {
    let site = Site::new();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = format!("resolvers = [\"{}\"]\ntimeout_seconds = 1", silent.local_addr().unwrap());
    let settings = std::fs::read_to_string(&site.config).unwrap();
    std::fs::write(&site.config, settings.replace("verification = \"offline\"", &resolver)).unwrap();
    site.expect("DNS", "failure", "timed out");
}

#[test]
fn too_few_files() {
    let site = Site::new();
    let script = "ulimit -n 512; exec \"$0\" --json doctor --quick --config \"$1\"";
    let mut limited = Command::new("sh");
    let limited = limited.args(["-c", script, env!("CARGO_BIN_EXE_matricula")]).arg(&site.config);
    let report = Report::of(&limited.output().unwrap());
    let finding = report.finding("open files");
    assert_eq!(finding["state"], "warning", "{finding}");
    assert!(finding["advice"].as_str().unwrap().contains("LimitNOFILE=8392"), "{finding}");
}

#[test]
fn a_database_server_that_can_lose_commits() {
    let Some(postgres) = Postgres::start("-c fsync=off -c max_connections=60") else {
        return testkit::left_out("settings of PostgreSQL", "PostgreSQL");
    };
    let site = Site::on(&postgres.database());
    site.expect("durability", "failure", "off in PostgreSQL: fsync");
    let report = site.doctor();
    for check in ["database", "audit", "clock", "backup"] {
        assert_eq!(report.finding(check)["state"], "ok", "{:?}", report.checks);
    }
}

#[test]
fn a_standby_that_commits_do_not_wait_for() {
    let Some(postgres) = Postgres::start("-c max_connections=60") else {
        return testkit::left_out("asynchronous replication", "PostgreSQL");
    };
    let site = Site::on(&postgres.database());
    let report = site.doctor();
    assert_eq!(report.finding("durability")["state"], "ok", "{:?}", report.checks);
    let standby = postgres.standby("standby1");
    let database = postgres.database();
    while postgres.execute(&database, "SELECT count(*) FROM pg_stat_replication").trim() != "1" {}
    site.expect("durability", "warning", "commits wait for none");
    site.set("require_synchronous_replication = true");
    site.expect("durability", "failure", "writes get 503");
    // Commits wait for a standby that is missing: the database is opened all the same, without a commit.
    postgres.set_synchronous("standby2");
    drop(standby);
    while postgres.execute(&database, "SELECT count(*) FROM pg_stat_replication").trim() != "0" {}
    site.expect("durability", "failure", "none is connected");
}

/// A password of the database is in no report, whatever fails.
#[test]
fn no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("matricula.toml");
    let settings =
        "store = \"postgres://matricula:canary-password@127.0.0.1:1/x\"\nmaster_key_file = \"master.key\"\n";
    std::fs::write(&config, settings).unwrap();
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).unwrap();
    let key = matricula(&["admin", "new-master-key"]).arg(folder.path().join("master.key")).output().unwrap();
    assert!(key.status.success());
    let report = doctor_text(&config);
    assert!(report.contains("contains the database's password and is readable"), "{report}");
    assert!(report.contains("failure") && !report.contains("canary"), "{report}");
    for broken in [
        "store = \"postgres://u:canary@h/x",
        "stor = \"postgres://u:canary@h/x\"",
        "store = \"POSTGRES://u:canary@h/x\"",
    ] {
        std::fs::write(&config, broken).unwrap();
        assert!(!doctor_text(&config).contains("canary"), "{broken}");
        let served = matricula(&["serve", "--config"]).arg(&config).output().unwrap();
        assert!(!String::from_utf8(served.stderr).unwrap().contains("canary"), "{broken}");
    }
}

fn doctor_text(config: &Path) -> String {
    let output = matricula(&["--json", "doctor", "--config"]).arg(config).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}
