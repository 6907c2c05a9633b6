//! Administration at the machine: the way in before anybody can log in. `matricula admin` and the sandbox use it.

use std::sync::Arc;

use auth::{Gate, GateFull};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use directory::account::AccountCodeError;
use directory::address::{AddressError, DomainError};
use directory::application::{AccessKeyError, Application, Binding};
use directory::audit::Actor;
use directory::change::{Change, ChangeRefused, Changed};
use directory::id::Randomness;
use directory::password::{Policy, Unmet};
use directory::port::{ApplicationRow, BindingRow, ChainReport, Store, StoreError};
use directory::role::{BuiltIn, PermissionError};
use directory::user::{AddressType, Source, User};
use directory::{
    AccessKey, Account, AccountCode, AccountId, ApplicationId, BindingId, Domain, DomainId, DomainName,
    EmailAddress, Permission, Role, RoleId, UserId,
};
pub use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use store::MasterKey;
use thiserror::Error;

use crate::app::OpenError;
use crate::config::Config;
use crate::system::System;

/// Why something could not be administered.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Something of this name is there already.
    #[error("{0} is there already")]
    AlreadyThere(String),
    /// There is nothing of this name.
    #[error("there is no {0}")]
    NotThere(String),
    /// The text is no account code.
    #[error(transparent)]
    AccountCode(#[from] AccountCodeError),
    /// The text is no address.
    #[error("the address {0}")]
    Address(#[from] AddressError),
    /// The text is no domain name.
    #[error("the domain {0}")]
    Domain(#[from] DomainError),
    /// The text is no permission.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    /// The text is no access key.
    #[error(transparent)]
    AccessKey(#[from] AccessKeyError),
    /// The address belongs to no domain of the account.
    #[error("{0} is in no internal domain of the account {1}: add the domain first")]
    ForeignAddress(EmailAddress, AccountCode),
    /// The password breaks the policy.
    #[error("the password must {}", .0.join("; "))]
    Password(Vec<Unmet>),
    /// No password could be hashed.
    #[error(transparent)]
    Gate(#[from] GateFull),
}

/// Administers a directory.
pub struct Admin {
    store: Arc<dyn Store>,
    system: System,
}

/// The keys of a new application. The application key can't be read again.
pub struct NewApplication {
    /// What callers send in `x-mc-app-id`.
    pub app_id: String,
    /// Part of the signed text.
    app_key: SecretString,
}

/// The keys of a new binding. The secret key can't be read again.
pub struct NewBinding {
    /// The public half.
    pub access_key: String,
    /// The secret half, base64.
    secret_key: SecretString,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl Admin {
    pub(crate) fn new(store: Arc<dyn Store>, system: System) -> Self {
        Self { store, system }
    }

    /// Opens the store of a configuration, beside a server that may be running on it.
    ///
    /// # Errors
    /// When the store can't be opened.
    pub fn open(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        let (clock, entropy) = (Arc::clone(&system.clock), Arc::clone(&system.entropy));
        let store = store::SqliteStore::open(&config.database, master_key, clock, entropy)?;
        Ok(Self::new(Arc::new(store), system))
    }

    /// Adds an account, below another one or at the top.
    ///
    /// # Errors
    /// When the code is none or taken, or the parent is not there.
    pub async fn add_account(
        &self,
        code: &str,
        name: &str,
        parent: Option<&str>,
    ) -> Result<AccountId, AdminError> {
        let code = AccountCode::parse(code)?;
        let above = match parent {
            Some(parent) => {
                let parent = self.account(parent).await?;
                std::iter::once(parent.id).chain(parent.above).collect()
            }
            None => Vec::new(),
        };
        let id = AccountId::at(self.now(), &self.randomness());
        let account = Account {
            id,
            code: code.clone(),
            name: name.to_owned(),
            above,
            password_policy: Policy::default(),
            epoch: 0,
            created_at: self.now(),
        };
        self.apply(Change::AddAccount(account), format!("the account {code}")).await.map(|()| id)
    }

    /// Shuts an account out: none of its users can call any more.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn disable_account(&self, code: &str) -> Result<(), AdminError> {
        let account = self.account(code).await?;
        self.apply(Change::DisableAccount(account.id), format!("the account {code}")).await
    }

    /// All accounts that are not shut out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts(&self) -> Result<Vec<Account>, AdminError> {
        Ok(self.store.list_accounts().await?)
    }

    /// Makes a domain internal to an account.
    ///
    /// # Errors
    /// When the domain is none or belongs to an account already.
    pub async fn add_domain(&self, account: &str, domain: &str) -> Result<(), AdminError> {
        let account = self.account(account).await?;
        let name = DomainName::parse(domain)?;
        let id = DomainId::at(self.now(), &self.randomness());
        let domain = Domain { id, name: name.clone(), account: account.id, created_at: self.now() };
        self.apply(Change::AddDomain(domain), format!("the domain {name}")).await
    }

    /// A domain is no longer internal. Its users stay.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn remove_domain(&self, domain: &str) -> Result<(), AdminError> {
        let name = DomainName::parse(domain)?;
        let what = format!("the domain {name}");
        let found = self.store.list_domains().await?.into_iter().find(|domain| domain.name == name);
        let domain = found.ok_or_else(|| AdminError::NotThere(what.clone()))?;
        self.apply(Change::RemoveDomain(domain.id), what).await
    }

    /// All domains.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn domains(&self) -> Result<Vec<Domain>, AdminError> {
        Ok(self.store.list_domains().await?)
    }

    /// Adds a role of an account's own.
    ///
    /// # Errors
    /// When a permission is none, or the account has a role of this name.
    pub async fn add_role(
        &self,
        account: &str,
        name: &str,
        permissions: &[String],
    ) -> Result<(), AdminError> {
        let what = format!("the role {name}");
        if BuiltIn::by_name(name).is_some() {
            return Err(AdminError::AlreadyThere(what));
        }
        let account = self.account(account).await?;
        let permissions = permissions.iter().map(|text| Permission::parse(text)).collect::<Result<_, _>>()?;
        let id = RoleId::at(self.now(), &self.randomness());
        let role = Role { id, account: Some(account.id), name: name.to_owned(), permissions, partner: false };
        self.apply(Change::AddRole(role), what).await
    }

    /// Built-in roles and those of all accounts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn roles(&self) -> Result<Vec<Role>, AdminError> {
        let mut roles: Vec<_> = BuiltIn::ALL.into_iter().map(BuiltIn::role).collect();
        roles.extend(self.store.list_roles().await?);
        Ok(roles)
    }

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
            id,
            account: account.id,
            address,
            name: name.to_owned(),
            password,
            must_change_password: false,
            role: Some(role),
            address_type: AddressType::CreatedManually,
            source: Source::Cloud,
            disabled: false,
            created_at: self.now(),
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
        self.apply(Change::DisableUser(user.id), format!("the user {address}")).await
    }

    /// Lets a user in again. Its bindings stay revoked.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn enable_user(&self, address: &str) -> Result<(), AdminError> {
        let user = self.user(address).await?;
        self.apply(Change::EnableUser(user.id), format!("the user {address}")).await
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

    /// Registers an application.
    ///
    /// # Errors
    /// When the account is not there.
    pub async fn add_application(&self, account: &str, name: &str) -> Result<NewApplication, AdminError> {
        let account = self.account(account).await?;
        let (app_id, app_key) = (self.guid(), SecretString::from(self.guid()));
        let application = Application {
            id: ApplicationId::at(self.now(), &self.randomness()),
            account: account.id,
            app_id: app_id.clone(),
            name: name.to_owned(),
            app_key: app_key.clone(),
            created_at: self.now(),
        };
        self.apply(Change::AddApplication(application), format!("the application {name}")).await?;
        Ok(NewApplication { app_id, app_key })
    }

    /// Shuts an application out.
    ///
    /// # Errors
    /// When it is not there.
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
    /// When user or application are not there.
    pub async fn add_binding(
        &self,
        address: &str,
        app_id: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<NewBinding, AdminError> {
        let user = self.user(address).await?;
        let application = self.application(app_id).await?;
        let mut public = [0; 112];
        self.system.entropy.fill(&mut public);
        let mut secret = vec![0; 64];
        self.system.entropy.fill(&mut secret);
        let (access_key, secret_key) =
            (URL_SAFE_NO_PAD.encode(public), SecretString::from(STANDARD.encode(&secret)));
        let binding = Binding {
            id: BindingId::at(self.now(), &self.randomness()),
            access_key: AccessKey::parse(&access_key)?,
            secret: SecretBox::new(secret.into_boxed_slice()),
            user: user.id,
            application,
            expires_at,
            created_at: self.now(),
        };
        self.apply(Change::AddBinding(binding), "the binding".to_owned()).await?;
        Ok(NewBinding { access_key, secret_key, expires_at })
    }

    /// Revokes a binding, named by its access key.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn revoke_binding(&self, access_key: &str) -> Result<(), AdminError> {
        let access_key = AccessKey::parse(access_key)?;
        let bindings = self.store.list_bindings(None).await?;
        let found = bindings.into_iter().find(|binding| binding.access_key == access_key);
        let binding = found.ok_or_else(|| AdminError::NotThere("binding with this access key".to_owned()))?;
        self.apply(Change::RevokeBinding(binding.id), "the binding".to_owned()).await
    }

    /// Revokes a binding and issues another for the same user and application.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn reissue_binding(
        &self,
        access_key: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<NewBinding, AdminError> {
        let old = AccessKey::parse(access_key)?;
        let bindings = self.store.list_bindings(None).await?;
        let found = bindings.into_iter().find(|binding| binding.access_key == old);
        let row = found.ok_or_else(|| AdminError::NotThere("binding with this access key".to_owned()))?;
        // The new pair first: between the two, the caller has one that works.
        let new = self.add_binding(&row.address, &row.app_id, expires_at).await?;
        self.apply(Change::RevokeBinding(row.id), "the binding".to_owned()).await?;
        Ok(new)
    }

    /// All bindings, of one user or of all.
    ///
    /// # Errors
    /// When the user is not there.
    pub async fn bindings(&self, address: Option<&str>) -> Result<Vec<BindingRow>, AdminError> {
        let user = match address {
            Some(address) => Some(self.user(address).await?.id),
            None => None,
        };
        Ok(self.store.list_bindings(user).await?)
    }

    /// Verifies every chain of the audit.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify_audit(&self) -> Result<Vec<ChainReport>, AdminError> {
        Ok(self.store.verify_audit().await?)
    }

    /// Events of the first chain of the audit, from one on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit(&self, after: i64, limit: usize) -> Result<Vec<directory::audit::Event>, AdminError> {
        Ok(self.store.audit(1, after, limit).await?)
    }

    async fn apply(&self, change: Change, what: String) -> Result<(), AdminError> {
        match self.store.apply(vec![change], Actor::Operator, self.now()).await? {
            Changed::Done => Ok(()),
            Changed::Refused { why: ChangeRefused::AlreadyThere, .. } => Err(AdminError::AlreadyThere(what)),
            Changed::Refused { why: ChangeRefused::NotThere, .. } => Err(AdminError::NotThere(what)),
        }
    }

    async fn account(&self, code: &str) -> Result<Account, AdminError> {
        let code = AccountCode::parse(code)?;
        let accounts = self.store.list_accounts().await?;
        let found = accounts.into_iter().find(|account| account.code == code);
        found.ok_or_else(|| AdminError::NotThere(format!("account {code}")))
    }

    async fn application(&self, app_id: &str) -> Result<ApplicationId, AdminError> {
        let found = self.store.application(&app_id.to_ascii_lowercase()).await?;
        found.map(|found| found.id).ok_or_else(|| AdminError::NotThere(format!("application {app_id}")))
    }

    async fn role_of(&self, account: &Account, name: &str) -> Result<RoleId, AdminError> {
        if let Some(role) = BuiltIn::by_name(name) {
            return Ok(role.id());
        }
        let roles = self.store.list_roles().await?;
        let found = roles
            .into_iter()
            .find(|role| role.account == Some(account.id) && role.name.eq_ignore_ascii_case(name));
        found
            .map(|role| role.id)
            .ok_or_else(|| AdminError::NotThere(format!("role {name} in the account {}", account.code)))
    }

    fn now(&self) -> Timestamp {
        self.system.clock.now()
    }

    fn randomness(&self) -> Randomness {
        let mut randomness = Randomness::default();
        self.system.entropy.fill(&mut randomness);
        randomness
    }

    fn guid(&self) -> String {
        let mut bytes = [0; 16];
        self.system.entropy.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

impl NewApplication {
    /// The application key, to be shown once.
    pub fn app_key(&self) -> &str {
        self.app_key.expose_secret()
    }
}

impl NewBinding {
    /// The secret key, to be shown once.
    pub fn secret_key(&self) -> &str {
        self.secret_key.expose_secret()
    }
}

/// The digits of a new master key.
pub fn new_master_key(system: &System) -> zeroize::Zeroizing<String> {
    MasterKey::generate(&*system.entropy).to_digits()
}

/// Exchanges the master key of a configuration's database for the one in a file.
///
/// # Errors
/// When either key can't be read, or the old one does not fit.
pub fn rotate_master_key(config: &Config, new: &std::path::Path) -> Result<(), OpenError> {
    let (old, new) = (config.master_key()?, crate::config::read_master_key(new)?);
    Ok(store::SqliteStore::rotate_master_key(&config.database, &old, &new, &*System::real().entropy)?)
}

/// A length of time, for expiry.
pub fn hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}

/// Reads a master key from its digits.
///
/// # Errors
/// When the text is no master key.
pub fn master_key(digits: &str) -> Result<MasterKey, store::VaultError> {
    MasterKey::parse(digits)
}
