//! Keys: of applications, of bindings, and the master key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use directory::change::Change;
use directory::credentials::{new_application, new_binding};
use directory::port::{ApplicationRow, BindingRow};
use directory::{AccessKey, Application, ApplicationId, Binding};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use store::MasterKey;

use super::{Admin, AdminError, named};
use crate::config::Config;
use crate::error::OpenError;
use crate::system::System;

/// The keys of a new application. The application key cannot be read again.
pub struct NewApplication {
    /// The value of `x-mc-app-id`.
    pub app_id: String,
    /// Part of the signed text.
    app_key: SecretString,
}

/// The keys of a new binding. The secret key cannot be read again.
pub struct NewBinding {
    /// The access key.
    pub access_key: String,
    /// The secret key in base64.
    secret_key: SecretString,
    /// The time of expiry.
    pub expires_at: Option<Timestamp>,
}

impl Admin {
    /// Registers an application.
    ///
    /// # Errors
    /// When the account does not exist.
    pub async fn add_application(&self, account: &str, name: &str) -> Result<NewApplication, AdminError> {
        let account = self.account(account).await?;
        let name = named(name)?;
        let application = new_application(&*self.system.entropy, account.id, name, self.now());
        let new = NewApplication::of(&application);
        self.apply(Change::AddApplication(application), format!("the application {name}")).await?;
        Ok(new)
    }

    /// Disables an application.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn disable_application(&self, app_id: &str) -> Result<(), AdminError> {
        let application = self.application(app_id).await?;
        self.apply(Change::DisableApplication(application), format!("the application {app_id}")).await
    }

    /// All applications.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn applications(&self) -> Result<Vec<ApplicationRow>, AdminError> {
        Ok(self.store.list_applications().await?)
    }

    /// Issues a key pair to a user for an application.
    ///
    /// # Errors
    /// When user or application do not exist.
    pub async fn add_binding(
        &self,
        address: &str,
        app_id: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<NewBinding, AdminError> {
        let user = self.user(address).await?;
        let application = self.application(app_id).await?;
        let binding = new_binding(&*self.system.entropy, user.id, application, expires_at, self.now());
        let new = NewBinding::of(&binding);
        self.apply(Change::AddBinding(binding), "the binding".to_owned()).await?;
        Ok(new)
    }

    /// Revokes a key pair by its access key.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn revoke_binding(&self, access_key: &str) -> Result<(), AdminError> {
        let binding = self.binding(access_key).await?;
        self.apply(Change::RevokeBinding(binding.id), "the binding".to_owned()).await
    }

    /// Revokes a key pair and issues another one for the same user and application.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn reissue_binding(
        &self,
        access_key: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<NewBinding, AdminError> {
        let row = self.binding(access_key).await?;
        // The new pair is issued first, so that the caller always has a working one.
        let new = self.add_binding(&row.address, &row.app_id, expires_at).await?;
        self.apply(Change::RevokeBinding(row.id), "the binding".to_owned()).await?;
        Ok(new)
    }

    /// The key pairs of one user or of all.
    ///
    /// # Errors
    /// When the user does not exist.
    pub async fn bindings(&self, address: Option<&str>) -> Result<Vec<BindingRow>, AdminError> {
        let user = match address {
            Some(address) => Some(self.user(address).await?.id),
            None => None,
        };
        Ok(self.store.list_bindings(user).await?)
    }

    async fn binding(&self, access_key: &str) -> Result<BindingRow, AdminError> {
        let access_key = AccessKey::parse(access_key)?;
        let bindings = self.store.list_bindings(None).await?;
        let found = bindings.into_iter().find(|binding| binding.access_key == access_key);
        found.ok_or_else(|| AdminError::NotFound("binding with this access key".to_owned()))
    }

    async fn application(&self, app_id: &str) -> Result<ApplicationId, AdminError> {
        let found = self.store.application(&app_id.to_ascii_lowercase()).await?;
        found.map(|found| found.id).ok_or_else(|| AdminError::NotFound(format!("application {app_id}")))
    }
}

impl NewApplication {
    pub(super) fn of(application: &Application) -> Self {
        Self { app_id: application.app_id.clone(), app_key: application.app_key.clone() }
    }

    /// The application key, to be shown once.
    pub fn app_key(&self) -> &str {
        self.app_key.expose_secret()
    }
}

impl NewBinding {
    pub(super) fn of(binding: &Binding) -> Self {
        Self {
            access_key: binding.access_key.as_str().to_owned(),
            secret_key: SecretString::from(STANDARD.encode(binding.secret.expose_secret())),
            expires_at: binding.expires_at,
        }
    }

    /// The secret key, to be shown once.
    pub fn secret_key(&self) -> &str {
        self.secret_key.expose_secret()
    }
}

/// The digits of a random master key.
pub fn new_master_key(system: &System) -> zeroize::Zeroizing<String> {
    MasterKey::generate(&*system.entropy).to_digits()
}

/// Re-encrypts the secrets in the configured database with the master key in a file.
///
/// # Errors
/// When one of the keys cannot be read, or the old one is wrong.
pub fn rotate_master_key(config: &Config, new: &std::path::Path) -> Result<(), OpenError> {
    let (old, new) = (config.master_key()?, crate::config::read_master_key(new)?);
    Ok(config.store.rotate_master_key(&old, &new, &*System::real().entropy)?)
}

/// Parses a master key.
///
/// # Errors
/// When the text is not a master key.
pub fn master_key(digits: &str) -> Result<MasterKey, store::VaultError> {
    MasterKey::parse(digits)
}
