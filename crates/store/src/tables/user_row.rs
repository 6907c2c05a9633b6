//! The columns of `users`: one list, from which rows are inserted on both engines, selected and read.

use std::sync::LazyLock;

use directory::user::{AddressType, Attempts, PasswordHash, Source, User};
use directory::{AccountId, EmailAddress, RoleId, UserId};

use super::row::{millis, optional_time, parsed, time};
use crate::session::{Result, Row, Value, unreadable};

/// A column's value in the row of a new user, by the type of the column.
#[derive(Clone, Copy)]
pub(crate) enum New {
    Bytes(fn(&User) -> Option<&[u8]>),
    Text(fn(&User) -> Option<&str>),
    Integer(fn(&User) -> Option<i64>),
}

impl New {
    pub(crate) fn value(self, user: &User) -> Value<'_> {
        match self {
            New::Bytes(bytes) => bytes(user).map_or(Value::Null, Value::Bytes),
            New::Text(text) => text(user).map_or(Value::Null, Value::Text),
            New::Integer(integer) => integer(user).map_or(Value::Null, Value::Integer),
        }
    }
}

/// Declares the columns. Those without a value keep the table's default in the row of a new user.
macro_rules! columns {
    (
        $first:ident $first_name:literal = $first_type:ident($first_new:expr);
        $($column:ident $name:literal $(= $type:ident($new:expr))?;)*
    ) => {
        /// The columns, by their position in [`SELECT`].
        #[derive(Clone, Copy)]
        #[expect(dead_code, reason = "an address has its key already")]
        enum Column {
            $first,
            $($column,)*
        }

        /// Selects users, for [`read`].
        pub(crate) const SELECT: &str = concat!("SELECT ", $first_name, $(", ", $name,)* " FROM users");

        /// The columns that a new user sets.
        pub(crate) const INSERTED: &[(&str, New)] = &[
            ($first_name, New::$first_type($first_new)),
            $($(($name, New::$type($new)),)?)*
        ];
    };
}

columns! {
    Id "id" = Bytes(|user| Some(user.id.as_bytes()));
    Account "account" = Bytes(|user| Some(user.account.as_bytes()));
    Address "address" = Text(|user| Some(user.address.as_str()));
    AddressKey "address_key" = Text(|user| Some(user.address.key()));
    Name "name" = Text(|user| Some(&user.name));
    Password "password" = Text(|user| user.password.as_ref().map(PasswordHash::expose));
    MustChangePassword "must_change_password" = Integer(|user| Some(i64::from(user.must_change_password)));
    Role "role" = Bytes(|user| user.role.as_ref().map(|role| &role.as_bytes()[..]));
    AddressType "address_type" = Text(|user| Some(user.address_type.as_str()));
    Source "source" = Text(|user| Some(user.source.as_str()));
    AliasOf "alias_of" = Bytes(|user| user.alias_of.as_ref().map(|user| &user.as_bytes()[..]));
    Reserved "reserved" = Integer(|user| Some(i64::from(user.reserved)));
    CreatedAt "created_at" = Integer(|user| Some(millis(user.created_at)));
    DisabledAt "disabled_at" = Integer(|user| user.disabled.then(|| millis(user.created_at)));
    Locked "locked" = Integer(|user| Some(i64::from(user.locked)));
    PasswordChangedAt "password_changed_at";
    PasswordNeverExpires "password_never_expires";
    AllowSmtp "allow_smtp";
    AllowPop "allow_pop";
    ArchiveStart "archive_start";
    FailedLogins "failed_logins";
    LockedUntil "locked_until";
    PurgeAt "purge_at";
    UpdatedAt "updated_at";
    LoggedInAt "logged_in_at";
}

/// Inserts a user, with a value for each of [`INSERTED`], unless its address is taken.
pub(crate) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let values: Vec<String> = (1..=INSERTED.len()).map(|n| format!("?{n}")).collect();
    format!(
        "INSERT INTO users ({}) VALUES ({}) ON CONFLICT (address_key) DO NOTHING",
        inserted_names(),
        values.join(", ")
    )
});

/// The names of [`INSERTED`], separated by commas.
pub(crate) fn inserted_names() -> String {
    INSERTED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Reads a row of [`SELECT`].
pub(crate) fn read(row: Row<'_>) -> Result<User> {
    let one_of = |column: Column, known: &'static str| -> Result<()> {
        let column = column as usize;
        let text = row.get::<&str>(column)?;
        if text == known { Ok(()) } else { Err(unreadable(column, format!("{text:?} is not known here"))) }
    };
    let flag = |column: Column| row.get::<bool>(column as usize);
    let optional_time = |column: Column| optional_time(row, column as usize);
    one_of(Column::AddressType, AddressType::CreatedManually.as_str())?;
    one_of(Column::Source, Source::Cloud.as_str())?;
    Ok(User {
        id: UserId::from_bytes(row.get(Column::Id as usize)?),
        account: AccountId::from_bytes(row.get(Column::Account as usize)?),
        address: parsed(row, Column::Address as usize, EmailAddress::stored)?,
        name: row.get(Column::Name as usize)?,
        password: row.get::<Option<String>>(Column::Password as usize)?.map(PasswordHash::new),
        password_changed_at: optional_time(Column::PasswordChangedAt)?,
        must_change_password: flag(Column::MustChangePassword)?,
        password_never_expires: flag(Column::PasswordNeverExpires)?,
        role: row.get::<Option<[u8; 16]>>(Column::Role as usize)?.map(RoleId::from_bytes),
        address_type: AddressType::CreatedManually,
        source: Source::Cloud,
        locked: flag(Column::Locked)?,
        disabled: row.get::<Option<i64>>(Column::DisabledAt as usize)?.is_some(),
        allow_smtp: flag(Column::AllowSmtp)?,
        allow_pop: flag(Column::AllowPop)?,
        archive_start: optional_time(Column::ArchiveStart)?,
        attempts: Attempts {
            failed: row.get(Column::FailedLogins as usize)?,
            locked_until: optional_time(Column::LockedUntil)?,
        },
        logged_in_at: optional_time(Column::LoggedInAt)?,
        purge_at: optional_time(Column::PurgeAt)?,
        alias_of: row.get::<Option<[u8; 16]>>(Column::AliasOf as usize)?.map(UserId::from_bytes),
        reserved: flag(Column::Reserved)?,
        created_at: time(row, Column::CreatedAt as usize)?,
        updated_at: optional_time(Column::UpdatedAt)?,
    })
}
