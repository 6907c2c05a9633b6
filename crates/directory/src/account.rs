//! Accounts and the domains they own.

use jiff::Timestamp;

pub use crate::account_code::{AccountCode, AccountCodeError};
pub use crate::inbound_type::InboundType;
use crate::password::Policy;
use crate::settings::Settings;
use crate::{AccountId, DomainId, DomainName};

/// A customer: owns domains, users, roles and applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Internal id.
    pub id: AccountId,
    /// The code by which callers name it.
    pub code: AccountCode,
    /// Its name, for people.
    pub name: String,
    /// The accounts above it, nearest first.
    pub above: Vec<AccountId>,
    /// Its password policy.
    pub password_policy: Policy,
    /// Its settings.
    pub settings: Settings,
    /// Counts the times the account lost something. A write carries the value of its judgement; the store refuses the
    /// write if the two differ.
    pub epoch: u64,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Account {
    /// A new account with the default policy and settings, below these accounts, the nearest first.
    pub fn new(
        id: AccountId,
        code: AccountCode,
        name: String,
        above: Vec<AccountId>,
        now: Timestamp,
    ) -> Self {
        let (password_policy, settings) = (Policy::default(), Settings::default());
        Self { id, code, name, above, password_policy, settings, epoch: 0, created_at: now }
    }
}

/// A domain with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Internal id.
    pub id: DomainId,
    /// Its name.
    pub name: DomainName,
    /// The account that owns it.
    pub account: AccountId,
    /// Which addresses mail is accepted for. Kept for other systems; nothing here looks at it.
    pub inbound_type: InboundType,
    /// Whether it only sends mail. Stored for other systems.
    pub send_only: bool,
    /// Whether it is a local domain. Stored for other systems.
    pub local: bool,
    /// When it became internal.
    pub created_at: Timestamp,
}

impl Domain {
    /// A new internal domain: local, sends and receives mail.
    pub fn new(id: DomainId, account: AccountId, name: DomainName, now: Timestamp) -> Self {
        let inbound_type = InboundType::default();
        Self { id, name, account, inbound_type, send_only: false, local: true, created_at: now }
    }
}
