//! Administrative changes: what `matricula admin` does to accounts, domains, roles, users, applications and bindings.

use thiserror::Error;

use crate::application::{Application, Binding};
use crate::user::{PasswordHash, User};
use crate::{Account, AccountId, ApplicationId, BindingId, Domain, DomainId, Role, RoleId, UserId};

/// One change.
pub enum Change {
    /// A new account.
    AddAccount(Account),
    /// An account is shut out: none of its users can call, nothing can be created in it.
    DisableAccount(AccountId),
    /// A new internal domain.
    AddDomain(Domain),
    /// A domain is no longer internal. Its users stay, but no further address of it can be created.
    RemoveDomain(DomainId),
    /// A new role.
    AddRole(Role),
    /// A user gets a role, or loses the one it has.
    SetRole(UserId, Option<RoleId>),
    /// A new user; its address must be free.
    AddUser(User),
    /// A user's password is set: all its bindings are revoked.
    SetPassword(UserId, PasswordHash),
    /// A user is shut out, and all its bindings are revoked.
    DisableUser(UserId),
    /// A user is let in again; its bindings stay revoked.
    EnableUser(UserId),
    /// A new application.
    AddApplication(Application),
    /// An application is shut out; its bindings answer as if they did not exist.
    DisableApplication(ApplicationId),
    /// A new binding.
    AddBinding(Binding),
    /// A binding stops working at once.
    RevokeBinding(BindingId),
}

/// What became of a list of changes.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// All of them were made.
    Done,
    /// One could not be made, and so none was.
    Refused {
        /// Which one, counted from 0.
        index: usize,
        /// Why.
        why: ChangeRefused,
    },
}

/// Why a change could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChangeRefused {
    /// Something with this name is there already.
    #[error("is there already")]
    AlreadyThere,
    /// What is to be changed is not there.
    #[error("is not there")]
    NotThere,
}

impl Change {
    /// What it is called in the audit.
    pub fn action(&self) -> &'static str {
        match self {
            Change::AddAccount(_) => "account.added",
            Change::DisableAccount(_) => "account.disabled",
            Change::AddDomain(_) => "domain.added",
            Change::RemoveDomain(_) => "domain.removed",
            Change::AddRole(_) => "role.added",
            Change::SetRole(..) => "user.role_set",
            Change::AddUser(_) => CREATED,
            Change::SetPassword(..) => "user.password_set",
            Change::DisableUser(_) => "user.disabled",
            Change::EnableUser(_) => "user.enabled",
            Change::AddApplication(_) => "application.added",
            Change::DisableApplication(_) => "application.disabled",
            Change::AddBinding(_) => "binding.added",
            Change::RevokeBinding(_) => "binding.revoked",
        }
    }

    /// Whether it takes something away, so that judgements made before it must not be written after it.
    pub fn takes_away(&self) -> bool {
        match self {
            Change::DisableAccount(_)
            | Change::RemoveDomain(_)
            | Change::SetRole(..)
            | Change::SetPassword(..)
            | Change::DisableUser(_)
            | Change::DisableApplication(_)
            | Change::RevokeBinding(_) => true,
            Change::AddAccount(_)
            | Change::AddDomain(_)
            | Change::AddRole(_)
            | Change::AddUser(_)
            | Change::EnableUser(_)
            | Change::AddApplication(_)
            | Change::AddBinding(_) => false,
        }
    }
}

/// The action under which the audit tells of a new user, however it came to be.
pub const CREATED: &str = "user.created";
