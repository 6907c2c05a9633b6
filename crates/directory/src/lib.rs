//! The rules of the directory: accounts, domains, users, roles, applications, bindings, policies, audit events; and the
//! ports to a store, a clock and randomness.
//!
//! Pure: every rule is a function of (caller, state, input, now). No HTTP, no SQL, no clock.

pub mod access;
pub mod account;
mod account_code;
pub mod address;
pub mod application;
pub mod applications;
pub mod attribute;
pub mod audit;
pub mod caller;
pub mod change;
mod characters;
pub mod check;
pub mod create_user;
pub mod credentials;
pub mod domains;
pub mod error;
pub mod evidence;
pub mod groups;
mod hex;
pub mod id;
mod inbound_type;
pub mod ldap;
pub mod login;
pub mod password;
pub mod port;
pub mod provisioning;
pub mod role;
pub mod roles;
pub mod scim;
pub mod session;
pub mod settings;
pub mod update_user;
pub mod user;
pub mod user_query;

pub use access::Scope;
pub use account::{Account, Domain};
pub use account_code::AccountCode;
pub use address::{DomainName, EmailAddress};
pub use application::{AccessKey, Application, Binding, Principal};
pub use caller::{Caller, Sender};
pub use hex::hex;
pub use id::{
    AccountId, ApplicationId, BindingId, ClientId, DelegateId, DomainId, GroupId, PendingDomainId, ProfileId,
    RoleId, SessionId, TokenId, UserId,
};
pub use role::{Permission, Role};
pub use user_query::UserQuery;
