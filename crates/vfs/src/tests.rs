use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_WRITE};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::collected::{Collected, MOST};
use crate::{NAME, register};

fn open(path: &Path, cache: i64) -> Connection {
    register().unwrap();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags_and_vfs(path, flags, NAME).unwrap();
    set_up(connection, cache)
}

fn set_up(connection: Connection, cache: i64) -> Connection {
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "cache_size", cache).unwrap();
    connection
}

/// By SQLite's default layer.
fn open_plain(path: &Path) -> Connection {
    set_up(Connection::open(path).unwrap(), 100)
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    (folder, path)
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn assert_sound(connection: &Connection) {
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                    INSERT INTO t SELECT randomblob(900) FROM n";

fn fill(connection: &Connection, rows: i64) {
    connection.execute(FILL, [rows]).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Write(i64, Vec<u8>),
    PassOn,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Offsets that often continue the last write, as a log does, and sometimes return into it.
    let write = (0..6_i64, 0..40_usize).prop_map(|(jump, length)| (jump, vec![7; length]));
    prop::collection::vec(prop_oneof![6 => write.prop_map(Some), 1 => Just(None)], 0..60).prop_map(|steps| {
        let mut end = 0;
        let mut stamp = 0_u8;
        let step = |step: Option<(i64, Vec<u8>)>| match step {
            None => Step::PassOn,
            Some((jump, mut bytes)) => {
                let at = if jump < 4 { end } else { end * jump / 7 };
                stamp = stamp.wrapping_add(1);
                bytes.fill(stamp);
                end = at + i64::try_from(bytes.len()).unwrap();
                Step::Write(at, bytes)
            }
        };
        steps.into_iter().map(step).collect()
    })
}

fn store(file: &mut Vec<u8>, at: i64, bytes: &[u8]) {
    let at = usize::try_from(at).unwrap();
    file.resize(file.len().max(at + bytes.len()), 0);
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

proptest! {
    #[test]
    fn what_is_passed_on_is_what_was_written(steps in steps()) {
        let (mut direct, mut through, mut collected) = (Vec::new(), Vec::new(), Collected::default());
        for step in steps {
            let mut write = |at: i64, bytes: &[u8]| {
                store(&mut through, at, bytes);
                Ok::<_, ()>(())
            };
            match step {
                Step::Write(at, bytes) => {
                    collected.add(at, &bytes, write).unwrap();
                    store(&mut direct, at, &bytes);
                }
                Step::PassOn => {
                    collected.pass_on(&mut write).unwrap();
                    prop_assert_eq!(&direct, &through);
                }
            }
        }
        collected.pass_on(|at, bytes| { store(&mut through, at, bytes); Ok::<_, ()>(()) }).unwrap();
        prop_assert_eq!(direct, through);
    }
}

#[test]
fn a_run_is_one_write_and_bounded() {
    let mut writes = Vec::new();
    let mut collected = Collected::default();
    for (at, length) in [(0, 24), (24, 4_096), (4_120, MOST), (4_120 + MOST, 24), (10, 5)] {
        let write = |at: i64, bytes: &[u8]| {
            writes.push((at, bytes.len()));
            Ok::<_, ()>(())
        };
        collected.add(i64::try_from(at).unwrap(), &vec![0; length], write).unwrap();
    }
    assert_eq!(collected.first(), Some(10));
    let [second, third] = [4_120, 4_120 + MOST].map(|at| i64::try_from(at).unwrap());
    assert_eq!(writes, [(0, 4_120), (second, MOST), (third, 24)]);
}

#[test]
fn a_run_that_cannot_be_written_is_lost_and_reported() {
    let mut collected = Collected::default();
    collected.add(0, b"ab", |_, _| Ok::<_, i32>(())).unwrap();
    assert_eq!(collected.pass_on(|_, _| Err(7)), Err(7));
    assert_eq!((collected.first(), collected.pass_on(|_, _| Err(7))), (None, Ok(())));
    collected.add(2, b"cd", |_, _| Ok::<_, i32>(())).unwrap();
    assert_eq!(collected.add(90, b"e", |_, _| Err(8)), Err(8));
    assert_eq!(collected.first(), None);
}

#[test]
fn others_see_each_commit_and_can_write_between() {
    let (_folder, path) = folder();
    let ours = open(&path, 100);
    ours.execute_batch("CREATE TABLE t (x)").unwrap();
    let other = open_plain(&path);
    for round in 1..=50 {
        fill(&ours, 3);
        assert_eq!(count(&other), round * 5 - 2);
        fill(&other, 2);
        assert_eq!(count(&ours), round * 5);
    }
    assert_sound(&other);
    drop((ours, other));
    assert!(!path.with_extension("db-wal").exists(), "the last connection moves the log into the database");
    assert_eq!(count(&open_plain(&path)), 250);
}

#[test]
fn a_transaction_that_is_larger_than_the_cache_can_be_read_committed_and_rolled_back() {
    let (_folder, path) = folder();
    let ours = open(&path, 5);
    ours.execute_batch("CREATE TABLE t (x); CREATE INDEX by_x ON t (x)").unwrap();
    let other = open_plain(&path);
    for round in 1..=10 {
        ours.execute_batch("BEGIN IMMEDIATE").unwrap();
        fill(&ours, 400);
        // Reads pages that are in the log and not committed.
        assert_eq!(count(&ours), round * 405 - 5);
        assert_eq!(count(&other), (round - 1) * 405);
        ours.execute_batch("ROLLBACK").unwrap();
        // Writes where the pages of the transaction that was rolled back are.
        fill(&other, 5);
        assert_eq!(count(&ours), (round - 1) * 405 + 5);
        ours.execute_batch("BEGIN IMMEDIATE").unwrap();
        fill(&ours, 400);
        // Pages that are already in the log are written there again, with new checksums.
        ours.execute_batch("UPDATE t SET x = randomblob(901) WHERE rowid % 3 = 0; COMMIT").unwrap();
        assert_eq!(count(&other), round * 405);
        assert_sound(&other);
    }
}

#[test]
fn the_same_statements_make_the_same_log() {
    let (_folder, path) = folder();
    let (_other_folder, other_path) = folder();
    let (ours, plain) = (open(&path, 20), open_plain(&other_path));
    plain.pragma_update(None, "cache_size", 20).unwrap();
    let log = |path: &Path| std::fs::read(path.with_extension("db-wal")).unwrap();
    for connection in [&ours, &plain] {
        connection.pragma_update(None, "wal_autocheckpoint", 30).unwrap();
        connection.execute_batch("CREATE TABLE t (x); CREATE INDEX by_x ON t (x)").unwrap();
    }
    for round in 0..60_i64 {
        for connection in [&ours, &plain] {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            for row in 0..=(round * 7 % 90) {
                let bytes = vec![u8::try_from(row % 250).unwrap(); 300];
                connection.execute("INSERT INTO t VALUES (?1)", [bytes]).unwrap();
            }
            connection.execute_batch(if round % 5 == 3 { "ROLLBACK" } else { "COMMIT" }).unwrap();
        }
        let [(salt, ours), (other_salt, plain)] =
            [log(&path), log(&other_path)].map(|log| (log[16..24].to_vec(), log));
        assert_ne!(salt, other_salt);
        assert_eq!(pages(&ours), pages(&plain), "round {round}");
    }
}

/// Page numbers, sizes and pages of a log, without its salts and checksums, which are random.
fn pages(log: &[u8]) -> Vec<(&[u8], &[u8])> {
    log[32..].chunks(24 + 4_096).map(|frame| (&frame[..8], &frame[24..])).collect()
}

/// A limit on the size of files is like a full disk, and can be raised again.
fn limit_files(size: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: size.or(maximum), maximum }).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test runs itself in another process")]
fn a_log_that_cannot_be_written_fails_its_transaction_and_nothing_else() {
    const INSIDE: &str = "MATRICULA_TEST_FILE_SIZE";
    if std::env::var_os(INSIDE).is_none() {
        // In another process, because the limit applies to all of one. The signal would end it.
        let mut shell = Command::new("sh");
        let exact = "tests::a_log_that_cannot_be_written_fails_its_transaction_and_nothing_else";
        shell.args(["-c", r#"trap '' XFSZ; exec "$0" --exact "$1""#]).arg(std::env::current_exe().unwrap());
        let output = shell.arg(exact).env(INSIDE, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let (_folder, path) = folder();
    let ours = open(&path, 5);
    ours.execute_batch("CREATE TABLE t (x)").unwrap();
    let mut expected = 0;
    for rows in [1, 30, 400, 1, 400] {
        let log = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        limit_files(Some(log + 1_000));
        for _ in 0..3 {
            ours.execute_batch("BEGIN IMMEDIATE").unwrap();
            let ended = ours.execute(FILL, [rows]).and_then(|_| ours.execute_batch("COMMIT"));
            let error = ended.unwrap_err();
            assert!([SQLITE_FULL, SQLITE_IOERR_WRITE].contains(&error.sqlite_error().unwrap().extended_code));
            if !ours.is_autocommit() {
                ours.execute_batch("ROLLBACK").unwrap();
            }
            assert_eq!(count(&ours), expected);
        }
        limit_files(None);
        fill(&ours, rows);
        expected += rows;
        assert_eq!(count(&open_plain(&path)), expected);
        assert_sound(&ours);
    }
}
