//! Codes of accounts.

use std::fmt;

use thiserror::Error;

/// The code of an account, for instance `CUSA100A1`: 1 to 32 letters and digits, compared without case. `[ours]`
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountCode(String);

/// A text that is not an account code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an account code has 1 to 32 letters and digits")]
pub struct AccountCodeError;

impl AccountCode {
    /// Reads a code.
    ///
    /// # Errors
    /// When it is empty, longer than 32 characters, or contains anything but ASCII letters and digits.
    pub fn parse(text: &str) -> Result<Self, AccountCodeError> {
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_ascii_uppercase())) } else { Err(AccountCodeError) }
    }

    /// In upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
