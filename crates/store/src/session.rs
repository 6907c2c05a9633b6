//! The common interface of both engines: a session that runs one statement after the other. Tables are read and changed
//! through it, in SQL that both understand; engine-specific code is in the engine's folder.
//!
//! Parameters are written `?1`, `?2`; numbers and truth values are 64-bit integers, ids are bytes.

use std::error::Error as StdError;
use std::ops::ControlFlow;

use directory::AccountId;
use directory::port::StoreError;
use thiserror::Error;

/// Why a statement failed.
#[derive(Debug, Error)]
#[error("{source}")]
pub(crate) struct Error {
    pub(crate) kind: Kind,
    /// When the connection is lost: the seconds after which the caller should try again.
    pub(crate) retry_after_seconds: u64,
    pub(crate) source: Box<dyn StdError + Send + Sync>,
}

/// The kind of an error, which says what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A unique value already exists.
    Unique,
    /// The referenced row does not exist.
    ForeignKey,
    /// A conflict with another transaction: a retry of the whole transaction may succeed.
    Conflict,
    /// The connection is lost, so the outcome is unknown.
    Lost,
    /// No synchronous standby would have the commit, and one is required: nothing was written.
    Unprotected,
    /// Pages of the database are corrupt: only a restore helps.
    Damaged,
    /// Any other error.
    Other,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: Kind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, retry_after_seconds: 1, source: source.into() }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Lost => StoreError::Unavailable {
                cause: error.source,
                retry_after_seconds: error.retry_after_seconds,
            },
            Kind::Unprotected => StoreError::Unprotected,
            _ => StoreError::Failed(error.source),
        }
    }
}

/// A parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Text(&'v str),
    Bytes(&'v [u8]),
}

/// A type that can be a parameter.
pub(crate) trait AsValue {
    fn as_value(&self) -> Value<'_>;
}

/// The values of a statement, in the order of its parameters.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::session::AsValue::as_value(&$value)),*] };
}
pub(crate) use values;

impl<T: AsValue + ?Sized> AsValue for &T {
    fn as_value(&self) -> Value<'_> {
        T::as_value(self)
    }
}

impl<T: AsValue> AsValue for Option<T> {
    fn as_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::as_value)
    }
}

impl AsValue for str {
    fn as_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl AsValue for String {
    fn as_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl AsValue for [u8] {
    fn as_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> AsValue for [u8; N] {
    fn as_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl AsValue for Vec<u8> {
    fn as_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => { $(
        impl AsValue for $integer {
            fn as_value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }
    )* };
}
integers!(i64, u32, u16, u8, bool);

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
}

/// The cells of an engine's row.
pub(crate) trait Cells {
    fn cell(&self, column: usize) -> Result<Cell<'_>>;
}

/// A row of a result.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r>(pub(crate) &'r dyn Cells);

impl<'r> Row<'r> {
    pub(crate) fn cell(&self, column: usize) -> Result<Cell<'r>> {
        self.0.cell(column)
    }

    pub(crate) fn get<T: FromCell<'r>>(&self, column: usize) -> Result<T> {
        let cell = self.cell(column)?;
        T::from_cell(cell).ok_or_else(|| unreadable(column, format!("unexpected {}", cell.sort())))
    }
}

impl Cell<'_> {
    /// The type of the value. Never the value: it may be a secret, and this is logged.
    fn sort(&self) -> &'static str {
        match self {
            Cell::Null => "nothing",
            Cell::Integer(_) => "an integer out of bounds",
            Cell::Text(_) => "text",
            Cell::Bytes(_) => "bytes",
        }
    }
}

/// The error of a column whose value the program never wrote.
pub(crate) fn unreadable(column: usize, what: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(Kind::Other, format!("column {column}: {}", what.into()))
}

/// A type that can be read from a cell.
pub(crate) trait FromCell<'r>: Sized {
    fn from_cell(cell: Cell<'r>) -> Option<Self>;
}

impl<'r, T: FromCell<'r>> FromCell<'r> for Option<T> {
    fn from_cell(cell: Cell<'r>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

impl<'r> FromCell<'r> for &'r str {
    fn from_cell(cell: Cell<'r>) -> Option<Self> {
        let Cell::Text(text) = cell else { return None };
        Some(text)
    }
}

impl FromCell<'_> for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        <&str>::from_cell(cell).map(str::to_owned)
    }
}

impl<'r> FromCell<'r> for &'r [u8] {
    fn from_cell(cell: Cell<'r>) -> Option<Self> {
        let Cell::Bytes(bytes) = cell else { return None };
        Some(bytes)
    }
}

impl FromCell<'_> for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        <&[u8]>::from_cell(cell).map(<[u8]>::to_vec)
    }
}

impl<const N: usize> FromCell<'_> for [u8; N] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        <&[u8]>::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell<'_> for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl FromCell<'_> for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        let Cell::Integer(number) = cell else { return None };
        Some(number)
    }
}

macro_rules! narrow {
    ($($integer:ty),*) => { $(
        impl FromCell<'_> for $integer {
            fn from_cell(cell: Cell<'_>) -> Option<Self> {
                i64::from_cell(cell)?.try_into().ok()
            }
        }
    )* };
}
narrow!(u64, u32, u16, u8);

/// A connection to an engine.
pub(crate) trait Session {
    /// Runs a statement, and gives the number of rows it wrote.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize>;

    /// Visits the rows of a statement one by one. The session can't run another statement in the meantime.
    fn visit(
        &self,
        sql: &str,
        values: &[Value<'_>],
        visit: &mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()>;

    /// Runs statements without parameters: those that begin, end and mark transactions.
    fn batch(&self, sql: &str) -> Result<()>;

    /// Waits for the additions of users to an account that rest on an older judgement, and blocks new ones until the
    /// transaction ends. An engine with one writer has none.
    fn hold(&self, _account: AccountId) -> Result<()> {
        Ok(())
    }

    /// Begins a transaction that only reads, and sees the database as of one moment.
    fn begin_moment(&self) -> Result<()>;
}

impl dyn Session + '_ {
    /// The first row of a statement, if there is one.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.visit(sql, values, &mut |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The row of a statement that always has exactly one.
    pub(crate) fn only<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.one(sql, values, read)?
            .ok_or_else(|| Error::new(Kind::Other, "a row that is always there is not"))
    }

    /// All rows of a statement.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.visit(sql, values, &mut |row| {
            found.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Runs several reads as of one moment.
    pub(crate) fn moment<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        self.begin_moment()?;
        let read = read();
        let ended = self.batch("COMMIT");
        let read = read?;
        ended.map(|()| read)
    }
}
