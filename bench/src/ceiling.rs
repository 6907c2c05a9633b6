//! The limits of the machine: forced writes, inserts and hashes, each measured alone.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use argon2::{Algorithm, Block, Params, Version};
use argon2_wide::{Input, Width};
use rusqlite::{Connection, params};

use crate::machine;
use crate::request::People;

/// Bytes of one forced write: a page of the database.
const WRITE: usize = 4_096;

/// Number of writes in the file: 16 MiB, like the write-ahead log.
const WRITES: u64 = 4_096;

/// Rows in a transaction of the plain loop.
pub(crate) const ROWS: usize = 100;

/// Forced writes per second: 4 KiB each into a file of fixed size, each followed by fdatasync.
pub(crate) fn forced_writes(folder: &Path, length: Duration) -> anyhow::Result<f64> {
    let path = folder.join("forced-writes");
    let file = File::options().write(true).create(true).truncate(true).open(&path)?;
    let block = [7; WRITE];
    for number in 0..WRITES {
        file.write_all_at(&block, number * WRITE as u64)?;
    }
    file.sync_all()?;
    let started = machine::now();
    let mut number = 0;
    while started.elapsed() < length {
        file.write_all_at(&block, number % WRITES * WRITE as u64)?;
        file.sync_data()?;
        number += 1;
    }
    let rate = number as f64 / started.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// The rows that the plain loop writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// The rows of `users`.
    Users,
    /// Also the other rows that the server writes: an audit event for each user and the response of each request. They
    /// are constants of the same size; nothing is hashed, signed or rendered.
    UsersAuditAnswers,
}

/// A plain loop over a separate database.
pub(crate) struct PlainLoop {
    connection: Connection,
    people: People,
    rows: Rows,
    written: u64,
}

impl PlainLoop {
    /// Creates tables and settings like those of the server's database and its write-ahead log.
    pub(crate) fn new(folder: &Path, rows: Rows) -> anyhow::Result<Self> {
        let name = if rows == Rows::Users { "loop-users.db" } else { "loop-all.db" };
        let connection = Connection::open(folder.join(name))?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        ensure!(mode == "wal", "the journal is {mode}");
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_096)?;
        connection.execute_batch(include_str!("../../crates/store/migrations/sqlite/0001_initial.sql"))?;
        Ok(Self { connection, people: People::default(), rows, written: 0 })
    }

    /// Rows of `users` per second.
    pub(crate) fn run(&mut self, length: Duration, at_most: usize) -> anyhow::Result<f64> {
        // Rendered before the clock starts, like the requests of the driver.
        let people: Vec<_> = (0..at_most.next_multiple_of(ROWS)).map(|_| self.people.next_person()).collect();
        let account = [1_u8; 16];
        let mut user = self.connection.prepare(
            "INSERT INTO users (id, account, address, address_key, name, password, must_change_password, role,
                                address_type, source, created_at)
             VALUES (?1, ?2, ?3, ?3, ?4, NULL, 0, NULL, 'created_manually', 'cloud', ?5)",
        )?;
        let mut event = self.connection.prepare(
            "INSERT INTO audit_events (chain, seq, at, account, actor, action, target, detail, hash)
             VALUES (1, ?1, ?2, ?3, ?4, 'user.created', ?5, 'without password', ?6)",
        )?;
        let mut answer = self.connection.prepare(
            "INSERT INTO requests (ran_at, binding, request_id, digest, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let started = machine::now();
        let mut done = 0;
        for people in people.chunks(ROWS) {
            if started.elapsed() >= length {
                break;
            }
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            let at = 1_700_000_000_000 + i64::try_from(self.written)?;
            for person in people {
                self.written += 1;
                let id = uuid(at, self.written);
                user.execute(params![id, account, person.address, person.name, at])?;
                if self.rows == Rows::UsersAuditAnswers {
                    let seq = i64::try_from(self.written)?;
                    event.execute(params![
                        seq,
                        at,
                        account,
                        "administrator@example.com",
                        person.address,
                        [3_u8; 32]
                    ])?;
                }
            }
            if self.rows == Rows::UsersAuditAnswers {
                let id = uuid(at, self.written);
                answer.execute(params![at, account, id, [5_u8; 32], vec![b'x'; ROWS * 110]])?;
            }
            self.connection.execute_batch("COMMIT")?;
            done += people.len();
        }
        Ok(done as f64 / started.elapsed().as_secs_f64())
    }

    /// Compares the rows in the database with the number written.
    pub(crate) fn verify(&self) -> anyhow::Result<()> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?;
        ensure!(
            u64::try_from(count)? == self.written,
            "the plain loop wrote {} rows, but {count} are there",
            self.written
        );
        Ok(())
    }
}

/// An id like those of the server: a time, then bytes that look random.
fn uuid(at: i64, number: u64) -> [u8; 16] {
    let mut id = [0x70; 16];
    id[..6].copy_from_slice(&at.to_be_bytes()[2..]);
    id[8..].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    id
}

/// Hashes per second on threads that do nothing else. Each thread reuses its memory.
pub(crate) fn hashes(threads: usize, length: Duration) -> anyhow::Result<f64> {
    let workers: Vec<_> = (0..threads).map(|_| thread::spawn(move || hash_for(length))).collect();
    let mut rate = 0.0;
    for worker in workers {
        rate += worker.join().ok().context("a hashing thread")??;
    }
    Ok(rate)
}

fn hash_for(length: Duration) -> anyhow::Result<f64> {
    let cost = server::config::Passwords::default();
    let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, Some(32));
    let params = params.map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let mut hash = [0; 32];
    let started = machine::now();
    let mut done = 0_u32;
    while started.elapsed() < length {
        let salt = done.to_be_bytes().repeat(4);
        let input =
            Input { algorithm: Algorithm::Argon2id, version: Version::V0x13, params: &params, salt: &salt };
        argon2_wide::hash(Width::widest(), &input, b"Tr7-moreau.0a1b2c3d", &mut hash, &mut memory)?;
        done += 1;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_loop_writes_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        for rows in [Rows::Users, Rows::UsersAuditAnswers] {
            let mut plain = PlainLoop::new(folder.path(), rows).unwrap();
            plain.run(Duration::from_secs(60), 250).unwrap();
            assert_eq!(plain.written, 300);
            plain.verify().unwrap();
        }
    }
}
