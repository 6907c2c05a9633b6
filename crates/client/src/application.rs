//! From an application and a password to keys (spec/clients.md 6).

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::header::{self, Basic};
use wire::login::{ChangePassword, Discover, Discovered, LogIn, LoggedIn, PasswordChanged};

use crate::envelope::{answered, body_of};
use crate::error::CallError;
use crate::keys::{Keys, KeysError};
use crate::transport::Transport;

/// A registered application, at a server.
#[derive(Clone)]
pub struct Application {
    /// Scheme, host and port.
    pub base_url: String,
    /// The value of `x-mc-app-id`.
    pub app_id: String,
    /// A part of the signed text; never sent.
    pub app_key: SecretString,
    /// Certificates in PEM to trust in addition to those of this machine.
    pub ca_file: Option<PathBuf>,
}

/// An address and its cloud password.
#[derive(Clone)]
pub struct Login {
    /// The address.
    pub address: String,
    /// The password.
    pub password: SecretString,
}

impl Application {
    /// The same application at the server of this address's region.
    ///
    /// # Errors
    /// When there is no answer, or the call was refused.
    pub async fn discover(&self, address: &str) -> Result<Self, CallError> {
        const PATH: &str = "/api/login/discover-authentication";
        let item = Discover { email_address: address.to_owned() };
        let headers = [(header::APP_ID, self.app_id.as_str())];
        let transport = self.transport()?;
        let answer = transport.post(PATH, headers, "application/json", body_of(&[item], None)?).await?;
        let found = answered::<Discovered>(&answer)?.data.pop().unwrap_or_default();
        // A server that names no region serves all.
        let base_url = if found.region.api.is_empty() { self.base_url.clone() } else { found.region.api };
        Ok(Self { base_url, ..self.clone() })
    }

    /// Logs in, for a new key pair.
    ///
    /// # Errors
    /// When there is no answer, the login was refused, or the password must be changed first: then with the code
    /// `err_user_password_change_required`.
    pub async fn log_in(&self, login: &Login) -> Result<Keys, CallError> {
        let transport = self.transport()?;
        let LoggedIn { access_key, secret_key, .. } =
            self.log_in_as(&transport, login, LogIn::default()).await?;
        Ok(self.keys(access_key, secret_key))
    }

    /// Changes the user's password, also when it must be changed before the first login. Revokes all key pairs of the
    /// user. `[ours]`
    ///
    /// # Errors
    /// When there is no answer, the login was refused, or the new password breaks the account's policy.
    pub async fn change_password(&self, login: &Login, new: &SecretString) -> Result<(), CallError> {
        let transport = self.transport()?;
        let item = ChangePassword { new_password: new.clone(), ..ChangePassword::default() };
        self.with_password::<PasswordChanged>(&transport, login, "/api/user/change-password", item).await?;
        Ok(())
    }

    pub(crate) async fn log_in_as(
        &self,
        transport: &Transport,
        login: &Login,
        item: LogIn,
    ) -> Result<LoggedIn, CallError> {
        let item = LogIn { user_name: Some(login.address.clone()), ..item };
        let answer = self.with_password(transport, login, "/api/login/login", item).await?;
        answer.ok_or(CallError::NoKeys)
    }

    /// Calls an endpoint that takes a password instead of a signature.
    async fn with_password<R: DeserializeOwned>(
        &self,
        transport: &Transport,
        login: &Login,
        path: &str,
        item: impl Serialize,
    ) -> Result<Option<R>, CallError> {
        let authorization = Basic::cloud(&login.address, login.password.expose_secret());
        let headers =
            [(header::AUTHORIZATION, authorization.as_str()), (header::APP_ID, self.app_id.as_str())];
        let answer = transport.post(path, headers, "application/json", body_of(&[item], None)?).await?;
        let mut answer = answered::<R>(&answer)?;
        match answer.fail.into_iter().flat_map(|failure| failure.errors).next() {
            Some(fault) => Err(CallError::Refused { status: answer.status, fault, retry_after: None }),
            None => Ok(answer.data.pop()),
        }
    }

    pub(crate) fn transport(&self) -> Result<Transport, KeysError> {
        Transport::new(&self.base_url, self.ca_file.as_deref())
    }

    /// A key pair of this application.
    pub(crate) fn keys(&self, access_key: String, secret_key: String) -> Keys {
        Keys {
            base_url: self.base_url.clone(),
            ca_file: self.ca_file.clone(),
            app_id: self.app_id.clone(),
            app_key: self.app_key.expose_secret().to_owned(),
            access_key,
            secret_key,
        }
    }
}

impl From<&Keys> for Application {
    fn from(keys: &Keys) -> Self {
        Self {
            base_url: keys.base_url.clone(),
            app_id: keys.app_id.clone(),
            app_key: SecretString::from(keys.app_key.clone()),
            ca_file: keys.ca_file.clone(),
        }
    }
}
