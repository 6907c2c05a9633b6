//! The rules of partners' accounts: a member of the Partner Provisioning Role creates accounts below its own, each with a
//! domain and a first administrator. `[ours]`, except that the membership is what allows it.

use crate::Scope;
use crate::account::Account;
use crate::check;
use crate::error::ItemError;
use crate::role::BuiltIn;
use crate::settings::{Contact, Settings, package_parts};

/// Characters in the code of an account that a partner creates, as in the service (spec/protocol.md 4).
const CODE: usize = 10;

/// A new code, from random bytes.
pub fn code(random: &[u8; 16]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let digit = |byte: &u8| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]);
    std::iter::once('C').chain(random.iter().take(CODE - 1).map(digit)).collect()
}

/// Checks the name of an account.
///
/// # Errors
/// When it is blank, too long, or contains invisible characters.
pub fn name(text: &str) -> Result<(), ItemError> {
    if text.trim().is_empty() { Err(ItemError::Blank) } else { check::name(text) }
}

/// The role of the first administrator: a built-in one. The account is new, so the role reaches nothing that existed
/// before; but nobody becomes a partner in this way, unless the caller is one.
///
/// # Errors
/// When there is no such built-in role, or it reaches further than the caller's.
pub fn administrator_role(scope: &Scope, named: Option<&str>) -> Result<BuiltIn, ItemError> {
    let Some(named) = named.filter(|named| !named.trim().is_empty()) else {
        return Ok(BuiltIn::SuperAdministrator);
    };
    let role = BuiltIn::by_name(named.trim())
        .ok_or_else(|| ItemError::NotOneOf(BuiltIn::ALL.map(BuiltIn::name).join(", ")))?;
    match role {
        BuiltIn::SuperAdministrator | BuiltIn::FullAdministrator | BuiltIn::BasicAdministrator => {}
        BuiltIn::PartnerAdministrator | BuiltIn::PartnerProvisioning => scope.covers(Some(&role.role()))?,
    }
    Ok(role)
}

/// The packages with these ids, which the partner's own account must have: nobody gives what they do not have.
///
/// # Errors
/// When the partner's account has no package with one of the ids.
pub fn packages(scope: &Scope, ids: &[String]) -> Result<Vec<String>, ItemError> {
    let own = &scope.account().settings.packages;
    let find = |id: &String| own.iter().find(|package| package_parts(package).1 == id.trim()).cloned();
    let found: Option<Vec<_>> = ids.iter().map(find).collect();
    let all = || own.iter().map(|package| package_parts(package).1).collect::<Vec<_>>().join(", ");
    found.filter(|found| !found.is_empty()).ok_or_else(|| ItemError::NotOneOf(all()))
}

/// The account, if it is below the caller's own.
///
/// # Errors
/// When it does not exist, or is not below: one answer for both.
pub fn below(
    scope: &Scope,
    found: Option<std::sync::Arc<Account>>,
) -> Result<std::sync::Arc<Account>, ItemError> {
    let own = scope.account().id;
    found.filter(|account| account.above.contains(&own)).ok_or(ItemError::AccountNotPermitted)
}

/// The accounts above a new one.
pub fn above(scope: &Scope) -> Vec<crate::AccountId> {
    std::iter::once(scope.account().id).chain(scope.account().above.iter().copied()).collect()
}

/// The settings of a new account.
pub fn settings(packages: Option<Vec<String>>, contact: Contact) -> Settings {
    let defaults = Settings::default();
    Settings { packages: packages.unwrap_or_else(|| defaults.packages.clone()), contact, ..defaults }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_of_the_service_s_form() {
        let code = code(&[255; 16]);
        assert_eq!(code, "C999999999");
        assert!(crate::AccountCode::parse(&code).is_ok_and(|parsed| parsed.as_str() == code));
    }
}
