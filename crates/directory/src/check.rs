//! Checks of fields that several endpoints share.

use crate::characters::hides;
use crate::error::ItemError;
use crate::user::MAX_NAME;
use crate::{AccountCode, EmailAddress};

/// Reads an address.
///
/// # Errors
/// When it is invalid.
pub fn address(text: &str) -> Result<EmailAddress, ItemError> {
    Ok(EmailAddress::parse(text)?)
}

/// Checks a display name, or another text for people.
///
/// # Errors
/// When it is longer than 256 characters or contains invisible characters.
pub fn name(text: &str) -> Result<(), ItemError> {
    self::text(text, MAX_NAME)
}

/// Checks a text for people.
///
/// # Errors
/// When it is longer than `max` characters or contains invisible characters.
pub fn text(value: &str, max: usize) -> Result<(), ItemError> {
    if value.chars().count() > max {
        Err(ItemError::TooLong { max, unit: "characters" })
    } else if hides(value) {
        Err(ItemError::Characters)
    } else {
        Ok(())
    }
}

/// Reads an account code. An impossible code gets the same answer as an unknown one.
///
/// # Errors
/// When it is blank or impossible.
pub fn account_code(text: &str) -> Result<AccountCode, ItemError> {
    if text.trim().is_empty() {
        return Err(ItemError::Blank);
    }
    AccountCode::parse(text).map_err(|_| ItemError::AccountNotPermitted)
}
