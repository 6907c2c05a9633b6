//! A connection to SQLite as a session.

use std::ops::ControlFlow;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, ffi};

use crate::session::{Cell, Cells, Error, Kind, Result, Row, Session, Value, unreadable};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error().map(|error| error.extended_code) {
            _ if is_damage(&error) => Kind::Damaged,
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => Kind::Unique,
            Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Kind::ForeignKey,
            _ => Kind::Other,
        };
        Error::new(kind, error)
    }
}

/// Whether SQLite found corrupt pages, or a file that is not a database.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Cells for rusqlite::Row<'_> {
    fn cell(&self, column: usize) -> Result<Cell<'_>> {
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Text(text) => {
                Cell::Text(str::from_utf8(text).map_err(|error| unreadable(column, error))?)
            }
            ValueRef::Blob(bytes) => Cell::Bytes(bytes),
            ValueRef::Real(_) => return Err(unreadable(column, "unexpected fraction")),
        })
    }
}

impl Session for Connection {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        Ok(self.prepare_cached(sql)?.execute(rusqlite::params_from_iter(values))?)
    }

    fn visit(
        &self,
        sql: &str,
        values: &[Value<'_>],
        visit: &mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if visit(Row(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn batch(&self, sql: &str) -> Result<()> {
        // BEGIN, COMMIT and the like are compiled once.
        if sql.contains(';') {
            return Ok(self.execute_batch(sql)?);
        }
        self.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn begin_moment(&self) -> Result<()> {
        self.batch("BEGIN")
    }
}
