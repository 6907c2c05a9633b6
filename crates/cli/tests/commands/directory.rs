//! A directory for production: `admin` sets it up, `serve` serves it, `audit` checks it.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{ChildStderr, Output, Stdio};

use serde_json::{Value, json};

use crate::running::{Running, matricula};
use crate::{json, path, run, run_with_input, text};

/// A folder with a configuration and a master key, and a database with one account and its domain.
struct Installation {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("matricula.toml");
        std::fs::write(&config, "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n").unwrap();
        let installation = Self { folder, config };
        json(&["admin", "new-master-key", path(&installation.file("master.key"))]);
        installation.admin(&["account", "create", "CACME00001", "--name", "Acme"]);
        installation.admin(&["domain", "create", "acme.example", "--account", "CACME00001"]);
        installation
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `matricula admin`, whether or not it succeeds.
    fn try_admin(&self, arguments: &[&str]) -> Output {
        run(&[&["admin", "--config", path(&self.config)], arguments].concat())
    }

    fn admin(&self, arguments: &[&str]) -> Value {
        json(&[&["admin", "--config", path(&self.config)], arguments].concat())
    }

    fn create_reader_role(&self) {
        let permission = "Directories|Internal|Read";
        self.admin(&["role", "create", "Reader", "--account", "CACME00001", "--permission", permission]);
    }

    fn create_administrator(&self, address: &str, more: &[&str]) {
        let create = ["administrator", "create", address, "--account", "CACME00001"];
        self.admin(&[&create, more].concat());
    }

    fn audit(&self, command: &str) -> Output {
        run(&["--json", "audit", command, "--config", path(&self.config)])
    }

    fn assert_audit_is_whole(&self) {
        let chains: Value = serde_json::from_slice(&self.audit("verify").stdout).unwrap();
        assert_eq!(chains[0]["state"], "whole");
    }
}

/// `matricula serve`, and its log.
struct Service {
    process: Running,
    log: Lines<BufReader<ChildStderr>>,
    address: String,
}

impl Service {
    fn start(installation: &Installation) -> Self {
        let serve =
            matricula(&["serve", "--config", path(&installation.config)]).stderr(Stdio::piped()).spawn();
        let mut process = Running(serve.unwrap());
        let log = BufReader::new(process.0.stderr.take().unwrap()).lines();
        let mut service = Self { process, log, address: String::new() };
        service.address = service.next_log_line()["address"].as_str().unwrap().to_owned();
        service
    }

    fn next_log_line(&mut self) -> Value {
        serde_json::from_str(&self.log.next().unwrap().unwrap()).unwrap()
    }

    /// The line of the next request; other lines may come before it.
    fn next_request_line(&mut self) -> Value {
        loop {
            let line = self.next_log_line();
            if line["target"] == "request" {
                return line;
            }
        }
    }

    fn terminate(mut self) {
        let id = self.process.0.id().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0), "SIGTERM ends it in good order");
    }
}

#[test]
fn accounts_administrators_and_profiles_are_created() {
    let installation = Installation::new();
    let admin = |arguments: &[&str]| installation.admin(arguments);
    admin(&["account", "create", "CACME00002", "--name", "Below", "--parent", "CACME00001"]);
    let set = ["account", "set", "CACME00001", "--package", "Mail [2]", "--package", "Archive"];
    assert_eq!(admin(&set)["done"], "changed");
    assert_eq!(
        admin(&["account", "set", "CACME00001", "--basic-ad", "treat-as-cloud"])["name"],
        "CACME00001"
    );
    let accounts = admin(&["account", "list"]);
    assert_eq!(accounts[1]["parent"], "CACME00001");
    let settings =
        |account: &Value| json!([account["packages"], account["basic_ad"], account["emergency_contact"]]);
    assert_eq!(settings(&accounts[0]), json!([["Mail [2]", "Archive"], "treat-as-cloud", null]));
    assert_eq!(settings(&accounts[1]), json!([["Internal Directory [1]"], "refuse", null]));
    installation.create_reader_role();
    installation.create_administrator("robot@acme.example", &[]);
    installation.create_administrator("reader@acme.example", &["--role", "Reader"]);
    assert_eq!(admin(&["administrator", "list"]).as_array().unwrap().len(), 2);
    admin(&["profile", "create", "Service", "--account", "CACME00001", "--max-bindings", "2"]);
    admin(&["profile", "assign", "Service", "--account", "CACME00001", "--user", "robot@acme.example"]);
    let profiles = admin(&["profile", "list"]);
    assert_eq!(
        (profiles[0]["profile"].as_str(), profiles[0]["life"].as_str()),
        (Some("Service"), Some("for ever"))
    );
}

#[test]
fn a_password_policy_holds_for_passwords_that_are_set() {
    let installation = Installation::new();
    installation.create_administrator("reader@acme.example", &[]);
    let set_policy =
        |options: &[&str]| installation.admin(&[&["password-policy", "CACME00001"], options].concat());
    let policy = set_policy(&["--min-length", "12", "--max-age-days", "90"]);
    assert_eq!((policy["min_length"].as_u64(), policy["max_age_days"].as_u64()), (Some(12), Some(90)));
    assert_eq!(set_policy(&["--max-age-days", "0"])["max_age_days"], Value::Null);
    let config = path(&installation.config);
    let set_password = ["admin", "--config", config, "administrator", "set-password", "reader@acme.example"];
    let set = run_with_input(&set_password, "Correct horse 7 battery\n");
    assert_eq!(set.status.code(), Some(0));
    let short = run_with_input(&set_password, "Zx9!\n");
    assert!(text(&short.stderr).contains("the password must have at least 12 characters"), "{short:?}");
}

#[test]
fn applications_of_api_2_are_added_listed_and_disabled() {
    let installation = Installation::new();
    installation.create_reader_role();
    let add = ["client", "add", "--account", "CACME00001", "--name", "HR onboarding", "--role", "Reader"];
    let products = ["--product", "rolemanagement", "--product", "userandgroupmanagement"];
    let client = installation.admin(&[&add[..], &products].concat());
    let client_id = client["client_id"].as_str().unwrap();
    assert_eq!((client_id.len(), client["client_secret"].as_str().unwrap().len()), (40, 43));
    let listed = installation.admin(&["client", "list"]);
    assert_eq!(listed[0]["client_id"], client_id);
    assert_eq!(
        (listed[0]["role"].as_str(), listed[0]["products"].as_str()),
        (Some("Reader"), Some("userandgroupmanagement, rolemanagement"))
    );
    let table = text(&installation.try_admin(&["client", "list"]).stdout);
    assert!(table.contains(client_id), "an id is on one line, so that it can be copied: {table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let unknown = installation.try_admin(&["client", "disable", "none"]);
    assert_eq!(
        (unknown.status.code(), text(&unknown.stderr).as_str()),
        (Some(1), "error: application none not found\n")
    );
    installation.admin(&["client", "disable", client_id]);
    assert_eq!(installation.admin(&["client", "list"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_directory_is_served_and_its_audit_checked() {
    let installation = Installation::new();
    installation.create_administrator("robot@acme.example", &[]);
    let application = installation.admin(&["application", "create", "HR", "--account", "CACME00001"]);
    let app_id = application["app_id"].as_str().unwrap();
    let binding = installation.admin(&["binding", "create", "robot@acme.example", "--app-id", app_id]);

    let mut service = Service::start(&installation);
    let keys = installation.file("keys.json");
    let object = serde_json::json!({
        "base_url": format!("http://{}", service.address),
        "app_id": app_id, "app_key": application["app_key"],
        "access_key": binding["access_key"], "secret_key": binding["secret_key"],
    });
    std::fs::write(&keys, object.to_string()).unwrap();
    let created = json(&["user", "create", "--keys", path(&keys), "--email", "ann@acme.example"]);
    assert_eq!(created["emailAddress"], "ann@acme.example");
    let line = service.next_request_line();
    assert_eq!((line["caller"].as_str(), line["status"].as_u64()), (Some("robot@acme.example"), Some(200)));

    // A running server sees at once that another process disabled a binding.
    installation.admin(&["binding", "disable", binding["access_key"].as_str().unwrap()]);
    let refused = run(&["user", "create", "--keys", path(&keys), "--email", "late@acme.example"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("0004 Invalid Signature"));
    service.terminate();

    installation.assert_audit_is_whole();
    let exported = installation.audit("export");
    let events: Vec<Value> =
        text(&exported.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(text(&exported.stderr), format!("chain 1: {} events, whole\n", events.len()));
    assert_eq!(events.last().unwrap()["action"], "binding.revoked");
    assert!(
        events.iter().any(|event| event["account"] == "CACME00001" && event["target"] == "ann@acme.example")
    );
}

#[test]
fn an_access_key_may_begin_like_an_option() {
    let installation = Installation::new();
    for key in ["-8I7JFDqFN7BI26WYhAA", "-hI7JFDqFN7BI26WYhAA", "--I7JFDqFN7BI26WYhAA"] {
        for command in ["disable", "reissue"] {
            let unknown = installation.try_admin(&["binding", command, key]);
            assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown.stderr));
            assert_eq!(text(&unknown.stderr), "error: binding with this access key not found\n");
        }
    }
}

#[test]
fn a_master_key_is_never_overwritten_and_can_be_rotated() {
    let installation = Installation::new();
    let (key, new) = (installation.file("master.key"), installation.file("new.key"));
    assert_eq!(run(&["admin", "new-master-key", path(&key)]).status.code(), Some(1), "the file exists");
    json(&["admin", "new-master-key", path(&new)]);
    installation.admin(&["rotate-master-key", "--new", path(&new)]);
    let old = installation.try_admin(&["account", "list"]);
    assert!(text(&old.stderr).contains("was created with the master key"), "{}", text(&old.stderr));
    std::fs::rename(&new, &key).unwrap();
    installation.assert_audit_is_whole();
}

/// What is suggested is a configuration, whatever the machine is doing.
#[test]
fn the_cost_of_passwords_is_measured_and_suggested() {
    let measured = json(&["admin", "calibrate", "--milliseconds", "1"]);
    let costs = measured["costs"].as_array().unwrap();
    let memory: Vec<_> = costs.iter().map(|cost| cost["memory_kib"].as_u64().unwrap() >> 10).collect();
    assert_eq!(memory, [46, 19, 12, 9, 7]);
    let suggested = &measured["suggested"];
    assert!(costs.contains(suggested), "{measured}");

    let installation = Installation::new();
    let setting = |name: &str| format!("{name} = {}\n", suggested[name]);
    let settings: String = ["memory_kib", "iterations", "parallelism"].map(setting).concat();
    let config = std::fs::read_to_string(&installation.config).unwrap();
    std::fs::write(&installation.config, format!("{config}[passwords]\n{settings}")).unwrap();
    installation.create_administrator("ann@acme.example", &[]);
    let set = ["administrator", "set-password", "ann@acme.example"];
    let set = [&["--json", "admin", "--config", path(&installation.config)], &set[..]].concat();
    let set = run_with_input(&set, "Harbour-Lights-4711\n");
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));

    let shown = text(&run(&["admin", "calibrate", "--milliseconds", "1"]).stdout);
    assert!(shown.contains("[passwords]\nmemory_kib = "), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_eq!(run(&["admin", "calibrate", "--milliseconds", "0"]).status.code(), Some(2));
}
