//! Conversions between rows and the directory's types.

use directory::role::BuiltIn;
use directory::{AccountId, Permission, Role, RoleId};
use jiff::Timestamp;

use crate::session::{Result, Row, unreadable};

/// Milliseconds since 1970, the stored form of a time.
pub(crate) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(crate) fn time(row: Row<'_>, column: usize) -> Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|error| unreadable(column, error))
}

pub(crate) fn optional_time(row: Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    match row.get::<Option<i64>>(column)? {
        Some(_) => time(row, column).map(Some),
        None => Ok(None),
    }
}

/// A column read by a parser of the directory.
pub(crate) fn parsed<T, E>(
    row: Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    parse(row.get(column)?).map_err(|error| unreadable(column, error))
}

/// The role of a user: built in, or the custom role joined at this column (account, name, permissions, partner).
pub(crate) fn role(row: Row<'_>, id: Option<[u8; 16]>, column: usize) -> Result<Option<Role>> {
    let Some(id) = id.map(RoleId::from_bytes) else { return Ok(None) };
    if let Some(built_in) = BuiltIn::by_id(id) {
        return Ok(Some(built_in.role()));
    }
    // A deleted role gives no permission.
    if row.get::<Option<&str>>(column + 1)?.is_none() {
        return Ok(None);
    }
    custom_role(row, id, column).map(Some)
}

pub(crate) fn custom_role(row: Row<'_>, id: RoleId, column: usize) -> Result<Role> {
    Ok(Role {
        id,
        account: Some(AccountId::from_bytes(row.get(column)?)),
        name: row.get(column + 1)?,
        permissions: parsed(row, column + 2, |list| list.lines().map(Permission::parse).collect())?,
        partner: row.get(column + 3)?,
    })
}

/// The permissions of a custom role as its column stores them: one per line.
pub(crate) fn permissions(role: &Role) -> String {
    role.permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
