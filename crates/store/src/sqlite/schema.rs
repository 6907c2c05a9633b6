//! Migrations, looked at and run without opening the database for anything else.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::configure_writer;
use super::in_use::InUse;
use super::migrate::{self, NAMES};
use crate::location::OpenProblem;
use crate::schema::Schema;

/// Looks at the schema of a database, and changes nothing.
pub(crate) fn schema(path: &Path) -> Result<Schema, OpenProblem> {
    if !path.exists() {
        return Err(OpenProblem::Missing);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    Schema::new(connection.pragma_query_value(None, "user_version", |row| row.get(0))?, NAMES)
}

/// Runs the migrations that are due, all or none, and gives what was due.
pub(crate) fn migrate(path: &Path) -> Result<Schema, OpenProblem> {
    let schema = schema(path)?;
    let _in_use = InUse::beside_others(path)?;
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure_writer(&connection)?;
    migrate::run(&mut connection)?;
    Ok(schema)
}
