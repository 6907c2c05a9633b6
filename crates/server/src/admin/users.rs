//! Users with a role.

use std::sync::Arc;

use auth::{HasherError, PasswordHasher};
use directory::audit::Actor;
use directory::change::{Change, Changed};
use directory::user::{PasswordHash, Update, User};
use directory::{Account, EmailAddress, UserId};
use secrecy::{ExposeSecret, SecretString};

use super::{Admin, AdminError};
use crate::config::Config;
use crate::error::OpenError;
use crate::system::System;

/// A password hasher for passwords that are set without the server, with the configured cost.
///
/// # Errors
/// When the cost is not allowed.
pub fn hasher(config: &Config, system: &System) -> Result<PasswordHasher, OpenError> {
    Ok(config.passwords.hasher(Arc::clone(&system.entropy))?)
}

/// The hash of a password, which must satisfy the policy.
pub(super) async fn hash_by_policy(
    account: &Account,
    address: &EmailAddress,
    name: &str,
    password: &SecretString,
    hasher: &PasswordHasher,
) -> Result<PasswordHash, AdminError> {
    let unmet = account.password_policy.unmet(password.expose_secret(), &[address.as_str(), name]);
    if !unmet.is_empty() {
        return Err(AdminError::Password(unmet));
    }
    let hash = hasher.hash(vec![password.clone()]).await?.pop();
    hash.ok_or(AdminError::PasswordHasher(HasherError::Broken))
}

/// Users per lookup.
const PURGE_SLICE: usize = 500;

impl Admin {
    /// Adds a user with a role. Without a password it can only call with a key pair.
    ///
    /// # Errors
    /// When the address is invalid, taken, or not in a domain of the account; when the role does not exist; when the
    /// password violates the policy.
    pub async fn add_administrator(
        &self,
        account: &str,
        address: &str,
        name: &str,
        role: &str,
        password: Option<(&SecretString, &PasswordHasher)>,
    ) -> Result<UserId, AdminError> {
        let account = self.account(account).await?;
        let address = EmailAddress::parse(address)?;
        let owner = self.store.domains(&[address.domain_name()]).await?.into_iter().next().flatten();
        if owner.is_none_or(|owner| owner.account != account.id) {
            return Err(AdminError::ForeignAddress(address, account.code));
        }
        let role = self.role_of(&account, role).await?;
        let password = match password {
            Some((password, hasher)) => {
                Some(hash_by_policy(&account, &address, name, password, hasher).await?)
            }
            None => None,
        };
        let id = UserId::at(self.now(), &self.randomness());
        let what = format!("the user {address}");
        let user = User {
            name: name.to_owned(),
            password,
            role: Some(role),
            ..User::new(id, account.id, address, self.now())
        };
        self.apply(Change::AddUser(user), what).await.map(|()| id)
    }

    /// Sets a user's password. All sessions and key pairs of the user end.
    ///
    /// # Errors
    /// When the user does not exist, or the password violates the policy.
    pub async fn set_password(
        &self,
        address: &str,
        password: &SecretString,
        hasher: &PasswordHasher,
    ) -> Result<(), AdminError> {
        self.set_password_and(address, password, hasher, false).await
    }

    /// Sets a user's password; with `keep_keys` the user's key pairs stay valid.
    ///
    /// # Errors
    /// When the user does not exist, or the password violates the policy.
    pub async fn set_password_and(
        &self,
        address: &str,
        password: &SecretString,
        hasher: &PasswordHasher,
        keep_keys: bool,
    ) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        let accounts = self.store.list_accounts().await?;
        let account = accounts.into_iter().find(|account| account.id == user.account);
        let account = account.ok_or_else(|| AdminError::NotFound(format!("account of {address}")))?;
        let hash = hash_by_policy(&account, &user.address, &user.name, password, hasher).await?;
        let update = Update { keep_keys, ..Update::password(hash, account.password_policy.history) };
        self.apply(Change::UpdateUser(user.id, Box::new(update)), format!("the user {address}")).await
    }

    /// Sets or removes a user's role.
    ///
    /// # Errors
    /// When user or role do not exist.
    pub async fn set_role(&self, address: &str, role: Option<&str>) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        let role = match role {
            Some(role) => {
                let accounts = self.store.list_accounts().await?;
                let account = accounts.into_iter().find(|account| account.id == user.account);
                let account = account.ok_or_else(|| AdminError::NotFound(format!("account of {address}")))?;
                Some(self.role_of(&account, role).await?)
            }
            None => None,
        };
        self.apply(Change::SetRole(user.id, role), format!("the user {address}")).await
    }

    /// Disables a user and revokes all key pairs.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn disable_user(&self, address: &str) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        self.apply(
            Change::UpdateUser(user.id, Box::new(Update::disabled(true))),
            format!("the user {address}"),
        )
        .await
    }

    /// Enables a user. Revoked key pairs stay revoked.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn enable_user(&self, address: &str) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        self.apply(
            Change::UpdateUser(user.id, Box::new(Update::disabled(false))),
            format!("the user {address}"),
        )
        .await
    }

    /// Deletes the users whose period on the purge list is over, and returns their number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn purge_due(&self) -> Result<usize, AdminError> {
        let mut purged = 0;
        loop {
            let due = self.store.due_for_purge(self.now(), PURGE_SLICE).await?;
            let before = purged;
            for user in due {
                let change = vec![Change::RemoveUser(user)];
                match self.store.apply(change, Actor::Automatic, self.now()).await? {
                    Changed::Done => purged += 1,
                    // Another node may have deleted it. A user that cannot be deleted must not block the others, nor be
                    // retried for ever.
                    Changed::Refused { why, .. } => {
                        tracing::warn!(%user, %why, "could not remove a user due on the purge list");
                    }
                }
            }
            if purged == before {
                return Ok(purged);
            }
        }
    }

    /// All users with a role.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn administrators(&self) -> Result<Vec<User>, AdminError> {
        Ok(self.store.list_administrators().await?)
    }

    /// A user by address.
    ///
    /// # Errors
    /// When the address is invalid, or no user has it.
    pub async fn user(&self, address: &str) -> Result<User, AdminError> {
        let found = self.store.users(&[EmailAddress::parse(address)?]).await?;
        found.into_iter().next().flatten().ok_or_else(|| AdminError::NotFound(format!("user {address}")))
    }

    /// The number of users.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_users(&self) -> Result<u64, AdminError> {
        Ok(self.store.count_users().await?)
    }
}
