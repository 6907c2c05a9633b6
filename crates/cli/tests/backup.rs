//! Backup and restore with the real binary: under load, and to another machine, represented by another folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use client::{Client, NewUser};
use running::{Sandbox, matricula};
use serde_json::Value;
use server::admin::Admin;
use tokio::runtime::Runtime;

const CALLERS: usize = 8;

fn run(command: &str, folder: &Path, file: &Path, more: &[&str]) -> Output {
    matricula(&["--json", command, "--data"]).arg(folder).arg(file).args(more).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The error of a failed command, without the folder in its paths.
fn refusal_text(folder: &Path, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    error["error"].as_str().unwrap().replace(&folder.display().to_string(), "")
}

/// A folder with the keys of another one, and no database.
fn new_machine(of: &Path, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for file in ["master.key", "keys.json"] {
        std::fs::copy(of.join(file), folder.join(file)).unwrap();
    }
}

fn client_of(sandbox: &Sandbox) -> Client {
    Client::new(&serde_json::from_str(&sandbox.keys).unwrap()).unwrap()
}

async fn create(client: &Client, address: &str) {
    let answer = client.create_users(&[NewUser::new(address.to_owned())]).await.unwrap();
    assert_eq!(answer.data.len(), 1, "{address}");
}

/// Creates users until it is stopped, and records the acknowledged ones.
async fn create_until_stopped(
    client: Client,
    caller: usize,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<String>>>,
) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let address = format!("c{caller}n{n}@example.com");
        create(&client, &address).await;
        acknowledged.lock().unwrap().push(address);
    }
}

/// Waits until this number is acknowledged.
fn wait_for_acknowledged(acknowledged: &Mutex<Vec<String>>, enough: usize) {
    while acknowledged.lock().unwrap().len() < enough {
        std::thread::yield_now();
    }
}

/// Backs up a server while it creates users. Returns the output of the command, and the users acknowledged before.
fn back_up_under_load(runtime: &Runtime, client: &Client, old: &Path, file: &Path) -> (Value, Vec<String>) {
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            runtime.spawn(create_until_stopped(
                client.clone(),
                caller,
                Arc::clone(&stop),
                Arc::clone(&acknowledged),
            ))
        })
        .collect();
    wait_for_acknowledged(&acknowledged, 200);
    let before = acknowledged.lock().unwrap().clone();
    let printed = json(&run("backup", old, file, &[]));
    let after = acknowledged.lock().unwrap().len();
    // The load outlasts the backup.
    wait_for_acknowledged(&acknowledged, after + CALLERS);
    stop.store(true, Ordering::Relaxed);
    callers.into_iter().for_each(|caller| runtime.block_on(caller).unwrap());
    (printed, before)
}

fn open_admin(config: &server::Config) -> Admin {
    Admin::open(config, &config.master_key().unwrap(), server::System::real()).unwrap()
}

#[test]
fn users_acknowledged_before_a_backup_under_load_exist_after_its_restore() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new, file] = ["old", "new", "backup.db"].map(|name| folder.path().join(name));
    let sandbox = Sandbox::start(&old, &["--no-quota"]);
    let runtime = Runtime::new().unwrap();
    let (printed, before) = back_up_under_load(&runtime, &client_of(&sandbox), &old, &file);
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(
        (printed["bytes"].as_u64(), metadata.permissions().mode() & 0o777),
        (Some(metadata.len()), 0o600)
    );
    assert_eq!((printed["schema"].is_u64(), &printed["master_key_included"]), (true, &Value::from(false)));
    drop(sandbox);

    new_machine(&old, &new);
    let restored = json(&run("restore", &new, &file, &[]));
    assert_eq!(restored["kept"], Value::Null);
    let admin = open_admin(&playground::sandbox::config(&new));
    runtime.block_on(async {
        for address in &before {
            admin.user(address).await.unwrap();
        }
        let users = admin.count_users().await.unwrap();
        assert!(users > before.len() as u64, "the administrator too");
        let reports = admin.verify_audit().await.unwrap();
        assert!(reports.len() == 1 && reports[0].broken.is_none(), "{reports:?}");
        assert_eq!(restored["audit_events"], reports[0].events);
    });
    drop(admin);
    let sandbox = Sandbox::start(&new, &[]);
    runtime.block_on(create(&client_of(&sandbox), "new@example.com"));
}

#[test]
fn a_database_is_replaced_only_when_asked_and_not_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file] = ["data", "backup.db"].map(|name| folder.path().join(name));
    let runtime = Runtime::new().unwrap();
    let sandbox = Sandbox::start(&data, &[]);
    json(&run("backup", &data, &file, &[]));
    runtime.block_on(create(&client_of(&sandbox), "new@example.com"));
    let error = refusal_text(folder.path(), &run("restore", &data, &file, &["--replace"]));
    assert_eq!(error, "/data/matricula.db is in use by a server or another command: stop it first");
    runtime.block_on(create(&client_of(&sandbox), "later@example.com"));
    // The killed server leaves its last writes in the log, which is kept together with the database.
    drop(sandbox);

    let error = refusal_text(folder.path(), &run("restore", &data, &file, &[]));
    assert!(error.contains("Use --replace"), "{error}");
    let restored = json(&run("restore", &data, &file, &["--replace"]));
    let kept = Path::new(restored["kept"].as_str().unwrap());
    let has_later_user =
        |config: &server::Config| runtime.block_on(open_admin(config).user("later@example.com")).is_ok();
    let config = playground::sandbox::config(&data);
    assert!(!has_later_user(&config));
    assert!(has_later_user(&server::Config { store: server::Location::Sqlite(kept.into()), ..config }));
}

#[test]
fn an_invalid_backup_is_refused_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new, file] = ["old", "new", "backup.db"].map(|name| folder.path().join(name));
    drop(Sandbox::start(&old, &[]));
    new_machine(&old, &new);
    json(&run("backup", &old, &file, &[]));
    let whole = std::fs::read(&file).unwrap();
    assert_eq!(
        refusal_text(folder.path(), &run("backup", &old, &file, &[])),
        "/backup.db already exists and is not overwritten: name another file"
    );
    assert_eq!(std::fs::read(&file).unwrap(), whole);
    assert_eq!(
        refusal_text(folder.path(), &run("backup", &new, &folder.path().join("x"), &[])),
        "/new/matricula.db not found"
    );

    let restore = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let error = refusal_text(folder.path(), &run("restore", &new, &file, &[]));
        assert!(!new.join("matricula.db").exists());
        error
    };
    assert!(restore(&whole[..whole.len() / 2]).starts_with("/backup.db is damaged: "));
    // Change one letter of the audit.
    let event = whole.windows(12).position(|bytes| bytes == b"user.created").unwrap();
    let mut other = whole.clone();
    other[event] = b'U';
    let error = restore(&other);
    assert!(error.starts_with("the audit in /backup.db is broken: chain 1: event "), "{error}");
    assert_eq!(restore(b"no database, but a text"), "/backup.db is not a Matricula database");
    std::fs::write(new.join("master.key"), "0f".repeat(32)).unwrap();
    assert!(restore(&whole).contains("was created with the master key"));
    let left: Vec<_> = std::fs::read_dir(&new).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "both keys and the lock, and no draft: {left:?}");
}

#[test]
fn people_are_told_that_the_master_key_is_not_in_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Sandbox::start(&folder.path().join("data"), &[]));
    let mut command = matricula(&["backup", "--data", "data", "backup.db"]);
    let output = command.current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("backed up to backup.db, "), "{text}");
    assert!(text.contains("It does not contain the master key"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(output.stderr, b"", "nothing odd where no terminal is");
}
