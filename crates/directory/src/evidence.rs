//! The evidence of a judgement.

use crate::account::Account;
use crate::id::AccountId;

/// An account with its epoch at the time of a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The account.
    pub account: AccountId,
    /// Its epoch at that time.
    pub epoch: u64,
}

impl Evidence {
    /// The evidence of an account as it was read.
    pub fn of(account: &Account) -> Self {
        Self { account: account.id, epoch: account.epoch }
    }
}
