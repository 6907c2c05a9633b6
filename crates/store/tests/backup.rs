//! Backups of a database during writes, and files that a restore refuses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_store as store;

mod still;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::audit::Actor;
use directory::change::Change;
use directory::password::Policy;
use directory::port::{Clock, Store};
use directory::settings::Settings;
use directory::{Account, AccountCode, AccountId};
use rusqlite::Connection;
use still::Still;
use store::{BackupError, Location, MasterKey, OpenProblem, Step};
use tempfile::TempDir;

/// A folder with a database in it.
struct Site {
    folder: TempDir,
    store: Option<Arc<dyn Store>>,
    runtime: tokio::runtime::Runtime,
}

fn key(digits: &str) -> MasterKey {
    MasterKey::parse(&digits.repeat(32)).unwrap()
}

fn with_log(database: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", database.display()))
}

/// Leaves the files of a process that was killed after this write.
fn write_and_kill(database: &Path, sql: &str) {
    let connection = Connection::open(database).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch(sql).unwrap();
    let files = [database.to_owned(), with_log(database)].map(|file| (std::fs::read(&file).unwrap(), file));
    drop(connection);
    for (bytes, file) in files {
        std::fs::write(file, bytes).unwrap();
    }
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = folder.path().join("matricula.db");
        let location = Location::Sqlite(path);
        location.create(&key("0f"), &Still).unwrap();
        let store = location.open(&key("0f"), Arc::new(Still), Arc::new(Still)).unwrap();
        let site = Self { folder, store: Some(store), runtime };
        site.add_account(1);
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add_account(&self, number: u8) {
        let account = Account {
            id: AccountId::from_bytes([number; 16]),
            code: AccountCode::parse(&format!("C{number}")).unwrap(),
            name: "One".to_owned(),
            above: Vec::new(),
            password_policy: Policy::default(),
            settings: Settings::default(),
            epoch: 0,
            created_at: Still.now(),
        };
        let apply = self.store.as_ref().unwrap().apply(
            vec![Change::AddAccount(account)],
            Actor::Operator,
            Still.now(),
        );
        self.runtime.block_on(apply).unwrap();
    }

    fn backup(&self, to: &Path) {
        Location::Sqlite(self.file("matricula.db")).backup(to, &mut |_| ()).unwrap();
    }

    /// Restores to another path in the folder, and returns the error.
    fn restore_error(&self, from: &Path) -> String {
        let place = self.file("restored.db");
        let error = Location::Sqlite(place.clone())
            .restore(from, &key("0f"), None, &mut |_| ())
            .unwrap_err()
            .to_string();
        assert!(!place.exists(), "nothing stands where it did not belong");
        error.replace(&self.folder.path().display().to_string(), "")
    }

    /// Names of the files in the folder, except those of the database.
    fn other_files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with("matricula.db")).collect();
        names.sort();
        names
    }
}

#[test]
fn a_backup_is_consistent_although_others_write_between_its_steps() {
    let site = Site::new();
    let (database, to) = (site.file("matricula.db"), site.file("backup.db"));
    let ballast = "CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(50000000))";
    Connection::open(&database).unwrap().execute_batch(ballast).unwrap();
    let (mut steps, mut before) = (0, 0);
    Location::Sqlite(database.clone())
        .backup(&to, &mut |step| {
            let Step::Copied(bytes, of) = step else { return };
            assert!(bytes > before, "a step that starts again: {bytes} after {before} of {of}");
            before = bytes;
            steps += 1;
            site.add_account(100 + steps);
        })
        .unwrap();
    assert!(steps > 3, "{steps} steps");
    let codes = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let mut codes = connection.prepare("SELECT code FROM accounts ORDER BY code").unwrap();
        codes.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(codes(&to), ["C1"]);
    assert_eq!(codes(&database).len(), 1 + usize::from(steps));
    assert_eq!(site.other_files(), ["backup.db"]);
}

#[test]
fn no_page_of_a_backup_can_be_damaged_unnoticed() {
    let site = Site::new();
    let (whole, damaged) = (site.file("whole.db"), site.file("damaged.db"));
    site.backup(&whole);
    let bytes = std::fs::read(&whole).unwrap();
    assert!(bytes.len() > 40 * 4_096);
    for page in 0..bytes.len() / 4_096 {
        let mut bytes = bytes.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        std::fs::write(&damaged, bytes).unwrap();
        let error = site.restore_error(&damaged);
        let known = ["damaged.db is damaged: ", "damaged.db is not a Matricula database"];
        assert!(known.iter().any(|known| error.contains(known)), "page {page}: {error}");
    }
    std::fs::write(&damaged, &bytes[..bytes.len() - 4_096]).unwrap();
    let error = site.restore_error(&damaged);
    assert!(error.starts_with("/damaged.db is damaged: "), "{error}");
    assert_eq!(site.other_files(), ["damaged.db", "restored.db.lock", "whole.db"], "no draft is left");
}

#[test]
fn a_changed_or_foreign_backup_is_refused() {
    let site = Site::new();
    let (backup, other) = (site.file("backup.db"), site.file("other.db"));
    site.backup(&backup);
    let change = |sql: &str| {
        std::fs::copy(&backup, &other).unwrap();
        Connection::open(&other).unwrap().execute_batch(sql).unwrap();
        site.restore_error(&other)
    };
    assert_eq!(
        change("UPDATE audit_events SET target = 'C2'"),
        "the audit in /other.db is broken: chain 1: event 1 was changed"
    );
    let newer = change("PRAGMA user_version = 99");
    assert!(newer.starts_with("/other.db has schema 99 of a newer Matricula; this version"), "{newer}");
    assert_eq!(change("DROP TABLE audit_chains"), "/other.db is not a Matricula database");
    std::fs::write(&other, "").unwrap();
    assert_eq!(site.restore_error(&other), "/other.db is not a Matricula database");
    std::fs::write(&other, "a text, and a long one: ".repeat(1_000)).unwrap();
    assert_eq!(site.restore_error(&other), "/other.db is not a Matricula database");
    assert_eq!(site.restore_error(&site.file("none.db")), "/none.db not found");
    let error = Location::Sqlite(site.file("x.db"))
        .restore(&backup, &key("1e"), None, &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("backup.db: the database was created with the master key "), "{error}");
}

#[test]
fn a_database_that_exists_or_is_in_use_is_not_replaced() {
    let mut site = Site::new();
    let (database, to) = (site.file("matricula.db"), site.file("backup.db"));
    site.backup(&to);
    let again = Location::Sqlite(database.clone()).backup(&to, &mut |_| ()).unwrap_err();
    assert!(matches!(again, BackupError::Exists(_)), "{again}");
    site.add_account(2);
    let put = |replace| Location::Sqlite(database.clone()).restore(&to, &key("0f"), replace, &mut |_| ());
    let error = put(Some(Still.now())).unwrap_err();
    assert!(matches!(error, BackupError::InUse(_)), "{error}");

    site.store = None;
    let error = put(None).unwrap_err();
    assert!(matches!(error, BackupError::WouldReplace(_)), "{error}");
    // The restore merges the log of a killed server, so the kept database is complete without it.
    let log = site.file("matricula.db-wal");
    write_and_kill(
        &database,
        "INSERT INTO accounts (id, code, name, password_policy, created_at) VALUES (zeroblob(16), 'C9', '', '{}', 0)",
    );
    assert!(log.exists());
    let kept = put(Some(Still.now())).unwrap().kept.unwrap();
    assert_eq!(kept, site.file("matricula.db.20261124T120000Z"));
    assert!(!log.exists() && !with_log(&kept).exists());
    let count = |path: &Path| -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count(&database), count(&kept)), (1, 3));

    // No other process may open the database while it is being replaced.
    let later = Still.now() + jiff::SignedDuration::from_secs(1);
    let mut tried = false;
    let location = Location::Sqlite(database.clone());
    location
        .restore(&to, &key("0f"), Some(later), &mut |_| {
            let open = location.open(&key("0f"), Arc::new(Still), Arc::new(Still));
            let copied = location.backup(&site.file("other.db"), &mut |_| ());
            let refused = |problem: &OpenProblem| matches!(problem, OpenProblem::BeingRestored);
            tried = open.err().is_some_and(|error| refused(&error.problem))
                && matches!(copied, Err(BackupError::BeingRestored(_)))
                && location.migrate().is_err_and(|error| refused(&error.problem));
        })
        .unwrap();
    assert!(tried);

    std::fs::remove_file(&database).unwrap();
    std::fs::write(&log, "log").unwrap();
    let error = put(None).unwrap_err();
    assert!(matches!(error, BackupError::Leftover(_)), "{error}");
}

#[test]
fn a_file_that_is_no_longer_a_database_is_kept_too() {
    let mut site = Site::new();
    let (database, to) = (site.file("matricula.db"), site.file("backup.db"));
    site.backup(&to);
    site.store = None;
    std::fs::write(&database, "no database any more".repeat(500)).unwrap();
    let location = Location::Sqlite(database.clone());
    let kept = location.restore(&to, &key("0f"), Some(Still.now()), &mut |_| ()).unwrap().kept.unwrap();
    assert_eq!(std::fs::read(&kept).unwrap(), "no database any more".repeat(500).as_bytes());
    drop(location.open(&key("0f"), Arc::new(Still), Arc::new(Still)).unwrap());
}

#[test]
fn a_dump_is_restored_into_an_empty_database() {
    let Some(postgres) = testkit::Postgres::shared() else {
        return testkit::left_out("backup and restore of PostgreSQL", "PostgreSQL");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let open = |location: &Location| location.open(&key("0f"), Arc::new(Still), Arc::new(Still)).unwrap();
    let [from, to, third] = [(); 3].map(|()| Location::from(postgres.database()));
    let change = Change::AddAccount(Account {
        id: AccountId::from_bytes([1; 16]),
        code: AccountCode::parse("C1").unwrap(),
        name: "One".to_owned(),
        above: Vec::new(),
        password_policy: Policy::default(),
        settings: Settings::default(),
        epoch: 0,
        created_at: Still.now(),
    });
    assert!(from.create(&key("0f"), &Still).unwrap() && !from.create(&key("0f"), &Still).unwrap());
    let store = open(&from);
    runtime.block_on(store.apply(vec![change], Actor::Operator, Still.now())).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    assert!(matches!(to.backup(&file, &mut |_| ()), Err(BackupError::Missing(_))), "nothing to be copied");
    let made = from.backup(&file, &mut |_| ()).unwrap();
    assert_eq!(made.bytes, std::fs::metadata(&file).unwrap().len());
    assert!(matches!(from.backup(&file, &mut |_| ()), Err(BackupError::Exists(_))));
    assert!(matches!(from.restore(&file, &key("0f"), None, &mut |_| ()), Err(BackupError::NotEmpty(_))));
    assert!(matches!(third.restore(&file, &key("f0"), None, &mut |_| ()), Err(BackupError::Vault { .. })));
    let restored = to.restore(&file, &key("0f"), None, &mut |_| ()).unwrap();
    assert_eq!((restored.events, restored.schema), (1, made.schema));
    let accounts = runtime.block_on(open(&to).list_accounts()).unwrap();
    assert_eq!((accounts.len(), accounts[0].name.as_str()), (1, "One"));

    let cut = folder.path().join("cut");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let empty = Location::from(postgres.database());
    assert!(matches!(
        empty.restore(&cut, &key("0f"), None, &mut |_| ()),
        Err(BackupError::Program { program: "pg_restore", .. })
    ));
    let missing = |problem: OpenProblem| matches!(problem, OpenProblem::Missing);
    assert!(missing(empty.schema().unwrap_err().problem), "all or nothing");
    // A restore does not create a directory by accident.
    assert!(missing(empty.migrate().unwrap_err().problem));
    let open = empty.open(&key("0f"), Arc::new(Still), Arc::new(Still));
    assert!(missing(open.err().unwrap().problem));
}
