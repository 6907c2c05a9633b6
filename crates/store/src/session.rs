//! What both engines speak: a session that runs one statement after the other. The tables are read and changed through
//! it, in SQL that both understand; engine-specific code is in the engine's folder.
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
    pub(crate) source: Box<dyn StdError + Send + Sync>,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A unique value already exists.
    Unique,
    /// The referenced row does not exist.
    ForeignKey,
    /// Another transaction was in the way: as a whole, this one may succeed when it runs again.
    Conflict,
    /// The connection is gone, and with it the knowledge of what was done.
    Lost,
    /// Pages of the database do not fit together: only a restore helps.
    Damaged,
    /// Nothing.
    Other,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: Kind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Lost => StoreError::Unavailable(error.source),
            _ => StoreError::Failed(error.source),
        }
    }
}

/// A value that goes into a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Text(&'v str),
    Bytes(&'v [u8]),
}

/// What can go into a statement.
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

/// A value that a statement gives.
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

/// A row that a statement gives.
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
    /// What sort of value it is. Never the value: it may be a secret, and this goes into a log.
    fn sort(&self) -> &'static str {
        match self {
            Cell::Null => "nothing",
            Cell::Integer(_) => "an integer out of bounds",
            Cell::Text(_) => "text",
            Cell::Bytes(_) => "bytes",
        }
    }
}

/// A column that holds what the program never wrote there.
pub(crate) fn unreadable(column: usize, what: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(Kind::Other, format!("column {column}: {}", what.into()))
}

/// What can be read from a cell.
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
    /// Runs a statement, and gives how many rows it wrote.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize>;

    /// Shows the rows of a statement one by one, without keeping them. Nothing else may be asked of the session
    /// meanwhile.
    fn visit(
        &self,
        sql: &str,
        values: &[Value<'_>],
        visit: &mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()>;

    /// Runs statements without parameters: those that begin, end and mark transactions.
    fn batch(&self, sql: &str) -> Result<()>;

    /// Waits until nobody adds users to the account on what was judged before, and keeps others from it until the
    /// transaction is over. Where only one writes at a time, nobody does.
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

    /// The one row that a statement always gives.
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

    /// Reads more than once, as of one moment.
    pub(crate) fn moment<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        self.begin_moment()?;
        let read = read();
        let ended = self.batch("COMMIT");
        let read = read?;
        ended.map(|()| read)
    }
}
