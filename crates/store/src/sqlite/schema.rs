//! Which schema a database has, and which migrations it lacks.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::in_use::InUse;
use super::migrate::{self, NAMES};
use super::{OpenError, configure_writer};

/// The schema of a database beside what this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Number of the newest migration that ran.
    pub found: i64,
    /// Number of the newest one that this program knows.
    pub known: i64,
    /// Number and name of those that are due, in the order in which they run.
    pub due: Vec<(i64, &'static str)>,
}

/// Looks at the schema of a database, and changes nothing.
///
/// # Errors
/// When there is no database, it can't be read, or a newer program made it.
pub fn schema(path: &Path) -> Result<Schema, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let engine = |source| OpenError::Engine { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(engine)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(engine)?;
    let numbered = (1..).zip(NAMES.iter().copied());
    let known = i64::try_from(NAMES.len()).unwrap_or(i64::MAX);
    if !(0..=known).contains(&found) {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    Ok(Schema { found, known, due: numbered.filter(|(number, _)| *number > found).collect() })
}

/// Runs the migrations that are due, all or none, and gives what was due. It needs no master key.
///
/// # Errors
/// When there is no database, it can't be written, or a newer program made it.
pub fn migrate(path: &Path) -> Result<Schema, OpenError> {
    let schema = schema(path)?;
    let in_use = InUse::shared(path).map_err(|(path, source)| OpenError::Lock { path, source })?;
    let _in_use = in_use.ok_or_else(|| OpenError::BeingRestored(path.to_owned()))?;
    let engine = |source| OpenError::Engine { path: path.to_owned(), source };
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(engine)?;
    configure_writer(&connection).map_err(engine)?;
    migrate::run(&mut connection, path)?;
    Ok(schema)
}
