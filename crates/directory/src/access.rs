//! Where a caller may act: every rule except create-user's goes through here. `[ours]`

use std::sync::Arc;

use thiserror::Error;

use crate::caller::PermissionDenied;
pub use crate::error::ForbiddenForAddress;
use crate::error::{ChangeError, ItemError};
use crate::evidence::Evidence;
use crate::role::{Permission, Role};
use crate::user::User;
use crate::{Account, AccountCode, Caller};

/// Proof that a caller holds a permission and may act in an account. All its reads and writes are in that account.
#[derive(Clone)]
pub struct Scope {
    caller: Caller,
    account: Arc<Account>,
}

/// Why a caller may not act in an account.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// The caller's role lacks the permission.
    #[error(transparent)]
    Permission(#[from] PermissionDenied),
    /// The account is unknown, or the caller may not act in it: one answer for both.
    #[error("The account code is unknown, or the caller may not act in that account")]
    Account,
}

impl Scope {
    /// Enters the account that a call names, or the caller's own. `None` as permission is only for data that everybody
    /// may read about themselves.
    ///
    /// # Errors
    /// When the caller's role lacks the permission; then when the account is unknown or the caller may not act in it.
    pub fn enter(
        caller: &Caller,
        permission: Option<&Permission>,
        named: Option<Option<Arc<Account>>>,
    ) -> Result<Self, Denied> {
        if let Some(permission) = permission {
            caller.require(permission)?;
        }
        let account = match named {
            None => caller.own_account(),
            Some(found) => found.filter(|account| caller.may_act_in(account)).ok_or(Denied::Account)?,
        };
        Ok(Self { caller: caller.clone(), account })
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The evidence of the proof: the store refuses a write if any of it no longer holds.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut evidence = vec![Evidence::of(self.caller.account()), Evidence::of(&self.account)];
        evidence.dedup();
        evidence
    }

    /// The user or alias, if it belongs to the account.
    ///
    /// # Errors
    /// When it does not exist, or belongs to another account.
    pub fn address(&self, found: Option<User>) -> Result<User, ForbiddenForAddress> {
        found.filter(|user| user.account == self.account.id).ok_or(ForbiddenForAddress)
    }

    /// The user, if it belongs to the account.
    ///
    /// # Errors
    /// When it does not exist, belongs to another account, or is an alias.
    pub fn user(&self, found: Option<User>) -> Result<User, ItemError> {
        let user = self.address(found)?;
        if user.alias_of.is_some() { Err(ItemError::IsAlias) } else { Ok(user) }
    }

    /// Checks that the user can be changed at all.
    ///
    /// # Errors
    /// When the user belongs to its domain.
    pub fn changes(&self, user: &User) -> Result<(), ItemError> {
        if user.reserved { Err(ChangeError::Reserved.into()) } else { Ok(()) }
    }

    /// Checks that the caller may assign the role, or change the credentials of a user who holds it: nobody can grant,
    /// or take over by setting a password, a permission that they do not have.
    ///
    /// # Errors
    /// When the role has more permissions than the caller's.
    pub fn covers(&self, role: Option<&Role>) -> Result<(), ItemError> {
        match role {
            Some(role) if !self.caller.covers(role) => Err(ItemError::RoleNotCovered(role.name.clone())),
            _ => Ok(()),
        }
    }
}

/// The code of the account to look up for a call, if it names another than the caller's own. An impossible code is
/// looked up too, and not found.
///
/// # Errors
/// When the text is not an account code.
pub fn named_account(caller: &Caller, code: Option<&str>) -> Result<Option<AccountCode>, Denied> {
    let code = code.map(AccountCode::parse).transpose().map_err(|_| Denied::Account)?;
    Ok(code.filter(|code| *code != caller.account().code))
}
