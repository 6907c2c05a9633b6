//! Migrations: numbered, forward only. SQLite's `user_version` is the number of the newest one that ran.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::migrations::SQLITE;
use crate::problem::OpenProblem;
use crate::vault::WrappedRing;

/// The number of the newest migration that ran on a database; `None`: not a Matricula database.
pub(super) fn schema_of(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    for table in ["keys", "accounts", "users", "audit_chains", "audit_events"] {
        if !connection.table_exists(None, table)? {
            return Ok(None);
        }
    }
    let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((schema >= 1).then_some(schema))
}

/// Runs the migrations that are due, or all of them on a new database.
pub(super) fn run(connection: &mut Connection) -> Result<(), OpenProblem> {
    let known = i64::try_from(SQLITE.len()).unwrap_or(i64::MAX);
    // Under the write lock, so that two processes that start together don't both migrate.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(done) = usize::try_from(found).ok().filter(|done| *done <= SQLITE.len()) else {
        return Err(OpenProblem::Newer { found, known });
    };
    for migration in &SQLITE[done..] {
        transaction.execute_batch(migration.sql)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// Writes the ring of a new database, or all of a rewrapped one. A ring that another process wrote first stays.
pub(super) fn write_ring(connection: &mut Connection, ring: &WrappedRing) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let exists: i64 = transaction.query_row("SELECT count(*) FROM keys", [], |row| row.get(0))?;
    for (purpose, wrapped) in ring {
        if exists == 0 {
            transaction
                .execute("INSERT INTO keys (purpose, wrapped) VALUES (?1, ?2)", params![purpose, wrapped])?;
        } else {
            transaction
                .execute("UPDATE keys SET wrapped = ?2 WHERE purpose = ?1", params![purpose, wrapped])?;
        }
    }
    transaction.commit()
}
