//! The rules for managing an account's applications and key pairs. `[ours]`

use jiff::{SignedDuration, Timestamp};

use crate::Scope;
use crate::application::{Application, Client, Product};
use crate::check;
use crate::error::ItemError;
use crate::role::Role;
use crate::user::User;
use crate::{Domain, DomainName};

/// Longest life of a key pair or a token that expires, in days.
pub const MAX_DAYS: i64 = 3_650;

/// Longest time in which both pairs of a rotation work, in hours.
pub const MAX_OVERLAP: i64 = 30 * 24;

/// Checks the name of an application.
///
/// # Errors
/// When it is blank, longer than 256 characters, or contains control characters.
pub fn name(text: &str) -> Result<(), ItemError> {
    if text.trim().is_empty() { Err(ItemError::Blank) } else { check::name(text) }
}

/// The application, if it belongs to the account.
///
/// # Errors
/// When it does not exist, or belongs to another account.
pub fn of_account(scope: &Scope, found: Option<Application>) -> Result<Application, ItemError> {
    found.filter(|found| found.account == scope.account().id).ok_or(ItemError::NotFound("application"))
}

/// The application of API 2.0, if it belongs to the account.
///
/// # Errors
/// When it does not exist, or belongs to another account.
pub fn client_of_account(scope: &Scope, found: Option<Client>) -> Result<Client, ItemError> {
    found.filter(|found| found.account == scope.account().id).ok_or(ItemError::NotFound("application"))
}

/// Checks that a key pair may be issued to a user with this role: a program with the keys acts as the user, so nobody
/// may issue more permissions than they have.
///
/// # Errors
/// When the user does not exist in the account, is an alias or disabled, or its role has more permissions than the
/// caller's.
pub fn issue(scope: &Scope, found: Option<User>, role: Option<&Role>) -> Result<User, ItemError> {
    let user = scope.user(found)?;
    scope.covers(role)?;
    if user.is_blocked() { Err(ItemError::UserBlocked) } else { Ok(user) }
}

/// Checks the role and products of a new application of API 2.0.
///
/// # Errors
/// When the role has more permissions than the caller's, or no product is named.
pub fn register_client(scope: &Scope, role: &Role, products: &[Product]) -> Result<(), ItemError> {
    scope.covers(Some(role))?;
    if products.is_empty() { Err(ItemError::Missing) } else { Ok(()) }
}

/// Checks that the caller may change an application of API 2.0 with this role, issue or revoke its tokens, or disable it: a
/// program with a token acts with the role, so nobody may issue more permissions than they have. A deleted role has none.
///
/// # Errors
/// When the role has more permissions than the caller's.
pub fn change_client(scope: &Scope, role: Option<&Role>) -> Result<(), ItemError> {
    scope.covers(role)
}

/// The domain of user names without one, if it is an internal domain of the account.
///
/// # Errors
/// When it is not.
pub fn user_name_domain(scope: &Scope, found: Option<Domain>) -> Result<DomainName, ItemError> {
    let own = found.filter(|found| found.account == scope.account().id);
    own.map(|own| own.name).ok_or(ItemError::NotFound("internal domain"))
}

/// The expiry of a key pair or a token after so many days; `None`: never.
///
/// # Errors
/// When the number is not from 1 to [`MAX_DAYS`].
pub fn ends(days: Option<i64>, now: Timestamp) -> Result<Option<Timestamp>, ItemError> {
    let Some(days) = days else { return Ok(None) };
    let at = now.checked_add(SignedDuration::from_hours(24 * days.clamp(1, MAX_DAYS))).ok();
    if (1..=MAX_DAYS).contains(&days) {
        Ok(at)
    } else {
        Err(ItemError::NotOneOf(format!("1 to {MAX_DAYS} days")))
    }
}

/// The expiry of the old pair of a rotation.
///
/// # Errors
/// When the number is not from 0 to [`MAX_OVERLAP`] hours.
pub fn overlap(hours: i64, now: Timestamp) -> Result<Timestamp, ItemError> {
    if (0..=MAX_OVERLAP).contains(&hours)
        && let Ok(at) = now.checked_add(SignedDuration::from_hours(hours))
    {
        return Ok(at);
    }
    Err(ItemError::NotOneOf(format!("0 to {MAX_OVERLAP} hours")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_lives_as_long_as_it_is_given() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(ends(None, now).unwrap(), None);
        assert_eq!(ends(Some(1), now).unwrap(), Some(now + SignedDuration::from_hours(24)));
        for days in [0, -1, MAX_DAYS + 1, i64::MAX] {
            ends(Some(days), now).unwrap_err();
        }
        assert_eq!(overlap(0, now).unwrap(), now);
        for hours in [-1, MAX_OVERLAP + 1, i64::MAX] {
            overlap(hours, now).unwrap_err();
        }
        assert_eq!(name(" ").unwrap_err(), ItemError::Blank);
    }
}
