//! The caller: who a request comes from, once that is beyond doubt.

use std::sync::Arc;

use thiserror::Error;

use crate::{Account, BindingId, Permission, Principal, UserId};

/// An authenticated caller. Only `auth` makes one, after it has checked a signature; the rules take it as proof.
#[derive(Clone)]
pub struct Caller {
    principal: Arc<Principal>,
}

/// The caller's role lacks a permission.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("needs the permission {permission}, which {holder} does not hold")]
pub struct PermissionDenied {
    /// The permission that is needed.
    pub permission: Permission,
    /// Whose role lacks it.
    pub holder: String,
}

impl Caller {
    /// Vouches that the request comes from this principal. Banned outside `auth` by `clippy.toml`.
    pub fn vouched(principal: Arc<Principal>) -> Self {
        Self { principal }
    }

    /// The account of the caller's user.
    pub fn account(&self) -> &Account {
        &self.principal.account
    }

    /// The caller's user.
    pub fn user(&self) -> UserId {
        self.principal.binding.user
    }

    /// The address of the caller's user.
    pub fn address(&self) -> &str {
        &self.principal.address
    }

    /// The binding the request was signed with.
    pub fn binding(&self) -> BindingId {
        self.principal.binding.id
    }

    /// The name of the application the request was signed for.
    pub fn application(&self) -> &str {
        &self.principal.application.name
    }

    /// Demands a permission.
    ///
    /// # Errors
    /// When the caller's role lacks it, or the caller has none.
    pub fn require(&self, permission: &Permission) -> Result<(), PermissionDenied> {
        match &self.principal.role {
            Some(role) if role.allows(permission) => Ok(()),
            Some(role) => Err(PermissionDenied {
                permission: permission.clone(),
                holder: format!("the caller's role \"{}\"", role.name),
            }),
            None => Err(PermissionDenied {
                permission: permission.clone(),
                holder: "a user without an administrator role".to_owned(),
            }),
        }
    }

    /// Whether the caller may act in the account: its own; with a partner role also those below it. `[ours]`
    pub fn may_act_in(&self, account: &Account) -> bool {
        let own = self.principal.account.id;
        account.id == own
            || (self.principal.role.as_ref().is_some_and(|role| role.partner) && account.above.contains(&own))
    }
}
