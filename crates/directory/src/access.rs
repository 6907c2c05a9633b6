//! Where a caller may act: the one door through which every rule but create-user's goes. `[ours]`

use std::sync::Arc;

use thiserror::Error;

use crate::caller::PermissionDenied;
pub use crate::error::ForbiddenForAddress;
use crate::error::ItemError;
use crate::evidence::Evidence;
use crate::role::{Permission, Role};
use crate::user::User;
use crate::{Account, AccountCode, Caller};

/// Proof that a caller holds a permission and may act in an account. What it reads and writes lies in that account.
#[derive(Clone)]
pub struct Scope {
    caller: Caller,
    account: Arc<Account>,
}

/// Why a caller may not act there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// The caller's role lacks the permission.
    #[error(transparent)]
    Permission(#[from] PermissionDenied),
    /// The account is unknown, or not the caller's to act in: one answer for both.
    #[error("The account code is unknown, or the caller may not act in that account")]
    Account,
}

impl Scope {
    /// Enters the account that a call names, else the caller's own. Without a permission only for what everybody may see
    /// of themselves.
    ///
    /// # Errors
    /// When the caller's role lacks the permission; then when the account is unknown or not the caller's to act in.
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

    /// The user or alias, if it is one of the account.
    ///
    /// # Errors
    /// When there is none, or it belongs to another account.
    pub fn address(&self, found: Option<User>) -> Result<User, ForbiddenForAddress> {
        found.filter(|user| user.account == self.account.id).ok_or(ForbiddenForAddress)
    }

    /// The user, if it is one of the account.
    ///
    /// # Errors
    /// When there is none, it belongs to another account, or the address is an alias.
    pub fn user(&self, found: Option<User>) -> Result<User, ItemError> {
        let user = self.address(found)?;
        if user.alias_of.is_some() { Err(ItemError::IsAlias) } else { Ok(user) }
    }

    /// Whether the caller may hand out the role, or change what concerns the rights of somebody who holds it: nobody
    /// gives, or takes over by way of a password, what they do not hold themselves.
    ///
    /// # Errors
    /// When the role holds more than the caller's.
    pub fn covers(&self, role: Option<&Role>) -> Result<(), ItemError> {
        match role {
            Some(role) if !self.caller.covers(role) => Err(ItemError::RoleNotCovered(role.name.clone())),
            _ => Ok(()),
        }
    }
}

/// The code of the account to look up for a call, if it names another than the caller's own. A code that can't be one
/// belongs to no account: it is looked for in vain.
///
/// # Errors
/// When the text is no account code.
pub fn named_account(caller: &Caller, code: Option<&str>) -> Result<Option<AccountCode>, Denied> {
    let code = code.map(AccountCode::parse).transpose().map_err(|_| Denied::Account)?;
    Ok(code.filter(|code| *code != caller.account().code))
}
