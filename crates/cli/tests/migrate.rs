//! `matricula migrate` on a database with the first schema, as an early version left it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::path::Path;
use std::process::Output;

use running::{Sandbox, matricula};
use rusqlite::Connection;
use serde_json::{Value, json};

fn run(folder: &Path, more: &[&str]) -> Output {
    matricula(&["migrate", "--data"]).arg(folder).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The names of the migrations, from their files.
fn migrations() -> Vec<String> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations/sqlite");
    let names = std::fs::read_dir(files).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        names.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// A database with the first schema and an account.
fn first_schema(database: &Path) {
    let connection = Connection::open(database).unwrap();
    connection.execute_batch(include_str!("../../store/migrations/sqlite/0001_initial.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection
        .execute_batch(
            "INSERT INTO accounts (id, code, name, password_policy, created_at)
             VALUES (x'01010101010101010101010101010101', 'C1', 'One', '{\"min_length\":9,\"min_classes\":3,\"min_strength\":2}', 5)",
        )
        .unwrap();
}

#[test]
fn the_plan_says_what_would_run_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, database) = (folder.path(), folder.path().join("matricula.db"));
    let migrations = migrations();
    let none = run(folder, &["--plan"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("matricula.db was not found"), "{}", text(&none.stderr));
    assert!(!database.exists());

    first_schema(&database);
    let before = std::fs::read(&database).unwrap();
    let plan = run(folder, &["--plan"]);
    assert_eq!(plan.status.code(), Some(4), "some are due: {}", text(&plan.stderr));
    let known = migrations.len();
    let due: String = migrations[1..].iter().map(|name| format!("  {name}\n")).collect();
    let expected = format!(
        "schema 1, this program needs {known}; these migrations would run:\n{due}nothing was changed\n"
    );
    assert_eq!(text(&plan.stdout), expected);
    let plan = run(folder, &["--plan", "--json"]);
    let object: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let due: Vec<_> =
        (2..).zip(&migrations[1..]).map(|(number, name)| json!({ "number": number, "name": name })).collect();
    let expected = json!({ "found": 1, "known": known, "changed": false, "migrations": due });
    assert_eq!((plan.status.code(), &object), (Some(4), &expected));
    assert_eq!(std::fs::read(&database).unwrap(), before);

    let done = run(folder, &["--json"]);
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    let expected = json!({ "found": 1, "known": known, "changed": true, "migrations": due });
    assert_eq!((done.status.code(), &object), (Some(0), &expected));
    for more in [&["--plan"][..], &[]] {
        let none = run(folder, more);
        assert_eq!(none.status.code(), Some(0));
        assert_eq!(text(&none.stdout), format!("schema {known} is up to date; nothing to do\n"));
    }
    let connection = Connection::open(&database).unwrap();
    let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM accounts"), 1);
    assert_eq!(count("SELECT count(*) FROM groups"), 0);

    connection.pragma_update(None, "user_version", known as i64 + 1).unwrap();
    for more in [&["--plan"][..], &[]] {
        let newer = run(folder, more);
        assert_eq!(newer.status.code(), Some(1));
        assert!(
            text(&newer.stderr).contains(&format!("has schema {} of a newer Matricula", known + 1)),
            "{}",
            text(&newer.stderr)
        );
    }
}

#[test]
fn migrate_does_nothing_while_a_server_is_running() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(folder.path(), &[]);
    assert!(sandbox.keys.contains("access_key"), "it has started");
    for more in [&["--plan"][..], &[]] {
        assert_eq!(run(folder.path(), more).status.code(), Some(0));
    }
}
