//! The operations that are interrupted, and the valid results.

use std::path::Path;
use std::process::{Command, ExitStatus};

use rusqlite::Connection;

use crate::place::{self, DATABASE, Held, KEY, Sent, Serving, program, run};

pub(crate) const BACKUP: &str = "backup.db";

/// The beginning of the name of a replaced directory, before the time.
const KEPT: &str = "matricula.db.2";

/// The result of a run.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    /// The output of the program.
    pub(crate) said: Vec<u8>,
    pub(crate) sent: Vec<Sent>,
}

/// An operation of the program on a folder.
pub(crate) trait Operation {
    fn name(&self) -> &'static str;

    /// Creates the initial state.
    fn prepare(&self, folder: &Path);

    /// The command line.
    fn command(&self, folder: &Path) -> Command;

    /// Runs the command to its end, possibly wrapped into another one. `pid` returns the process of the program.
    fn run(&self, _folder: &Path, command: Command, _pid: &dyn Fn() -> Option<u32>) -> Ran {
        let (said, status) = place::output_and_status(command);
        Ran { status, said, sent: Vec::new() }
    }

    /// Checks the folder after an interruption, given the output up to then. `before` is the initial folder, and `ran`
    /// the interrupted run.
    fn check_folder(&self, folder: &Path, before: &Path, said: &[u8], ran: &Ran);
}

/// Whether the output contains this text.
fn was_said(said: &[u8], what: &[u8]) -> bool {
    !what.is_empty() && said.windows(what.len()).any(|window| window == what)
}

fn served(folder: &Path) -> Held {
    place::serve(folder, |_, _| ()).unwrap_or_else(|words| panic!("it does not start: {words}"))
}

/// The users of a folder's directory, read from a copy.
fn held_in(folder: &Path, database: &str) -> Held {
    let copy = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let from = folder.join(format!("{database}{suffix}"));
        if from.exists() {
            std::fs::copy(from, copy.path().join(format!("{DATABASE}{suffix}"))).unwrap();
        }
    }
    Held::read(&copy.path().join(DATABASE))
}

/// A directory with users whose server was killed, so that the last of them are only in its log.
fn killed_directory(folder: &Path, name: &str) {
    let serving = Serving::start(program(folder, &["serve"]));
    let sent = place::create_users(folder, serving.address.unwrap(), name, 4);
    assert!(sent.iter().all(|sent| sent.answer.is_some()));
    serving.kill();
    assert!(folder.join(format!("{DATABASE}-wal")).exists());
}

/// A folder with a directory and a backup without its last users.
fn directory_and_backup(folder: &Path) {
    place::directory(folder);
    run(folder, &["backup", BACKUP]);
    killed_directory(folder, "later");
}

/// The first account, which creates the directory.
pub(crate) struct Creation;

impl Operation for Creation {
    fn name(&self) -> &'static str {
        "admin account create, the first"
    }

    fn prepare(&self, folder: &Path) {
        place::settings(folder);
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, &["admin", "account", "create", "C1", "--name", "One"])
    }

    fn check_folder(&self, folder: &Path, _: &Path, said: &[u8], _: &Ran) {
        let done = !said.is_empty();
        match place::serve(folder, |_, _| ()) {
            Ok(held) if held.accounts == ["C1"] => return,
            // The directory was created, but no account was reported, so none is missing.
            Ok(held) => assert!(held.accounts.is_empty() && !done, "{held:?}"),
            Err(words) => {
                assert!(!done, "it was created: {words}");
                assert!(words.contains("was not found: check `store`"), "{words}");
                assert!(words.contains("`matricula admin account create`"), "{words}");
            }
        }
        assert!(self.command(folder).output().unwrap().status.success());
        assert_eq!(served(folder).accounts, ["C1"]);
    }
}

/// The start of a server, and a stop at once.
pub(crate) struct Start {
    /// After a restore, instead of after a kill.
    pub(crate) restored: bool,
}

fn serve_and_stop(command: Command, pid: &dyn Fn() -> Option<u32>) -> Ran {
    let serving = Serving::start(command);
    let listens = serving.address.is_some();
    let status = serving.stop(|_| if listens { pid() } else { None });
    Ran { status, said: Vec::new(), sent: Vec::new() }
}

impl Operation for Start {
    fn name(&self) -> &'static str {
        if self.restored { "serve, after a restore" } else { "serve, after a kill" }
    }

    fn prepare(&self, folder: &Path) {
        place::directory(folder);
        killed_directory(folder, "user");
        if self.restored {
            run(folder, &["backup", BACKUP]);
            std::fs::remove_file(folder.join(DATABASE)).unwrap();
            let _ = std::fs::remove_file(folder.join(format!("{DATABASE}-wal")));
            run(folder, &["restore", BACKUP]);
        }
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, &["serve"])
    }

    fn run(&self, _: &Path, command: Command, pid: &dyn Fn() -> Option<u32>) -> Ran {
        serve_and_stop(command, pid)
    }

    fn check_folder(&self, folder: &Path, before: &Path, _: &[u8], _: &Ran) {
        assert_eq!(served(folder), held_in(before, DATABASE));
    }
}

/// A few dozen requests that create users, and a stop.
pub(crate) struct Creates;

impl Operation for Creates {
    fn name(&self) -> &'static str {
        "create-user and stop"
    }

    fn prepare(&self, folder: &Path) {
        place::directory(folder);
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, &["serve"])
    }

    fn run(&self, folder: &Path, command: Command, pid: &dyn Fn() -> Option<u32>) -> Ran {
        let serving = Serving::start(command);
        let Some(address) = serving.address else {
            return Ran { status: serving.stop(|_| None), said: Vec::new(), sent: Vec::new() };
        };
        let sent = place::create_users(folder, address, "user", 30);
        let said = sent.iter().filter_map(|sent| sent.answer.clone()).collect::<Vec<_>>().concat();
        Ran { status: serving.stop(|_| pid()), said, sent }
    }

    fn check_folder(&self, folder: &Path, before: &Path, said: &[u8], ran: &Ran) {
        let answered = |sent: &Sent| was_said(said, sent.answer.as_deref().unwrap_or_default());
        let before = held_in(before, DATABASE);
        let held = place::serve(folder, |address, held| {
            for sent in &ran.sent {
                let there = sent.addresses.iter().filter(|address| held.users.contains_key(*address)).count();
                assert!(
                    there == 0 || there == sent.addresses.len(),
                    "half of a request: {:?}",
                    sent.addresses
                );
                assert!(there > 0 || !answered(sent), "lost: {:?}", sent.addresses);
            }
            assert!(before.users.iter().all(|(address, id)| held.users.get(address) == Some(id)), "lost");
            place::repeat(folder, address, &ran.sent, answered);
        });
        let held = held.unwrap_or_else(|words| panic!("it does not start: {words}"));
        let mut users: Vec<_> = before.users.into_keys().collect();
        users.extend(ran.sent.iter().flat_map(|sent| sent.addresses.clone()));
        users.sort();
        assert_eq!(held.users.into_keys().collect::<Vec<_>>(), users);
    }
}

pub(crate) struct Backup;

impl Operation for Backup {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn prepare(&self, folder: &Path) {
        place::directory(folder);
        killed_directory(folder, "user");
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, &["backup", BACKUP])
    }

    fn check_folder(&self, folder: &Path, before: &Path, said: &[u8], _: &Ran) {
        let held = held_in(before, DATABASE);
        assert!(said.is_empty() || folder.join(BACKUP).exists(), "it was made but does not exist");
        let done = !said.is_empty() || !folder.join(BACKUP).exists();
        if !folder.join(BACKUP).exists() {
            run(folder, &["backup", BACKUP]);
        }
        // The temporary name may reappear until the folder is synced. The backup is whole all the same.
        let files = place::files_named(folder, BACKUP);
        assert!(files.len() == 1 || !done, "a part of a backup is left: {files:?}");
        assert_eq!(served(folder), held);
        run(folder, &["restore", BACKUP, "--replace"]);
        assert_eq!(held_in(folder, DATABASE), held);
    }
}

pub(crate) struct Restore {
    /// Replaces a directory, instead of creating one.
    pub(crate) replace: bool,
}

impl Operation for Restore {
    fn name(&self) -> &'static str {
        if self.replace { "restore --replace" } else { "restore" }
    }

    fn prepare(&self, folder: &Path) {
        directory_and_backup(folder);
        if !self.replace {
            place::files_named(folder, DATABASE).iter().for_each(|path| std::fs::remove_file(path).unwrap());
        }
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, if self.replace { &["restore", BACKUP, "--replace"] } else { &["restore", BACKUP] })
    }

    fn check_folder(&self, folder: &Path, before: &Path, said: &[u8], _: &Ran) {
        let (done, new) = (!said.is_empty(), held_in(before, BACKUP));
        let old = self.replace.then(|| held_in(before, DATABASE));
        let again = match place::serve(folder, |_, _| ()) {
            Ok(held) if held == new => false,
            Ok(held) => {
                assert_eq!(Some(&held), old.as_ref());
                assert!(!done, "it was restored, and the old one is there");
                // The second run may get the same name, because names have a resolution of a second.
                place::files_named(folder, KEPT).iter().for_each(|path| std::fs::remove_file(path).unwrap());
                run(folder, &["restore", BACKUP, "--replace"]);
                true
            }
            Err(words) => {
                assert!(!done && !self.replace, "{words}");
                assert!(words.contains("was not found"), "{words}");
                assert!(words.contains("check `store`") || words.contains("`matricula restore`"), "{words}");
                run(folder, &["restore", BACKUP]);
                true
            }
        };
        if again {
            assert_eq!(served(folder), new);
        }
        if let Some(old) = old {
            let kept = place::files_named(folder, KEPT);
            let [kept] = &*kept else { panic!("the old directory is kept once: {kept:?}") };
            assert_eq!(held_in(folder, kept.file_name().unwrap().to_str().unwrap()), old);
        }
    }
}

/// A rotation of the master key.
pub(crate) struct Rotation;

impl Operation for Rotation {
    fn name(&self) -> &'static str {
        "admin rotate-master-key"
    }

    fn prepare(&self, folder: &Path) {
        place::directory(folder);
        killed_directory(folder, "user");
        run_new_key(folder);
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, &["admin", "rotate-master-key", "--new", "new.key"])
    }

    fn check_folder(&self, folder: &Path, before: &Path, said: &[u8], _: &Ran) {
        let held = held_in(before, DATABASE);
        match place::serve(folder, |_, _| ()) {
            Ok(found) => {
                assert!(said.is_empty(), "it was exchanged, and the old key opens it");
                assert_eq!(found, held);
                run(folder, &["admin", "rotate-master-key", "--new", "new.key"]);
            }
            Err(words) => assert!(words.contains("was created with the master key"), "{words}"),
        }
        std::fs::rename(folder.join("new.key"), folder.join(KEY)).unwrap();
        assert_eq!(served(folder), held);
    }
}

fn run_new_key(folder: &Path) {
    let key = crate::running::matricula(&["admin", "new-master-key"]).arg(folder.join("new.key")).output();
    assert!(key.unwrap().status.success());
}

/// The migrations of a directory with the first schema.
pub(crate) struct Migration;

impl Operation for Migration {
    fn name(&self) -> &'static str {
        "migrate"
    }

    fn prepare(&self, folder: &Path) {
        place::settings(folder);
        let connection = Connection::open(folder.join(DATABASE)).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch(include_str!("../../../store/migrations/sqlite/0001_initial.sql")).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection
            .execute_batch(
                "INSERT INTO accounts (id, code, name, password_policy, created_at)
                 VALUES (x'01010101010101010101010101010101', 'C1', 'One', '{\"min_length\":9,\"min_classes\":3,\"min_strength\":2}', 5);
                 INSERT INTO users (id, account, address, address_key, name, password, must_change_password, address_type, source, created_at)
                 VALUES (x'02020202020202020202020202020202', x'01010101010101010101010101010101', 'Ann@example.com', 'ann@example.com',
                         'Ann', NULL, 0, 'created_manually', 'cloud', 5)",
            )
            .unwrap();
    }

    fn command(&self, folder: &Path) -> Command {
        program(folder, &["migrate"])
    }

    fn check_folder(&self, folder: &Path, before: &Path, said: &[u8], _: &Ran) {
        let plan = program(folder, &["migrate", "--plan"]).output().unwrap();
        let due = plan.status.code();
        assert!(due == Some(0) || due == Some(4) && said.is_empty(), "{plan:?}");
        run(folder, &["migrate"]);
        assert_eq!(served(folder), held_in(before, DATABASE));
    }
}
