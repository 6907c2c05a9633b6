//! Users with a role.

use auth::Gate;
use directory::change::Change;
use directory::user::{Update, User};
use directory::{EmailAddress, UserId};
use secrecy::{ExposeSecret, SecretString};

use super::{Admin, AdminError};

impl Admin {
    /// Adds a user with a role. Without a password it can only call with the keys of a binding.
    ///
    /// # Errors
    /// When the address is none, is taken, or is in no domain of the account; when the role is not there; when the
    /// password breaks the policy.
    pub async fn add_administrator(
        &self,
        account: &str,
        address: &str,
        name: &str,
        role: &str,
        password: Option<(&SecretString, &Gate)>,
    ) -> Result<UserId, AdminError> {
        let account = self.account(account).await?;
        let address = EmailAddress::parse(address)?;
        let owner = self.store.domains(&[address.domain_name()]).await?.into_iter().next().flatten();
        if owner.is_none_or(|owner| owner.account != account.id) {
            return Err(AdminError::ForeignAddress(address, account.code));
        }
        let role = self.role_of(&account, role).await?;
        let password = match password {
            Some((password, gate)) => {
                let unmet =
                    account.password_policy.unmet(password.expose_secret(), &[address.as_str(), name]);
                if !unmet.is_empty() {
                    return Err(AdminError::Password(unmet));
                }
                gate.hash(vec![password.clone()]).await?.pop()
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
                let account = account.ok_or_else(|| AdminError::NotThere(format!("account of {address}")))?;
                Some(self.role_of(&account, role).await?)
            }
            None => None,
        };
        self.apply(Change::SetRole(user.id, role), format!("the user {address}")).await
    }

    /// Shuts a user out: all its bindings are revoked at once.
    ///
    /// # Errors
    /// When it is not there.
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
    /// When it is not there.
    pub async fn enable_user(&self, address: &str) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        self.apply(
            Change::UpdateUser(user.id, Box::new(Update::disabled(false))),
            format!("the user {address}"),
        )
        .await
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
        found.into_iter().next().flatten().ok_or_else(|| AdminError::NotThere(format!("user {address}")))
    }

    /// How many users there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_users(&self) -> Result<u64, AdminError> {
        Ok(self.store.count_users().await?)
    }
}
