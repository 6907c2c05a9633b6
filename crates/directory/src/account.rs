//! Accounts and the domains they own.

use jiff::Timestamp;

pub use crate::account_code::{AccountCode, AccountCodeError};
pub use crate::inbound_type::InboundType;
use crate::password::Policy;
use crate::{AccountId, DomainId, DomainName};

/// A customer: owns domains, users, roles and applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Internal id.
    pub id: AccountId,
    /// The code callers name it by.
    pub code: AccountCode,
    /// Its name, for people.
    pub name: String,
    /// The accounts above it, nearest first.
    pub above: Vec<AccountId>,
    /// Its password policy.
    pub password_policy: Policy,
    /// How often something was taken away in it. A write carries the value it was judged under; the store refuses the
    /// write when the two differ.
    pub epoch: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A domain whose addresses an account owns.
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
    /// Whether mail is only sent from it. Kept for other systems.
    pub send_only: bool,
    /// Whether it is a local domain. Kept for other systems.
    pub local: bool,
    /// When it became internal.
    pub created_at: Timestamp,
}

impl Domain {
    /// A domain that becomes internal: local, for mail both ways. `[ours]`
    pub fn new(id: DomainId, account: AccountId, name: DomainName, now: Timestamp) -> Self {
        let inbound_type = InboundType::default();
        Self { id, name, account, inbound_type, send_only: false, local: true, created_at: now }
    }
}
