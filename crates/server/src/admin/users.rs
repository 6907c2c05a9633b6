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

/// The hashing threads for passwords that are set without the server, at the cost in its configuration.
///
/// # Errors
/// When that cost is not allowed.
pub fn gate(config: &Config, system: &System) -> Result<PasswordHasher, OpenError> {
    Ok(config.passwords.gate(Arc::clone(&system.entropy))?)
}

/// The hash of a password that satisfies the policy.
async fn hash_by_policy(
    account: &Account,
    address: &EmailAddress,
    name: &str,
    password: &SecretString,
    gate: &PasswordHasher,
) -> Result<PasswordHash, AdminError> {
    let unmet = account.password_policy.unmet(password.expose_secret(), &[address.as_str(), name]);
    if !unmet.is_empty() {
        return Err(AdminError::Password(unmet));
    }
    let hash = gate.hash(vec![password.clone()]).await?.pop();
    hash.ok_or(AdminError::PasswordHasher(HasherError::Broken))
}

/// Users looked up in one go.
const PURGE_SLICE: usize = 500;

impl Admin {
    /// Adds a user with a role. Without a password it can only call with the keys of a binding.
    ///
    /// # Errors
    /// When the address is invalid, taken, or not in a domain of the account; when the role does not exist; when the
    /// password breaks the policy.
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
            Some((password, gate)) => Some(hash_by_policy(&account, &address, name, password, gate).await?),
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

    /// Sets a user's password, which ends its sessions and all its key pairs.
    ///
    /// # Errors
    /// When the user does not exist, or the password breaks the policy.
    pub async fn set_password(
        &self,
        address: &str,
        password: &SecretString,
        gate: &PasswordHasher,
    ) -> Result<(), AdminError> {
        self.set_password_and(address, password, gate, false).await
    }

    /// The same; with `keep_keys` the programs that call in the user's name go on working.
    ///
    /// # Errors
    /// When the user does not exist, or the password breaks the policy.
    pub async fn set_password_and(
        &self,
        address: &str,
        password: &SecretString,
        gate: &PasswordHasher,
        keep_keys: bool,
    ) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        let accounts = self.store.list_accounts().await?;
        let account = accounts.into_iter().find(|account| account.id == user.account);
        let account = account.ok_or_else(|| AdminError::NotFound(format!("account of {address}")))?;
        let hash = hash_by_policy(&account, &user.address, &user.name, password, gate).await?;
        let update = Update { keep_keys, ..Update::password(hash, account.password_policy.history) };
        self.apply(Change::UpdateUser(user.id, Box::new(update)), format!("the user {address}")).await
    }

    /// Gives a user a role, or takes it away.
    ///
    /// # Errors
    /// When user or role are not there.
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

    /// Shuts a user out: all its bindings are revoked at once.
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

    /// Lets a user in again. Its bindings stay revoked.
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

    /// Removes the users whose time on the purge list is over, and gives how many those were.
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
                    // Another may have been faster. One that can't go must not keep the others, nor be tried for ever.
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

    /// All users that hold a role.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn administrators(&self) -> Result<Vec<User>, AdminError> {
        Ok(self.store.list_administrators().await?)
    }

    /// A user by address.
    ///
    /// # Errors
    /// When the text is no address, or no user has it.
    pub async fn user(&self, address: &str) -> Result<User, AdminError> {
        let found = self.store.users(&[EmailAddress::parse(address)?]).await?;
        found.into_iter().next().flatten().ok_or_else(|| AdminError::NotFound(format!("user {address}")))
    }

    /// How many users there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_users(&self) -> Result<u64, AdminError> {
        Ok(self.store.count_users().await?)
    }
}
