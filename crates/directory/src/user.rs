//! Users.

use jiff::Timestamp;

use crate::{AccountId, EmailAddress, RoleId, UserId};

/// Longest display name, in characters. `[ours]`
pub const MAX_NAME: usize = 256;

/// How an address came to be; the words are the service's (spec/clients.md 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// By an administrator or through the API.
    CreatedManually,
}

impl AddressType {
    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressType::CreatedManually => "created_manually",
        }
    }
}

/// Where a user is mastered; the words are the service's (spec/clients.md 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Cloud,
}

impl Source {
    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Cloud => "cloud",
        }
    }
}

/// A user as it is stored.
#[derive(Clone, Debug)]
pub struct User {
    /// Internal id.
    pub id: UserId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its address.
    pub address: EmailAddress,
    /// Display name; empty when none was given.
    pub name: String,
    /// The hash of the cloud password as a PHC string; `None` when it has none and can't log in with one.
    pub password: Option<PasswordHash>,
    /// Whether the password must be changed at the next login.
    pub must_change_password: bool,
    /// The role, for administrators.
    pub role: Option<RoleId>,
    /// How the address came to be.
    pub address_type: AddressType,
    /// Where the user is mastered.
    pub source: Source,
    /// Whether the user is shut out.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A hash in PHC form. It has no `Display`, and its `Debug` shows nothing: a hash can be guessed at offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a PHC string.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string, for the store and for verification.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}
