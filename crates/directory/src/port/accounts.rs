//! Accounts and authentication profiles.

use std::sync::Arc;

use super::Pending;
use crate::login::NamedProfile;
use crate::{Account, AccountCode, AccountId};

/// Reads of accounts.
pub trait AccountStore: Send + Sync + 'static {
    /// Accounts by code; at most a second old.
    fn accounts<'a>(&'a self, codes: &'a [AccountCode]) -> Pending<'a, Vec<Option<Arc<Account>>>>;

    /// An account by id, as it is now.
    fn account_by_id(&self, id: AccountId) -> Pending<'_, Option<Account>>;

    /// All accounts.
    fn list_accounts(&self) -> Pending<'_, Vec<Account>>;

    /// All authentication profiles.
    fn list_profiles(&self) -> Pending<'_, Vec<NamedProfile>>;
}
