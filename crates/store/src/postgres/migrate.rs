//! Migrations: numbered, forward only. The table `matricula_schema` holds the number of the newest one that ran.

use crate::migrations::POSTGRES;
use crate::problem::OpenProblem;
use crate::schema::Schema;
use crate::session::{Error, Kind, Result, Session, values};
use crate::vault::WrappedRing;

/// The schema of the database.
pub(super) fn schema(session: &dyn Session) -> std::result::Result<Schema, OpenProblem> {
    if !is_there(session)? {
        return Err(OpenProblem::Missing);
    }
    let found = session.only("SELECT version FROM matricula_schema WHERE id = 1", &[], |row| row.get(0))?;
    Schema::new(found, POSTGRES)
}

/// Whether the database contains a directory.
pub(super) fn is_there(session: &dyn Session) -> Result<bool> {
    let sql = "SELECT 1 FROM information_schema.tables
         WHERE table_schema = current_schema() AND table_name = 'matricula_schema'";
    Ok(session.one(sql, &[], |_| Ok(()))?.is_some())
}

/// Whether the database contains a directory whose creation was completed: its keys are written last.
pub(super) fn is_complete(session: &dyn Session) -> Result<bool> {
    let sql = "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'keys'";
    if !is_there(session)? || session.one(sql, &[], |_| Ok(()))?.is_none() {
        return Ok(false);
    }
    Ok(session.one("SELECT 1 FROM keys LIMIT 1", &[], |_| Ok(()))?.is_some())
}

/// Creates the tables.
pub(super) fn create(session: &dyn Session) -> std::result::Result<(), OpenProblem> {
    ensure_schema(session)?;
    run(session)
}

/// Runs the migrations that are due.
pub(super) fn run(session: &dyn Session) -> std::result::Result<(), OpenProblem> {
    // Without migrations nothing is locked or written: a commit may wait for a standby that is gone.
    if is_there(session)? && schema(session)?.due.is_empty() {
        return Ok(());
    }
    session.batch("BEGIN")?;
    let migrate = || {
        // Under this lock, so that only one of several nodes that start together migrates.
        let sql = "SELECT version FROM matricula_schema WHERE id = 1 FOR UPDATE";
        let found: i64 = session.only(sql, &[], |row| row.get(0))?;
        let Schema { found, known, .. } = Schema::new(found, POSTGRES)?;
        for migration in POSTGRES.iter().skip(usize::try_from(found).unwrap_or(0)) {
            session.batch(migration.sql)?;
        }
        session.execute("UPDATE matricula_schema SET version = ?1 WHERE id = 1", values![known])?;
        Ok(())
    };
    let migrated = migrate();
    session.batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}

fn ensure_schema(session: &dyn Session) -> Result<()> {
    let create = || {
        session.batch(
            "CREATE TABLE IF NOT EXISTS matricula_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL);
             INSERT INTO matricula_schema (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING",
        )
    };
    // If two nodes create the table at once, one of them fails because it already exists, which is fine.
    create().or_else(|error| match error.kind {
        Kind::Lost => Err(error),
        _ => create(),
    })
}

/// Writes the ring of a new database, or all of a rewrapped one. A ring that another node wrote first stays.
pub(super) fn write_ring(session: &dyn Session, ring: &WrappedRing, rewrapped: bool) -> Result<()> {
    let sql = if rewrapped {
        "UPDATE keys SET wrapped = ?2 WHERE purpose = ?1"
    } else {
        "INSERT INTO keys (purpose, wrapped) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
    };
    session.batch("BEGIN")?;
    let write = || {
        // Under a lock, so that a ring never mixes keys of two nodes.
        session.one("SELECT version FROM matricula_schema WHERE id = 1 FOR UPDATE", &[], |_| Ok(()))?;
        let there = session.one("SELECT 1 FROM keys LIMIT 1", &[], |_| Ok(()))?.is_some();
        if there != rewrapped {
            return Ok::<_, Error>(());
        }
        for (purpose, wrapped) in ring {
            session.execute(sql, values![purpose, wrapped])?;
        }
        Ok(())
    };
    let written = write();
    session.batch(if written.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    written
}
