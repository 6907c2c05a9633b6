//! The caller: the authenticated sender of a request.

use std::sync::Arc;

use thiserror::Error;

use crate::application::{AccessKey, ClientPrincipal, Principal, Product};
use crate::audit::Actor;
use crate::role::Role;
use crate::session::SessionPrincipal;
use crate::{Account, AccountId, BindingId, Permission, TokenId, UserId};

/// An authenticated caller. Only `auth` creates one, after it has verified a signature or a token; the rules take it as
/// proof.
#[derive(Clone)]
pub struct Caller(Sender);

/// The sender of a signature or token: for logs and counts, also of refused requests. It proves nothing; a [`Caller`]
/// does.
#[derive(Clone)]
pub enum Sender {
    /// A user, by a key pair of API 1.0: acts with the user's role.
    User(Arc<Principal>),
    /// An application, by a token of API 2.0: acts with its own role (spec/protocol.md 7). A token that lasts has an id.
    Client(Arc<ClientPrincipal>, Option<TokenId>),
    /// A user, in a browser: acts with the user's role.
    Session(Arc<SessionPrincipal>),
}

/// The console's name in place of an application's.
const CONSOLE: &str = "console";

impl Sender {
    /// The account of the user, or of the application of API 2.0.
    pub fn account(&self) -> &Account {
        match self {
            Sender::User(principal) => &principal.account,
            Sender::Client(principal, _) => &principal.account,
            Sender::Session(principal) => &principal.account,
        }
    }

    /// The address of the user, or the client id of the application.
    pub fn name(&self) -> &str {
        match self {
            Sender::User(principal) => &principal.address,
            Sender::Client(principal, _) => &principal.client.client_id,
            Sender::Session(principal) => &principal.address,
        }
    }

    /// The credential of the request: the id of a binding, or of an application of API 2.0.
    pub fn credential(&self) -> [u8; 16] {
        match self {
            Sender::User(principal) => *principal.binding.id.as_bytes(),
            Sender::Client(principal, _) => *principal.client.id.as_bytes(),
            Sender::Session(principal) => *principal.session.id.as_bytes(),
        }
    }

    /// The id of the request's token, if it is one that lasts.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Sender::Client(_, token) => *token,
            Sender::User(_) | Sender::Session(_) => None,
        }
    }

    /// The application's public id: its application id, or its client id.
    pub fn app_id(&self) -> &str {
        match self {
            Sender::User(principal) => &principal.application.app_id,
            Sender::Client(principal, _) => &principal.client.client_id,
            Sender::Session(_) => CONSOLE,
        }
    }

    /// The name of the calling application.
    pub fn application(&self) -> &str {
        match self {
            Sender::User(principal) => &principal.application.name,
            Sender::Client(principal, _) => &principal.client.name,
            Sender::Session(_) => CONSOLE,
        }
    }

    /// The account in which the application is registered. Users of other accounts may have keys for it.
    pub fn owner(&self) -> AccountId {
        match self {
            Sender::User(principal) => principal.application.account,
            Sender::Client(principal, _) => principal.client.account,
            Sender::Session(principal) => principal.account.id,
        }
    }
}

/// The caller's role lacks a permission.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("needs the permission {permission}, which {holder} does not have")]
pub struct PermissionDenied {
    /// The required permission.
    pub permission: Permission,
    /// The caller whose role lacks it.
    pub holder: String,
}

impl Caller {
    /// Confirms that the request comes from this principal. Banned outside `auth` by `clippy.toml`.
    pub fn vouched(principal: Arc<Principal>) -> Self {
        Self(Sender::User(principal))
    }

    /// Confirms that the request comes from this application. Banned outside `auth` by `clippy.toml`.
    pub fn vouched_client(principal: Arc<ClientPrincipal>, token: Option<TokenId>) -> Self {
        Self(Sender::Client(principal, token))
    }

    /// Confirms that the request comes from this session. Banned outside `auth` by `clippy.toml`.
    pub fn vouched_session(principal: Arc<SessionPrincipal>) -> Self {
        Self(Sender::Session(principal))
    }

    /// The account of the caller.
    pub fn account(&self) -> &Account {
        self.0.account()
    }

    /// The same for logs and counts.
    pub fn sender(&self) -> &Sender {
        &self.0
    }

    /// The same, to keep.
    pub(crate) fn own_account(&self) -> Arc<Account> {
        match &self.0 {
            Sender::User(principal) => Arc::clone(&principal.account),
            Sender::Client(principal, _) => Arc::clone(&principal.account),
            Sender::Session(principal) => Arc::clone(&principal.account),
        }
    }

    /// The caller's user, if it is one.
    pub fn user(&self) -> Option<UserId> {
        match &self.0 {
            Sender::User(principal) => Some(principal.binding.user),
            Sender::Session(principal) => Some(principal.session.user),
            Sender::Client(..) => None,
        }
    }

    /// The binding the request was signed with.
    pub fn binding(&self) -> Option<BindingId> {
        match &self.0 {
            Sender::User(principal) => Some(principal.binding.id),
            Sender::Client(..) | Sender::Session(_) => None,
        }
    }

    /// The access key the request was signed with.
    pub fn access_key(&self) -> Option<&AccessKey> {
        match &self.0 {
            Sender::User(principal) => Some(&principal.binding.access_key),
            Sender::Client(..) | Sender::Session(_) => None,
        }
    }

    /// The address of the caller's user, or the client id of the application.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The actor in the audit.
    pub fn actor(&self) -> Actor {
        match &self.0 {
            Sender::User(principal) => {
                Actor::User { id: principal.binding.user, address: principal.address.clone() }
            }
            Sender::Session(principal) => {
                Actor::User { id: principal.session.user, address: principal.address.clone() }
            }
            Sender::Client(principal, _) => {
                Actor::Client { name: format!("application {}", self.client_name(principal)) }
            }
        }
    }

    fn client_name<'a>(&self, principal: &'a ClientPrincipal) -> &'a str {
        if principal.client.name.is_empty() { &principal.client.client_id } else { &principal.client.name }
    }

    /// The scope of request ids: the binding, the application, or the session.
    pub fn credential(&self) -> [u8; 16] {
        self.0.credential()
    }

    /// The name of the calling application.
    pub fn application(&self) -> &str {
        self.0.application()
    }

    /// Whether the caller's application may call endpoints of the product. Applications of API 1.0 may call all.
    pub fn reaches(&self, product: Product) -> bool {
        match &self.0 {
            Sender::User(_) | Sender::Session(_) => true,
            Sender::Client(principal, _) => principal.client.products.contains(&product),
        }
    }

    /// The caller's role.
    pub fn role(&self) -> Option<&Role> {
        match &self.0 {
            Sender::User(principal) => principal.role.as_ref(),
            Sender::Client(principal, _) => principal.role.as_ref(),
            Sender::Session(principal) => principal.role.as_ref(),
        }
    }

    /// Requires a permission.
    ///
    /// # Errors
    /// When the caller's role lacks it, or the caller has no role.
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

    /// Whether the caller may act in the account: its own and, with a partner role, those below it. `[ours]`
    pub fn may_act_in(&self, account: &Account) -> bool {
        let own = self.account().id;
        account.id == own || (self.role().is_some_and(|role| role.partner) && account.above.contains(&own))
    }

    /// Whether the caller has all permissions of the role: nobody may assign, or remove from another, a permission that
    /// they do not have. `[ours]`
    pub fn covers(&self, role: &Role) -> bool {
        self.role().is_some_and(|own| own.covers(role))
    }
}
