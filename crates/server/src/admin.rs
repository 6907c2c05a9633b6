//! Local administration, for which nobody has to log in: used by `matricula admin` and the sandbox.

mod accounts;
mod backup;
mod clients;
mod keys;
mod schema;
mod search;
mod seed;
mod setup;
mod users;

use std::sync::Arc;

use auth::HasherError;
pub use auth::{Cost, Timed, affordable, suggested};
pub use directory::TokenId;
use directory::account::AccountCodeError;
use directory::address::{AddressError, DomainError};
use directory::application::AccessKeyError;
use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed};
use directory::check;
pub use directory::hex;
use directory::id::Randomness;
pub use directory::password::Policy as PasswordPolicy;
use directory::password::Unmet;
pub use directory::port::BindingRow;
pub use directory::port::{ChainHead, ChainReport};
use directory::port::{Replication, Store, StoreError};
use directory::role::PermissionError;
pub use directory::scim::AddressFrom;
use directory::{AccountCode, DomainName, EmailAddress};
pub use jiff::Timestamp;
pub use store::MasterKey;
use thiserror::Error;

pub use backup::{BackedUp, BackupError, RestoreError, Restored, Step, backup, restore};
pub use clients::{ClientRow, NewClient, products};
pub use keys::{NewApplication, NewBinding, master_key, new_master_key, rotate_master_key};
pub use schema::{Schema, StoreOpenError, migrate, schema};
pub use seed::Seeded;
pub use setup::Beginning;
pub use users::hasher;

use crate::config::Config;
use crate::error::OpenError;
use crate::system::System;

/// Why an administrative operation failed.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// An object with this name already exists.
    #[error("{0} already exists")]
    AlreadyExists(String),
    /// The object does not exist.
    #[error("{0} not found")]
    NotFound(String),
    /// The change could not be made.
    #[error("{0} {1}")]
    Refused(String, ChangeError),
    /// The account code is invalid.
    #[error(transparent)]
    AccountCode(#[from] AccountCodeError),
    /// The address is invalid.
    #[error("the address {0}")]
    Address(#[from] AddressError),
    /// The domain name is invalid.
    #[error("the domain {0}")]
    Domain(#[from] DomainError),
    /// The base for LDAP clients is invalid.
    #[error(transparent)]
    LdapBase(#[from] ldap::BaseError),
    /// One base would be among the entries of the other.
    #[error(
        "{base} and the base of the account {code} are mixed: neither may be below ou=people, ou=groups or \
         ou=applications of the other"
    )]
    LdapBaseMixed {
        /// The base.
        base: String,
        /// The other account.
        code: String,
    },
    /// The permission is invalid.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    /// The name of an account, application or role cannot be used.
    #[error("{0:?} cannot be a name: expected 1 to 256 visible characters")]
    Name(String),
    /// The product is unknown.
    #[error("no product is called {0:?}; expected one of: {all}", all = products().join(", "))]
    Product(String),
    /// A package is invalid.
    #[error(
        "a package has a name of 1 to 256 visible characters, such as `Internal Directory [1]`; an account has 1 to 100"
    )]
    Package,
    /// The access key is invalid.
    #[error(transparent)]
    AccessKey(#[from] AccessKeyError),
    /// The address is in no internal domain of the account.
    #[error("{0} is not in an internal domain of the account {1}: add the domain first")]
    ForeignAddress(EmailAddress, AccountCode),
    /// No domain exists to create the object in.
    #[error("no internal domain{domain}{account} found: add it first with `matricula admin domain create`")]
    NoDomain {
        /// The named domain, if any.
        domain: String,
        /// The named account, if any.
        account: String,
    },
    /// Several domains exist.
    #[error("there is more than one internal domain, such as {0} and {1}: choose one with --domain")]
    ManyDomains(DomainName, DomainName),
    /// The password violates the policy.
    #[error("the password must {}", .0.join("; "))]
    Password(Vec<Unmet>),
    /// The password could not be hashed.
    #[error(transparent)]
    PasswordHasher(#[from] HasherError),
}

/// Checks the name of an account, application or role, as the API does.
fn named(name: &str) -> Result<&str, AdminError> {
    let fits = !name.trim().is_empty() && check::name(name).is_ok();
    fits.then_some(name).ok_or_else(|| AdminError::Name(name.to_owned()))
}

/// Administers a directory.
pub struct Admin {
    store: Arc<dyn Store>,
    system: System,
}

impl Admin {
    pub(crate) fn new(store: Arc<dyn Store>, system: System) -> Self {
        Self { store, system }
    }

    /// Opens the configured store, also while a server uses it.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open(config: &Config, master_key: &MasterKey, system: System) -> Result<Self, OpenError> {
        let (clock, entropy) = (Arc::clone(&system.clock), Arc::clone(&system.entropy));
        Ok(Self::new(config.open_store(false, master_key, clock, entropy)?, system))
    }

    /// Verifies every chain of the audit.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify_audit(&self) -> Result<Vec<ChainReport>, AdminError> {
        Ok(self.store.verify_audit().await?)
    }

    /// The end of every chain of the audit, without verifying it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_heads(&self) -> Result<Vec<ChainHead>, AdminError> {
        Ok(self.store.audit_heads().await?)
    }

    /// All events of the audit, ordered by time. Loads everything into memory: for small directories.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit(&self) -> Result<Vec<directory::audit::Event>, AdminError> {
        let mut events = Vec::new();
        for report in self.verify_audit().await? {
            events.extend(self.store.audit(report.chain, 0, usize::MAX).await?);
        }
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    /// How the database is replicated; `None`: the engine has one copy.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replication(&self) -> Result<Option<Replication>, AdminError> {
        Ok(self.store.replication().await?)
    }

    /// Events of one chain of the audit, starting at a position.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(
        &self,
        chain: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<directory::audit::Event>, AdminError> {
        Ok(self.store.audit(chain, after, limit).await?)
    }

    async fn apply(&self, change: Change, what: String) -> Result<(), AdminError> {
        self.apply_all(vec![change], what).await
    }

    /// All of the changes or none.
    async fn apply_all(&self, changes: Vec<Change>, what: String) -> Result<(), AdminError> {
        match self.store.apply(changes, Actor::Operator, self.now()).await? {
            Changed::Done => Ok(()),
            Changed::Refused { why, .. } => Err(match why {
                ChangeError::AlreadyExists | ChangeError::AddressTaken => AdminError::AlreadyExists(what),
                ChangeError::NotFound => AdminError::NotFound(what),
                why => AdminError::Refused(what, why),
            }),
        }
    }

    fn now(&self) -> Timestamp {
        self.system.clock.now()
    }

    fn randomness(&self) -> Randomness {
        self.system.entropy.randomness()
    }
}

/// A duration in hours, for expiry.
pub fn hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}
