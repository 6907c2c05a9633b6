//! The certificate: made by the sandbox, trusted by the commands, replaced while the server is running.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use running::{Running, Sandbox, matricula};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Creates a user by a file of keys.
fn create(keys: &Path, address: &str) -> Output {
    matricula(&["user", "create", "--email", address, "--keys"]).arg(keys).output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn the_commands_trust_what_the_file_of_keys_names() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().join("data"), folder.path().join("data/keys.json"));
    let sandbox = Sandbox::start(&data, &["--tls"]);
    let named: Value = serde_json::from_str(&sandbox.keys).unwrap();
    assert_eq!(named, read(&keys));
    assert!(named["base_url"].as_str().unwrap().starts_with("https://127.0.0.1:"));
    let ca_file = Path::new(named["ca_file"].as_str().unwrap());
    assert!(ca_file.is_absolute());
    let created = create(&keys, "ann@example.com");
    assert_eq!(code(&created), Some(0), "{created:?}");
    let signed = matricula(&["sign", "/api/user/create-user", "--keys"]).arg(&keys).output().unwrap();
    let curl = format!(" \\\n  --cacert '{}' \\\n", ca_file.display());
    assert!(String::from_utf8(signed.stdout).unwrap().contains(&curl));

    // By a path relative to the file.
    let changed = folder.path().join("changed.json");
    let with = |ca_file: Value| {
        let mut keys = named.clone();
        keys["ca_file"] = ca_file;
        std::fs::write(&changed, keys.to_string()).unwrap();
        create(&changed, "ann@example.com")
    };
    assert_eq!(code(&with(json!("data/tls/ca.pem"))), Some(3), "the user is there");
    assert_eq!(code(&with(Value::Null)), Some(1), "nobody vouches for it");
    let none = with(json!("data/keys.json"));
    assert!(String::from_utf8(none.stderr).unwrap().contains("ca_file"), "that is no certificate");

    // It is kept as long as it serves.
    let first = std::fs::read(ca_file).unwrap();
    drop(sandbox);
    let sandbox = Sandbox::start(&data, &["--tls"]);
    assert_eq!(std::fs::read(ca_file).unwrap(), first);
    drop(sandbox);
    let sandbox = Sandbox::start(&data, &["--tls", "directory.test"]);
    assert_ne!(std::fs::read(ca_file).unwrap(), first);
    assert_eq!(code(&create(&keys, "ann@example.com")), Some(3));
    drop(sandbox);
    let _sandbox = Sandbox::start(&data, &[]);
    assert!(
        read(&keys).get("ca_file").is_none()
            && read(&keys)["base_url"].as_str().unwrap().starts_with("http:")
    );
    let refused = matricula(&["sandbox", "--tls", "no name", "--data"]).arg(&data).output().unwrap();
    assert!(String::from_utf8(refused.stderr).unwrap().contains("neither a host name nor an IP address"));
}

/// `matricula serve`, and its log.
struct Served {
    process: Running,
    log: Box<dyn Iterator<Item = String>>,
}

impl Served {
    fn start(config: &Path) -> Self {
        let process = matricula(&["serve", "--config"]).arg(config).stderr(Stdio::piped()).spawn();
        let mut process = Running(process.unwrap());
        let lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
        Self { process, log: Box::new(lines.map(Result::unwrap)) }
    }

    /// Waits for a line of the log that holds this.
    fn wait_for_line(&mut self, text: &str) -> Value {
        let line = self.log.find(|line| line.contains(text)).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn hang_up(&self) {
        kill_process(Pid::from_child(&self.process.0), Signal::HUP).unwrap();
    }
}

#[test]
fn a_renewed_certificate_is_taken_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for data in ["old", "new"] {
        drop(Sandbox::start(&file(data), &["--tls"]));
    }
    let put = |from: &str| {
        for name in ["server.pem", "server.key"] {
            std::fs::copy(file(from).join("tls").join(name), file(name)).unwrap();
        }
    };
    put("old");
    let config = file("matricula.toml");
    let settings = "listen = \"127.0.0.1:0\"\nstore = \"old/matricula.db\"\nmaster_key_file = \"old/master.key\"\n\
                    [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n";
    std::fs::write(&config, settings).unwrap();

    let mut served = Served::start(&config);
    assert!(served.wait_for_line("certificate in use")["ends"].is_string());
    let address = served.wait_for_line("listening")["address"].as_str().unwrap().to_owned();
    let create = |ca: &str, address_of_user: &str| {
        let mut keys = read(&file("old/keys.json"));
        keys["base_url"] = format!("https://{address}").into();
        keys["ca_file"] = json!(file(ca).join("tls/ca.pem"));
        std::fs::write(file("keys.json"), keys.to_string()).unwrap();
        code(&create(&file("keys.json"), address_of_user))
    };
    assert_eq!((create("old", "a@example.com"), create("new", "b@example.com")), (Some(0), Some(1)));

    put("new");
    served.hang_up();
    served.wait_for_line("certificate in use");
    assert_eq!((create("old", "b@example.com"), create("new", "b@example.com")), (Some(1), Some(0)));

    std::fs::write(file("server.key"), "no key").unwrap();
    served.hang_up();
    let complaint = served.wait_for_line("the new certificate is unusable; the previous one stays in use");
    assert!(complaint["error"].as_str().unwrap().contains("contains no private key"), "{complaint}");
    assert_eq!(create("new", "c@example.com"), Some(0));

    // With what it would not take, it does not start.
    drop(served);
    std::fs::copy(file("old/tls/server.key"), file("server.key")).unwrap();
    let refused = matricula(&["serve", "--config"]).arg(&config).output().unwrap();
    assert_eq!(code(&refused), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(said.matches("server.key does not match the first certificate in ").count(), 1, "{said}");
}

/// Without a certificate there is nothing to reload, and the server goes on.
#[test]
fn sighup_ends_no_server() {
    let folder = tempfile::tempdir().unwrap();
    drop(Sandbox::start(&folder.path().join("data"), &[]));
    let config = folder.path().join("matricula.toml");
    let settings =
        "listen = \"127.0.0.1:0\"\nstore = \"data/matricula.db\"\nmaster_key_file = \"data/master.key\"\n";
    std::fs::write(&config, settings).unwrap();
    let mut served = Served::start(&config);
    let address = served.wait_for_line("listening")["address"].as_str().unwrap().to_owned();
    // What answers has long been told what SIGHUP means.
    let mut keys = read(&folder.path().join("data/keys.json"));
    keys["base_url"] = format!("http://{address}").into();
    let keys_file = folder.path().join("keys.json");
    std::fs::write(&keys_file, keys.to_string()).unwrap();
    assert_eq!(code(&create(&keys_file, "a@example.com")), Some(0));
    served.hang_up();
    served.wait_for_line("SIGHUP ignored: it reopens the log file and reloads the certificate");
    assert_eq!(code(&create(&keys_file, "b@example.com")), Some(0));
}
