//! Migrations: numbered, forward only. The table `matricula_schema` holds the number of the newest one that ran.

use crate::location::OpenProblem;
use crate::session::{Error, Kind, Result, Session, values};
use crate::vault::WrappedRing;

pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_initial.sql")];

pub(super) fn run(session: &dyn Session) -> std::result::Result<(), OpenProblem> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    ensure_schema(session)?;
    session.batch("BEGIN")?;
    let migrate = || {
        // Under this lock, so that of nodes that start together only one migrates.
        let sql = "SELECT version FROM matricula_schema WHERE id = 1 FOR UPDATE";
        let found: i64 = session.only(sql, &[], |row| row.get(0))?;
        let Some(done) = usize::try_from(found).ok().filter(|done| *done <= MIGRATIONS.len()) else {
            return Err(OpenProblem::Newer { found, known });
        };
        for migration in &MIGRATIONS[done..] {
            session.batch(migration)?;
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
    // Two nodes that make the table at once: one of them is told that it is there already, and then it is.
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
        // One after the other, so that a ring is never of two nodes.
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
