//! Accounts and authentication profiles.

use std::sync::Arc;

use super::Pending;
use crate::login::NamedProfile;
use crate::{Account, AccountCode};

/// Reads of accounts.
pub trait AccountStore: Send + Sync + 'static {
    /// Accounts by code; at most a second old.
    fn accounts<'a>(&'a self, codes: &'a [AccountCode]) -> Pending<'a, Vec<Option<Arc<Account>>>>;

    /// All accounts.
    fn list_accounts(&self) -> Pending<'_, Vec<Account>>;

    /// All authentication profiles.
    fn list_profiles(&self) -> Pending<'_, Vec<NamedProfile>>;
}
