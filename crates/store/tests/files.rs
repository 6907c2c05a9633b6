//! The files of an SQLite database: who may create and read them, and what remains in them after a stop or a change.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_store as store;

mod still;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::audit::Actor;
use directory::change::{Change, Changed};
use directory::password::Policy;
use directory::port::{Clock, Position, Store, Write};
use directory::settings::Settings;
use directory::user::{PasswordHash, User};
use directory::{Account, AccountCode, AccountId, EmailAddress, UserId};
use rusqlite::Connection;
use still::Still;
use store::{BackupError, Left, Location, MasterKey, OpenError, OpenProblem};
use tempfile::TempDir;

fn key() -> MasterKey {
    MasterKey::parse(&"0f".repeat(32)).unwrap()
}

/// A folder for a database.
struct Site {
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Site {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), runtime }
    }

    /// With an account and a user in the database, which is closed again.
    fn with_user() -> Self {
        let site = Self::new();
        site.location().create(&key(), &Still).unwrap();
        site.add_user(&site.open().unwrap());
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn location(&self) -> Location {
        Location::Sqlite(self.file("matricula.db"))
    }

    fn open(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.location().open(&key(), Arc::new(Still), Arc::new(Still))
    }

    fn apply(&self, store: &Arc<dyn Store>, changes: Vec<Change>) {
        let applied = self.runtime.block_on(store.apply(changes, Actor::Operator, Still.now()));
        assert_eq!(applied.unwrap(), Changed::Done);
    }

    fn add_user(&self, store: &Arc<dyn Store>) {
        let account = Account {
            id: AccountId::from_bytes([1; 16]),
            code: AccountCode::parse("C1").unwrap(),
            name: "One".to_owned(),
            above: Vec::new(),
            password_policy: Policy::default(),
            settings: Settings::default(),
            epoch: 0,
            created_at: Still.now(),
        };
        self.apply(store, vec![Change::AddAccount(account), Change::AddUser(user_ann(None))]);
    }

    fn file_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The error of opening, which migration and key rotation share.
    fn open_error(&self) -> String {
        let of_it =
            || self.file_names().into_iter().filter(|name| name != "matricula.db.lock").collect::<Vec<_>>();
        let before = of_it();
        let problem = self.open().err().unwrap().to_string();
        assert_eq!(self.location().schema().unwrap_err().to_string(), problem);
        assert_eq!(self.location().migrate().unwrap_err().to_string(), problem);
        let rotated = self.location().rotate_master_key(&key(), &key(), &Still);
        assert_eq!(rotated.unwrap_err().to_string(), problem);
        assert_eq!(of_it(), before, "nothing is created or removed");
        problem.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn user_ann(hash: Option<&str>) -> User {
    let address = EmailAddress::parse("ann@example.com").unwrap();
    let password = hash.map(|hash| PasswordHash::new(hash.to_owned()));
    User {
        password,
        ..User::new(UserId::from_bytes([2; 16]), AccountId::from_bytes([1; 16]), address, Still.now())
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn file_contains(file: &Path, text: &str) -> bool {
    std::fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn only_create_makes_a_database_where_none_is() {
    let site = Site::new();
    let problem = site.open_error();
    assert!(
        problem.starts_with("matricula.db was not found: check `store` in the configuration"),
        "{problem}"
    );
    assert_eq!(site.file_names(), [""; 0], "not even a lock");
    assert!(site.location().create(&key(), &Still).unwrap());
    assert!(!site.location().create(&key(), &Still).unwrap(), "the second time it is there");
    assert_eq!(site.file_names(), ["matricula.db", "matricula.db.lock"]);
    site.add_user(&site.open().unwrap());

    let nowhere = Location::Sqlite(site.file("not mounted").join("matricula.db"));
    let open = nowhere.open(&key(), Arc::new(Still), Arc::new(Still));
    assert!(matches!(open.err().unwrap().problem, OpenProblem::Missing));
}

#[test]
fn remains_of_an_earlier_database_are_reported_and_not_taken_for_a_new_one() {
    for (name, left, next_step) in [
        ("matricula.db-wal", Left::Log, "move the database back to it"),
        ("matricula.db-journal", Left::Log, "move the database back to it"),
        ("matricula.db.20261124T120000Z", Left::SavedState, "rename it back"),
        ("matricula.db.4711.part", Left::Restore, "restore the backup again"),
    ] {
        let site = Site::new();
        std::fs::write(site.file(name), "something").unwrap();
        let problem = site.open_error();
        assert!(
            problem.starts_with(&format!("matricula.db was not found, but {name} exists, ")),
            "{problem}"
        );
        assert!(problem.contains(next_step), "{problem}");
        let created = site.location().create(&key(), &Still).unwrap_err().problem;
        assert!(matches!(created, OpenProblem::Leftover { what, .. } if what == left), "{created}");
        assert_eq!(std::fs::read(site.file(name)).unwrap(), b"something");
    }
    // Files of another database, or unrelated files.
    for name in
        ["other.db-wal", "matricula.db.lock", "matricula.db.bak", "matricula.db-shm", "matricula.db.7.new"]
    {
        let site = Site::new();
        std::fs::write(site.file(name), "").unwrap();
        assert!(matches!(site.open().err().unwrap().problem, OpenProblem::Missing), "{name}");
        assert!(site.location().create(&key(), &Still).unwrap());
    }
}

#[test]
fn a_file_that_is_not_a_matricula_database_is_refused_and_not_changed() {
    let site = Site::new();
    let database = site.file("matricula.db");
    std::fs::write(&database, "").unwrap();
    assert!(site.open_error().starts_with("matricula.db is an empty file: restore a backup"));
    assert!(matches!(site.location().create(&key(), &Still).unwrap_err().problem, OpenProblem::Empty));
    // The database of another program, and a first page without its log.
    for sql in
        ["CREATE TABLE keys (purpose, wrapped); PRAGMA user_version = 3", "PRAGMA user_version = 0; VACUUM"]
    {
        std::fs::remove_file(&database).unwrap();
        Connection::open(&database).unwrap().execute_batch(sql).unwrap();
        let before = std::fs::read(&database).unwrap();
        assert!(
            site.open_error().starts_with("matricula.db is not a Matricula database, or was copied without")
        );
        assert_eq!(std::fs::read(&database).unwrap(), before, "{sql}");
    }
    // Files and folders of other programs are not replaced, and nothing is created next to them.
    for make in [
        |path: &Path| std::fs::write(path, "notes").unwrap(),
        |path: &Path| std::fs::create_dir(path).unwrap(),
    ] {
        let site = Site::new();
        let database = site.file("matricula.db");
        make(&database);
        std::fs::set_permissions(&database, Permissions::from_mode(0o755)).unwrap();
        assert!(site.open_error().starts_with("matricula.db is not a Matricula database"));
        assert_eq!(std::fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(site.file_names(), ["matricula.db"]);
    }
}

#[test]
fn a_link_leads_to_one_database_and_its_lock() {
    let (site, other) = (Site::with_user(), Site::new());
    std::os::unix::fs::symlink(site.file("matricula.db"), other.file("matricula.db")).unwrap();
    let backup = site.file("backup.db");
    site.location().backup(&backup, &mut |_| {}).unwrap();
    let server = site.open().unwrap();
    let restored = other.location().restore(&backup, &key(), Some(Still.now()), &mut |_| {});
    assert!(matches!(restored, Err(BackupError::InUse(_))), "{restored:?}");
    drop(server);
    other.location().restore(&backup, &key(), Some(Still.now()), &mut |_| {}).unwrap();
    assert!(std::fs::symlink_metadata(other.file("matricula.db")).unwrap().is_symlink());
    assert_eq!(other.file_names(), ["matricula.db"]);
    let store = other.open().unwrap();
    assert_eq!(other.runtime.block_on(store.count_users()).unwrap(), 1);
}

#[test]
fn a_backup_takes_no_name_that_the_database_uses() {
    let site = Site::with_user();
    for name in [
        "matricula.db-wal",
        "matricula.db-shm",
        "matricula.db.lock",
        "matricula.db.77.part",
        "matricula.db.1.new",
    ] {
        if site.file(name).exists() {
            continue;
        }
        let refused = site.location().backup(&site.file(name), &mut |_| {});
        assert!(matches!(refused, Err(BackupError::Reserved(_))), "{name}: {refused:?}");
    }
    site.location().backup(&site.file("matricula.db.backup"), &mut |_| {}).unwrap();
}

#[test]
fn a_database_that_was_closed_is_one_file_with_everything() {
    let site = Site::with_user();
    let backup = site.file("backup.db");
    let closed = |after: &str| {
        let names = site.file_names();
        let of_it = names.iter().filter(|name| name.starts_with("matricula.db"));
        assert_eq!(of_it.collect::<Vec<_>>(), ["matricula.db", "matricula.db.lock"], "after {after}");
        // Copied alone to another folder.
        let copy = Site::new();
        std::fs::copy(site.file("matricula.db"), copy.file("matricula.db")).unwrap();
        let store = copy.open().unwrap();
        assert_eq!(copy.runtime.block_on(store.count_users()).unwrap(), 1, "after {after}");
    };
    closed("a write");
    let store = site.open().unwrap();
    // Connections that only read are opened after those that write, and on more than one thread.
    let account = AccountId::from_bytes([1; 16]);
    let reads = (0..8).map(|_| {
        let store = Arc::clone(&store);
        site.runtime.spawn(async move {
            assert_eq!(store.list_users(account, None, &Position::Start, 10).await.unwrap().len(), 1);
            store.count_users().await.unwrap();
        })
    });
    let reads: Vec<_> = reads.collect();
    reads.into_iter().for_each(|read| site.runtime.block_on(read).unwrap());
    site.apply(&store, vec![Change::SetPolicy(account, Policy::default())]);
    drop(store);
    closed("reads");
    site.location().schema().unwrap();
    closed("a look at the schema");
    site.location().backup(&backup, &mut |_| ()).unwrap();
    closed("a backup");
    site.location().rotate_master_key(&key(), &key(), &Still).unwrap();
    closed("a rotation");
    site.location().restore(&backup, &key(), Some(Still.now()), &mut |_| ()).unwrap();
    std::fs::remove_file(site.file("matricula.db.20261124T120000Z")).unwrap();
    closed("a restore");
}

#[test]
fn the_files_of_a_database_are_for_its_owner_only() {
    let site = Site::with_user();
    let store = site.open().unwrap();
    let account = AccountId::from_bytes([1; 16]);
    site.apply(&store, vec![Change::SetPolicy(account, Policy::default())]);
    let names = ["matricula.db", "matricula.db-shm", "matricula.db-wal", "matricula.db.lock"];
    assert_eq!(site.file_names(), names);
    assert_eq!(names.map(|name| mode(&site.file(name))), [0o600; 4]);
    // An earlier version let other users read the files, including those left after a kill.
    for name in names {
        std::fs::set_permissions(site.file(name), PermissionsExt::from_mode(0o644)).unwrap();
    }
    let _second = site.open().unwrap();
    assert_eq!(names[..3].iter().map(|name| mode(&site.file(name))).collect::<Vec<_>>(), [0o600; 3]);
}

#[test]
fn removed_data_is_wiped_from_all_files() {
    let site = Site::with_user();
    let store = site.open().unwrap();
    let hash = |n: u32| format!("canary-hash-{n}-{}", "x".repeat(60));
    let user = |n: u32| {
        let mut id = [9; 16];
        // Not sorted, so that pages are split and rows move.
        id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
        let address = EmailAddress::parse(&format!("user{n}@example.com")).unwrap();
        User { id: UserId::from_bytes(id), address, ..user_ann(Some(&hash(n))) }
    };
    // Written like by create-user, which wipes less than other changes.
    let write = |n| {
        let changes = vec![Change::AddUser(user(n))];
        let render = Box::new(|_: &[_]| Vec::new());
        Write {
            once: None,
            evidence: Vec::new(),
            actor: Actor::Operator,
            now: Still.now(),
            changes,
            render,
            times: None,
        }
    };
    site.runtime.block_on(store.write((0..500).map(write).collect())).unwrap();
    drop(store);
    assert!(file_contains(&site.file("matricula.db"), &hash(250)), "the file is looked into");
    let store = site.open().unwrap();
    // Some pages become free, others keep a part of their rows.
    site.apply(&store, (0..500).filter(|n| n % 100 != 7).map(|n| Change::RemoveUser(user(n).id)).collect());
    drop(store);
    for n in 0..500 {
        let kept = n % 100 == 7;
        assert_eq!(file_contains(&site.file("matricula.db"), &hash(n)), kept, "{n}");
    }
}

#[test]
fn a_backup_has_no_remains_of_removed_rows() {
    let site = Site::with_user();
    let (database, backup) = (site.file("matricula.db"), site.file("backup.db"));
    // Like an earlier version, which did not wipe.
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "PRAGMA secure_delete = OFF; CREATE TABLE remains (text TEXT);
             INSERT INTO remains VALUES ('canary-in-a-free-page'); DROP TABLE remains",
        )
        .unwrap();
    drop(connection);
    assert!(file_contains(&database, "canary-in-a-free-page"), "the file is looked into");
    site.location().backup(&backup, &mut |_| ()).unwrap();
    assert!(!file_contains(&backup, "canary-in-a-free-page"));
    assert_eq!(mode(&backup), 0o600);
}

#[test]
fn drafts_that_a_killed_process_left_are_removed_and_those_in_use_are_not() {
    let site = Site::with_user();
    for name in [
        "backup.db.4711.part",
        "backup.db.4711.part-wal",
        "backup.db.4711.copy.part",
        "backup.db.4712.part",
        "backup.db.4714.part-wal",
    ] {
        std::fs::write(site.file(name), "half").unwrap();
    }
    let in_use = std::fs::File::open(site.file("backup.db.4712.part")).unwrap();
    in_use.lock().unwrap();
    site.location().backup(&site.file("backup.db"), &mut |_| ()).unwrap();
    assert_eq!(site.file_names(), ["backup.db", "backup.db.4712.part", "matricula.db", "matricula.db.lock"]);
}

#[test]
fn a_database_with_broken_pages_is_not_ready() {
    let site = Site::with_user();
    let connection = Connection::open(site.file("matricula.db")).unwrap();
    let root: i64 = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'users'", [], |row| row.get(0))
        .unwrap();
    drop(connection);
    let root = usize::try_from(root).unwrap();
    let mut bytes = std::fs::read(site.file("matricula.db")).unwrap();
    bytes[(root - 1) * 4_096..root * 4_096].fill(0xa5);
    std::fs::write(site.file("matricula.db"), bytes).unwrap();
    let store = site.open().unwrap();
    let ready = || site.runtime.block_on(store.ready());
    ready().unwrap();
    let read = site.runtime.block_on(store.users(&[user_ann(None).address]));
    assert!(read.is_err());
    let why = std::error::Error::source(&ready().unwrap_err()).unwrap().to_string();
    assert!(why.ends_with("matricula.db is damaged: restore a backup"), "{why}");
}
