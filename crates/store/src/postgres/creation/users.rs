//! The rows of new users, column by column.

use directory::user::User;
use tokio_postgres::types::{ToSql, Type};

use crate::tables::user_row::{INSERTED, New, inserted_names};

/// The columns that differ from user to user. All others are usually the same for the whole group – without a password,
/// without a role, not locked – and then one value each, because an array costs the server per user and column.
const DIFFERING: [&str; 6] = ["id", "account", "address", "address_key", "name", "created_at"];

/// How the columns are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Those of [`DIFFERING`] as arrays, the others as one value each.
    Alike,
    /// All as arrays.
    Different,
}

impl Shape {
    pub(super) fn of(users: &[&User]) -> Self {
        let Some(first) = users.first() else { return Shape::Different };
        let mut shared = INSERTED.iter().filter(|(name, _)| !DIFFERING.contains(name));
        let alike = shared.all(|(_, new)| {
            let value = new.value(first);
            users.iter().all(|user| new.value(user) == value)
        });
        if alike { Shape::Alike } else { Shape::Different }
    }

    fn is_array(self, name: &str) -> bool {
        self == Shape::Different || DIFFERING.contains(&name)
    }
}

/// Inserts the users, whose columns are the parameters from this one on. An address that is taken is an error.
pub(super) fn insert(shape: Shape, first: usize) -> String {
    let (mut arrays, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for ((name, new), number) in INSERTED.iter().zip(first..) {
        let kind = match new {
            New::Bytes(_) => "bytea",
            New::Text(_) => "text",
            New::Integer(_) => "bigint",
        };
        if shape.is_array(name) {
            arrays.push(format!("?{number}::{kind}[]"));
            columns.push(*name);
            values.push(format!("u.{name}"));
        } else {
            values.push(format!("?{number}::{kind}"));
        }
    }
    format!(
        "INSERT INTO users ({}) SELECT {} FROM unnest({}) AS u ({})",
        inserted_names(),
        values.join(", "),
        arrays.join(", "),
        columns.join(", ")
    )
}

/// The parameters of [`insert`], with their types.
pub(super) fn columns<'u>(shape: Shape, users: &[&'u User]) -> Vec<(Box<dyn ToSql + Sync + 'u>, Type)> {
    let column = |(name, new): &(&str, New)| match (users.first(), shape.is_array(name)) {
        (Some(first), false) => {
            let value = new.value(first);
            (Box::new(value) as Box<dyn ToSql + Sync>, value.kind())
        }
        _ => array(*new, users),
    };
    INSERTED.iter().map(column).collect()
}

/// A column of all users.
fn array<'u>(new: New, users: &[&'u User]) -> (Box<dyn ToSql + Sync + 'u>, Type) {
    match new {
        New::Bytes(bytes) => {
            (Box::new(users.iter().map(|user| bytes(user)).collect::<Vec<_>>()), Type::BYTEA_ARRAY)
        }
        New::Text(text) => {
            (Box::new(users.iter().map(|user| text(user)).collect::<Vec<_>>()), Type::TEXT_ARRAY)
        }
        New::Integer(integer) => {
            (Box::new(users.iter().map(|user| integer(user)).collect::<Vec<_>>()), Type::INT8_ARRAY)
        }
    }
}
