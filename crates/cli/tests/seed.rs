//! `matricula admin seed`: many users that look like any others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::path::Path;

use client::{Client, NewUser};
use running::{Sandbox, matricula};
use serde_json::{Value, json};
use server::admin::Admin;

/// The output of `matricula admin`, and its exit code.
fn admin(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = matricula(&["--json", "admin", "--data"]);
    let output = command.arg(folder).args(arguments).output().unwrap();
    let printed = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), serde_json::from_slice(&printed).unwrap())
}

fn seed(folder: &Path, users: &str) -> (u64, u64) {
    let (code, mut seeded) = admin(folder, &["seed", "--users", users]);
    assert_eq!(code, Some(0), "{seeded}");
    let mut number = |name: &str| seeded[name].take().as_u64().unwrap();
    assert_eq!(number("users").to_string(), users);
    (number("added"), number("already_there"))
}

#[test]
fn users_are_seeded_while_a_server_runs_and_a_repeat_adds_missing_ones() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sandbox = Sandbox::start(folder, &[]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = Client::new(&serde_json::from_str(&sandbox.keys).unwrap()).unwrap();
    let create = |address: &str| {
        let answer = runtime.block_on(client.create_users(&[NewUser::new(address.to_owned())])).unwrap();
        answer.data.len()
    };
    assert_eq!(create("User0000007@example.com"), 1);
    // More users than in one transaction.
    assert_eq!(seed(folder, "10500"), (10_499, 1));
    assert_eq!(create("user0010500@EXAMPLE.com"), 0, "the address is taken");
    assert_eq!(create("user0010501@example.com"), 1);
    assert_eq!(seed(folder, "10502"), (1, 10_501));

    // The API lists them.
    let page = json!([{ "domain": "example.com" }]);
    let page: [Value; 1] = serde_json::from_value(page).unwrap();
    let listed =
        runtime.block_on(client.call::<_, Value>("/api/user/get-internal-users", true, &page)).unwrap();
    let listed = serde_json::to_value(&listed.data[0]).unwrap();
    assert_eq!(listed["userCount"], 10_505, "with the administrator and the users of the domain");
    assert_eq!(listed["users"][3]["emailAddress"], "user0000001@example.com");
    drop(sandbox);

    let config = playground::sandbox::config(folder);
    let admin = Admin::open(&config, &config.master_key().unwrap(), server::System::real()).unwrap();
    runtime.block_on(async {
        assert_eq!(admin.count_users().await.unwrap(), 10_505);
        let reports = admin.verify_audit().await.unwrap();
        assert!(reports.len() == 1 && reports[0].broken.is_none(), "{reports:?}");
        let events = admin.audit().await.unwrap();
        let mut created = events.iter().filter(|event| event.action == "user.created");
        assert_eq!(created.clone().count(), 10_503, "each has its event, except those of the domain");
        let last = created.next_back().unwrap();
        assert_eq!((&*last.actor, &*last.detail), ("operator", "without password"));
        let first = admin.user("user0000001@example.com").await.unwrap();
        let second = admin.user("user0000002@example.com").await.unwrap();
        assert!(first.id < second.id && first.password.is_none());
    });
}

#[test]
fn seeding_needs_an_existing_domain_or_account() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(Sandbox::start(folder, &[]));
    let fails = |arguments: &[&str]| {
        let (code, error) = admin(folder, &[&["seed", "--users", "5"][..], arguments].concat());
        assert_eq!(code, Some(1), "{error}");
        error["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        fails(&["--domain", "none.example"]),
        "no internal domain none.example found: add it first with `matricula admin domain create`"
    );
    assert_eq!(fails(&["--account", "CNONE"]), "account CNONE not found");
    admin(folder, &["account", "create", "COTHER", "--name", "Other"]);
    assert!(fails(&["--account", "COTHER"]).starts_with("no internal domain in the account COTHER found: "));
    admin(folder, &["domain", "create", "other.example", "--account", "COTHER"]);
    assert!(fails(&[]).ends_with("choose one with --domain"));
    assert!(
        fails(&["--account", "COTHER", "--domain", "example.com"])
            .contains("no internal domain example.com in")
    );
    let (code, seeded) = admin(folder, &["seed", "--users", "5", "--account", "COTHER"]);
    assert_eq!((code, &seeded["added"]), (Some(0), &json!(5)));
    assert_eq!(matricula(&["admin", "seed", "--users", "0"]).output().unwrap().status.code(), Some(2));
}
