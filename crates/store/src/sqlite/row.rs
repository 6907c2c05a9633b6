//! Between rows and the directory's types.

use directory::role::BuiltIn;
use directory::{Permission, Role, RoleId};
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

/// A column that holds what the program never wrote there.
pub(super) fn unreadable(
    column: usize,
    what: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.into())
}

/// Milliseconds since 1970, as the store keeps a time.
pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|error| unreadable(column, error))
}

pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => time(row, column).map(Some),
        None => Ok(None),
    }
}

/// A column read by a parser of the directory.
pub(super) fn parsed<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error))?;
    parse(text).map_err(|error| unreadable(column, error))
}

/// The role of a user: built in, or the custom one that was joined from this column on (account, name, permissions,
/// partner).
pub(super) fn role(row: &Row<'_>, id: Option<[u8; 16]>, column: usize) -> rusqlite::Result<Option<Role>> {
    let Some(id) = id.map(RoleId::from_bytes) else { return Ok(None) };
    if let Some(built_in) = BuiltIn::by_id(id) {
        return Ok(Some(built_in.role()));
    }
    // A role that is gone gives no right.
    if row.get::<_, Option<String>>(column + 1)?.is_none() {
        return Ok(None);
    }
    custom_role(row, id, column).map(Some)
}

pub(super) fn custom_role(row: &Row<'_>, id: RoleId, column: usize) -> rusqlite::Result<Role> {
    Ok(Role {
        id,
        account: Some(directory::AccountId::from_bytes(row.get(column)?)),
        name: row.get(column + 1)?,
        permissions: parsed(row, column + 2, |list| list.lines().map(Permission::parse).collect())?,
        partner: row.get(column + 3)?,
    })
}

/// The permissions of a custom role as its column keeps them: one a line.
pub(super) fn permissions(role: &Role) -> String {
    role.permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
