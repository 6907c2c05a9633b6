//! Properties of a database through the collecting file layer, compared with one through the default layer of SQLite.

use std::path::Path;

use collecting_vfs::{NAME, register};
use rusqlite::{Connection, OpenFlags};

/// Steps with two connections to one database, one of them through the layer, find what a plain database finds.
pub fn vfs(steps: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let [path, plain] = ["through.db", "plain.db"].map(|name| folder.path().join(name));
    register().unwrap();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let through = Connection::open_with_flags_and_vfs(&path, flags, NAME).unwrap();
    let others = [through, open(&path)];
    let plain = [(); 2].map(|()| open(&plain));
    for pair in [&others, &plain] {
        for connection in pair {
            connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = 6").unwrap();
        }
        pair[0].execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 40").unwrap();
        pair[0].execute_batch("CREATE TABLE t (n INTEGER, x BLOB); CREATE INDEX by_n ON t (n)").unwrap();
    }
    // One writer at a time: a transaction that is open keeps the other connection out.
    let mut open_on = None;
    for step in steps.chunks(2).take(60) {
        let (what, size) = (step[0], i64::from(step.last().copied().unwrap_or(0)));
        let who = open_on.unwrap_or(usize::from(what & 1));
        let sql = match (what >> 1) & 7 {
            0 if open_on.is_none() => {
                open_on = Some(who);
                "BEGIN IMMEDIATE".to_owned()
            }
            1 if open_on.take().is_some() => "ROLLBACK".to_owned(),
            0..=2 if open_on.take().is_some() => "COMMIT".to_owned(),
            3 => format!("DELETE FROM t WHERE n % 7 = {}", size % 7),
            4 => format!("UPDATE t SET x = zeroblob({}) WHERE n % 3 = 0", size * 9),
            5 if open_on.is_none() => "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
            6 => "SELECT count(*) FROM t WHERE length(x) > 100".to_owned(),
            _ => format!(
                "WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < {size})
                 INSERT INTO t SELECT n * 31 % 97, zeroblob(n * {}) FROM i",
                1 + (what >> 4)
            ),
        };
        let results = [&others, &plain].map(|pair| {
            let mut statement = pair[who].prepare(&sql).unwrap();
            let mut rows = statement.query([]).unwrap();
            let mut found = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                found.push(row.get::<_, i64>(0).unwrap());
            }
            found
        });
        assert_eq!(results[0], results[1], "{sql}");
        // The reader that writes nothing sees the last commit.
        let [ours, theirs] = [&others, &plain].map(|pair| sum(&pair[1 - who]));
        assert_eq!(ours, theirs, "after {sql}");
    }
    // What is not committed ends with its connection.
    if let Some(who) = open_on {
        plain[who].execute_batch("ROLLBACK").unwrap();
    }
    drop(others);
    let again = open(&path);
    let sound: String = again.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((sound.as_str(), sum(&again)), ("ok", sum(&plain[1])));
}

fn open(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

fn sum(connection: &Connection) -> (i64, i64) {
    let sql = "SELECT count(*), coalesce(sum(n * 1000 + length(x)), 0) FROM t";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}
