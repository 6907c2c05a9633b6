//! The rules of roles: nobody can grant permissions that they do not have, or change a user who has more. `[ours]`

use crate::check;
use crate::error::ItemError;
use crate::role::{BuiltIn, Permission, Role};
use crate::{RoleId, Scope};

/// A field of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The name.
    Name,
    /// The permissions.
    Permissions,
}

/// Judges a new role.
///
/// # Errors
/// When the name is invalid or built in, or a permission is unknown or not held by the caller.
pub fn create(
    scope: &Scope,
    id: RoleId,
    name: &str,
    permissions: &[String],
) -> Result<Role, Vec<(Field, ItemError)>> {
    let mut wrong = Vec::new();
    if let Err(why) = check::name(name) {
        wrong.push((Field::Name, why));
    }
    if BuiltIn::by_name(name).is_some() {
        wrong.push((Field::Name, ItemError::Change(crate::change::ChangeError::AlreadyExists)));
    }
    let parsed: Result<_, _> = permissions.iter().map(|text| Permission::parse(text)).collect();
    let permissions = parsed.unwrap_or_else(|_| {
        let known: Vec<_> = crate::role::PERMISSIONS.iter().map(ToString::to_string).collect();
        wrong.push((Field::Permissions, ItemError::NotOneOf(known.join(", "))));
        Default::default()
    });
    let account = Some(scope.account().id);
    let role = Role { id, account, name: name.to_owned(), permissions, partner: false };
    if let Err(why) = scope.covers(Some(&role)) {
        wrong.push((Field::Permissions, why));
    }
    if wrong.is_empty() { Ok(role) } else { Err(wrong) }
}

/// The role, if users of the account can hold it: a built-in one, or one of the account.
///
/// # Errors
/// When it does not exist.
pub fn of_account(scope: &Scope, found: Option<Role>) -> Result<Role, ItemError> {
    let own = |role: &Role| role.account.is_none_or(|account| account == scope.account().id);
    found.filter(own).ok_or(ItemError::NotFound("role"))
}

/// Whether a user gains permissions with a new role: key pairs and sessions issued before must not gain them too.
/// `[ours]`
pub fn promotes(before: Option<&Role>, after: Option<&Role>) -> bool {
    after.is_some_and(|after| match before {
        Some(before) => !before.covers(after),
        None => !after.permissions.is_empty() || after.partner,
    })
}
