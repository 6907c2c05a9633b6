//! Applications and bindings: what a signed request names, and what stands behind it.

use std::fmt;

use jiff::Timestamp;
use secrecy::{SecretBox, SecretString};
use thiserror::Error;

use crate::{Account, AccountId, ApplicationId, BindingId, Role, UserId};

/// A registered program: knows its application id and its application key.
#[derive(Clone)]
pub struct Application {
    /// Internal id.
    pub id: ApplicationId,
    /// The account it is registered in.
    pub account: AccountId,
    /// What `x-mc-app-id` carries: a GUID in lower case.
    pub app_id: String,
    /// Its name, for people.
    pub name: String,
    /// Part of the signed text; never travels.
    pub app_key: SecretString,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A key pair of one user for one application.
pub struct Binding {
    /// Internal id.
    pub id: BindingId,
    /// The public half.
    pub access_key: AccessKey,
    /// The secret half, decoded: the HMAC key.
    pub secret: SecretBox<[u8]>,
    /// Its user.
    pub user: UserId,
    /// Its application.
    pub application: ApplicationId,
    /// When it stops working; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Everything that stands behind an access key, read in one piece: binding, application, user, role, account.
///
/// A revoked binding, a disabled user and a disabled application have no principal.
pub struct Principal {
    /// The binding.
    pub binding: Binding,
    /// Its application.
    pub application: Application,
    /// The address of its user.
    pub address: String,
    /// The account of its user.
    pub account: Account,
    /// The role of its user; without one, it may do nothing that needs a permission.
    pub role: Option<Role>,
}

/// The public half of a binding: 1 to 1,024 visible ASCII characters without a colon.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessKey(String);

/// A text that is no access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an access key has 1 to 1,024 visible ASCII characters and no colon")]
pub struct AccessKeyError;

impl AccessKey {
    /// Reads an access key.
    ///
    /// # Errors
    /// When it is empty, too long, or holds anything but visible ASCII without a colon.
    pub fn parse(text: &str) -> Result<Self, AccessKeyError> {
        let fits =
            (1..=1_024).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if fits { Ok(Self(text.to_owned())) } else { Err(AccessKeyError) }
    }

    /// As it travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
