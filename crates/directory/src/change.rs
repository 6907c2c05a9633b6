//! Changes that the store can make to accounts, domains, roles, users, applications and bindings, for an endpoint or
//! for `matricula admin`. Each is made as a whole or not at all, and recorded in the audit.

use jiff::Timestamp;

use crate::application::{Application, Binding, Client};
use crate::attribute::Attribute;
use crate::audit::Action;
use crate::domains::{DomainChange, Registered};
pub use crate::error::ChangeError;
use crate::groups::{Group, GroupChange, Member};
use crate::ldap::Base;
use crate::login::{self, Attempt, NamedProfile, Outcome};
use crate::password::Policy;
use crate::scim::ScimChange;
use crate::settings::SettingsUpdate;
use crate::user::{Update, User};
use crate::{
    Account, AccountId, ApplicationId, BindingId, ClientId, DelegateId, Domain, DomainId, EmailAddress,
    ProfileId, Role, RoleId, SessionId, UserId,
};

/// One change.
pub enum Change {
    /// A new account.
    AddAccount(Account),
    /// Disables an account: its users cannot call, and nothing can be created in it.
    DisableAccount(AccountId),
    /// Sets the password policy of an account; existing passwords stay valid.
    SetPolicy(AccountId, Policy),
    /// Changes settings of an account.
    SetSettings(AccountId, SettingsUpdate),
    /// Records that an import of so many rows begins. Its users are separate changes.
    StartImport(AccountId, usize),
    /// Several changes: all of them are made or none, and each is an event of the audit. The effect is that of the last.
    Together(Vec<Change>),
    /// Sets the base of an account for LDAP clients; `None`: that of its first domain.
    SetLdapBase(AccountId, Option<Base>),
    /// Sets the default profile of an account's users.
    SetAccountProfile(AccountId, Option<ProfileId>),
    /// A new internal domain.
    AddDomain(Domain),
    /// Removes an internal domain. Its users stay, but no further address of it can be created.
    RemoveDomain(DomainId),
    /// A new role.
    AddRole(Role),
    /// Deletes a role that no user holds.
    RemoveRole(RoleId),
    /// Sets or removes the role of a user.
    SetRole(UserId, Option<RoleId>),
    /// A new user; its address must be free.
    AddUser(User),
    /// A new alias, whose `alias_of` is its user; its address must be free.
    AddAlias(User),
    /// Changes a user. Locking, disabling and a new password revoke all its bindings.
    UpdateUser(UserId, Box<Update>),
    /// Deletes a user with its aliases and everything that refers to it; or one alias. A tombstone stays, so that the
    /// audit shows when the address is created again.
    RemoveUser(UserId),
    /// Puts a user on the purge list, to be deleted at this time, or takes it off.
    Purge(UserId, Option<Timestamp>),
    /// Sets attributes of a user; an empty value removes one.
    SetAttributes(UserId, Vec<(Attribute, String)>),
    /// Lets one user read another's mail. Stored for other systems; this one does not use it.
    AddDelegate(Delegate),
    /// Removes that right.
    RemoveDelegate(DelegateId),
    /// Changes a pending domain.
    Domain(DomainChange),
    /// Changes a group or its members.
    Group(GroupChange),
    /// Decides a login attempt.
    LogIn(Box<Attempt>),
    /// A new authentication profile.
    AddProfile(NamedProfile),
    /// Sets or removes a user's own profile.
    SetProfile(UserId, Option<ProfileId>),
    /// A new application.
    AddApplication(Application),
    /// Disables an application; its bindings behave as if they did not exist.
    DisableApplication(ApplicationId),
    /// A new application of API 2.0.
    AddClient(Client),
    /// Disables an application of API 2.0 and its tokens.
    DisableClient(ClientId),
    /// A new binding.
    AddBinding(Binding),
    /// Revokes a binding at once.
    RevokeBinding(BindingId),
    /// Lets a binding expire at this time, if not before: so a new one can replace it without a gap.
    ExpireBinding(BindingId, Timestamp),
    /// Ends a console session.
    EndSession(SessionId),
    /// Gives a user another address, which must be free; its groups keep it. With an id the old address becomes an alias
    /// of the user.
    Rename(UserId, EmailAddress, Option<UserId>),
    /// A change for a SCIM client.
    Scim(ScimChange),
}

/// A delegation: one user may read the mail of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegate {
    /// Internal id.
    pub id: DelegateId,
    /// The user who gets the right.
    pub primary: UserId,
    /// The user whose mail it is.
    pub delegate: UserId,
}

/// The result of a change.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The change was made.
    Done,
    /// The change was made; this is the user now.
    User(Box<User>),
    /// The change was made; this is the domain now.
    Domain(Box<Registered>),
    /// The change was made; this is the group now.
    Group(Box<Group>),
    /// The change was made; this is, or was, the member.
    Member(Box<Member>),
    /// The login attempt was decided.
    LogIn(Outcome),
}

/// The result of changes that are made together.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// All were made.
    Done,
    /// One was refused, so none was made.
    Refused {
        /// Its position, from 0.
        index: usize,
        /// Why.
        why: ChangeError,
    },
}

impl Change {
    /// Its name in the audit.
    pub fn action(&self) -> Action {
        match self {
            Change::AddAccount(_) => Action::AccountAdded,
            Change::DisableAccount(_) => Action::AccountDisabled,
            Change::SetPolicy(..) => Action::PasswordPolicySet,
            Change::SetSettings(..) => Action::AccountSettingsSet,
            Change::StartImport(..) => Action::ImportStarted,
            Change::Together(changes) => changes.first().map_or(Action::AccountAdded, Change::action),
            Change::SetLdapBase(..) => Action::LdapBaseSet,
            Change::SetAccountProfile(..) => Action::AccountProfileSet,
            Change::AddDomain(_) => Action::DomainAdded,
            Change::RemoveDomain(_) => Action::DomainRemoved,
            Change::AddRole(_) => Action::RoleAdded,
            Change::RemoveRole(_) => Action::RoleRemoved,
            Change::SetRole(..) => Action::RoleSet,
            Change::AddUser(_) => Action::UserCreated,
            Change::AddAlias(_) => Action::AliasAdded,
            Change::UpdateUser(_, update) => match **update {
                Update { disabled: Some(true), .. } => Action::UserDisabled,
                Update { disabled: Some(false), .. } => Action::UserEnabled,
                Update { password: Some(_), .. } => Action::UserPasswordSet,
                _ => Action::UserUpdated,
            },
            Change::RemoveUser(_) => Action::UserRemoved,
            Change::Purge(_, Some(_)) => Action::PurgePlanned,
            Change::Purge(_, None) => Action::PurgeCalledOff,
            Change::SetAttributes(..) => Action::AttributesSet,
            Change::AddDelegate(_) => Action::DelegateAdded,
            Change::RemoveDelegate(_) => Action::DelegateRemoved,
            Change::Domain(change) => change.action(),
            Change::Group(change) => change.action(),
            Change::LogIn(attempt) => match attempt.grant {
                login::Grant::Password(..) => Action::PasswordChanged,
                _ => Action::LoggedIn,
            },
            Change::AddProfile(_) => Action::ProfileAdded,
            Change::SetProfile(..) => Action::ProfileSet,
            Change::AddApplication(_) => Action::ApplicationAdded,
            Change::DisableApplication(_) => Action::ApplicationDisabled,
            Change::AddClient(_) => Action::ClientAdded,
            Change::DisableClient(_) => Action::ClientDisabled,
            Change::AddBinding(_) => Action::BindingAdded,
            Change::RevokeBinding(_) => Action::BindingRevoked,
            Change::ExpireBinding(..) => Action::BindingExpirySet,
            Change::EndSession(_) => Action::SignedOut,
            Change::Rename(..) => Action::UserRenamed,
            Change::Scim(change) => change.action(),
        }
    }

    /// Whether it can change a row of the snapshot: of an access key, a token, an account code or a domain name.
    pub fn outdates_snapshot(&self) -> bool {
        if let Change::Together(changes) = self {
            return changes.iter().any(Change::outdates_snapshot);
        }
        !matches!(
            self,
            Change::AddUser(_)
                | Change::AddAlias(_)
                | Change::SetAttributes(..)
                | Change::StartImport(..)
                | Change::SetLdapBase(..)
                | Change::AddDelegate(_)
                | Change::RemoveDelegate(_)
                | Change::Domain(_)
                | Change::Group(_)
                | Change::EndSession(_)
                | Change::Scim(
                    ScimChange::Expect(..)
                        | ScimChange::ExpectGroup(..)
                        | ScimChange::ExpectName(..)
                        | ScimChange::SetMembers(..)
                        | ScimChange::SetUserName(..)
                        | ScimChange::CountDeletion(_)
                        | ScimChange::AddDetails(..)
                        | ScimChange::SetDetails(..)
                        | ScimChange::SetExternalId(..)
                )
        )
    }
}
