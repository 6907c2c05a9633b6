//! The caller: who a request comes from, once that is beyond doubt.

use std::sync::Arc;

use thiserror::Error;

use crate::application::{AccessKey, ClientPrincipal, Principal, Product};
use crate::audit::Actor;
use crate::role::Role;
use crate::session::SessionPrincipal;
use crate::{Account, BindingId, Permission, UserId};

/// An authenticated caller. Only `auth` makes one, after it has checked a signature or a token; the rules take it as
/// proof.
#[derive(Clone)]
pub struct Caller(Who);

#[derive(Clone)]
enum Who {
    /// A user, by a key pair of API 1.0: acts with the user's role.
    User(Arc<Principal>),
    /// An application, by a token of API 2.0: acts with its own role (spec/protocol.md 7).
    Client(Arc<ClientPrincipal>),
    /// A user, in a browser: acts with the user's role.
    Session(Arc<SessionPrincipal>),
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
        Self(Who::User(principal))
    }

    /// Vouches that the request comes from this application. Banned outside `auth` by `clippy.toml`.
    pub fn vouched_client(principal: Arc<ClientPrincipal>) -> Self {
        Self(Who::Client(principal))
    }

    /// Vouches that the request comes from this session. Banned outside `auth` by `clippy.toml`.
    pub fn vouched_session(principal: Arc<SessionPrincipal>) -> Self {
        Self(Who::Session(principal))
    }

    /// The account of the caller.
    pub fn account(&self) -> &Account {
        match &self.0 {
            Who::User(principal) => &principal.account,
            Who::Client(principal) => &principal.account,
            Who::Session(principal) => &principal.account,
        }
    }

    /// The same, to keep.
    pub(crate) fn own_account(&self) -> Arc<Account> {
        match &self.0 {
            Who::User(principal) => Arc::clone(&principal.account),
            Who::Client(principal) => Arc::clone(&principal.account),
            Who::Session(principal) => Arc::clone(&principal.account),
        }
    }

    /// The caller's user, if it is one.
    pub fn user(&self) -> Option<UserId> {
        match &self.0 {
            Who::User(principal) => Some(principal.binding.user),
            Who::Session(principal) => Some(principal.session.user),
            Who::Client(_) => None,
        }
    }

    /// The binding the request was signed with.
    pub fn binding(&self) -> Option<BindingId> {
        match &self.0 {
            Who::User(principal) => Some(principal.binding.id),
            Who::Client(_) | Who::Session(_) => None,
        }
    }

    /// The access key the request was signed with.
    pub fn access_key(&self) -> Option<&AccessKey> {
        match &self.0 {
            Who::User(principal) => Some(&principal.binding.access_key),
            Who::Client(_) | Who::Session(_) => None,
        }
    }

    /// The address of the caller's user, or the client id of the application.
    pub fn name(&self) -> &str {
        match &self.0 {
            Who::User(principal) => &principal.address,
            Who::Client(principal) => &principal.client.client_id,
            Who::Session(principal) => &principal.address,
        }
    }

    /// Whom the audit names.
    pub fn actor(&self) -> Actor {
        match &self.0 {
            Who::User(principal) => {
                Actor::User { id: principal.binding.user, address: principal.address.clone() }
            }
            Who::Session(principal) => {
                Actor::User { id: principal.session.user, address: principal.address.clone() }
            }
            Who::Client(principal) => {
                Actor::Client { name: format!("application {}", self.client_name(principal)) }
            }
        }
    }

    fn client_name<'a>(&self, principal: &'a ClientPrincipal) -> &'a str {
        if principal.client.name.is_empty() { &principal.client.client_id } else { &principal.client.name }
    }

    /// Whose request ids are told apart: the binding's, the application's, or the session's.
    pub fn credential(&self) -> [u8; 16] {
        match &self.0 {
            Who::User(principal) => *principal.binding.id.as_bytes(),
            Who::Client(principal) => *principal.client.id.as_bytes(),
            Who::Session(principal) => *principal.session.id.as_bytes(),
        }
    }

    /// The name of the application the request comes from.
    pub fn application(&self) -> &str {
        match &self.0 {
            Who::User(principal) => &principal.application.name,
            Who::Client(principal) => &principal.client.name,
            Who::Session(_) => "console",
        }
    }

    /// Whether the caller's application may call endpoints of the product. One of API 1.0 may call them all.
    pub fn reaches(&self, product: Product) -> bool {
        match &self.0 {
            Who::User(_) | Who::Session(_) => true,
            Who::Client(principal) => principal.client.products.contains(&product),
        }
    }

    /// The caller's role.
    pub fn role(&self) -> Option<&Role> {
        match &self.0 {
            Who::User(principal) => principal.role.as_ref(),
            Who::Client(principal) => principal.role.as_ref(),
            Who::Session(principal) => principal.role.as_ref(),
        }
    }

    /// Demands a permission.
    ///
    /// # Errors
    /// When the caller's role lacks it, or the caller has none.
    pub fn require(&self, permission: &Permission) -> Result<(), PermissionDenied> {
        match self.role() {
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
        let own = self.account().id;
        account.id == own || (self.role().is_some_and(|role| role.partner) && account.above.contains(&own))
    }

    /// Whether the caller holds all that the role gives: nobody hands out, or takes from another, what they do not hold
    /// themselves. `[ours]`
    pub fn covers(&self, role: &Role) -> bool {
        self.role().is_some_and(|own| {
            own.permissions.is_superset(&role.permissions) && (own.partner || !role.partner)
        })
    }
}
