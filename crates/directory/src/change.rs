//! Changes: what the store can be asked to do to accounts, domains, roles, users, applications and bindings, by an
//! endpoint or by `matricula admin`. Each is done as a whole or not at all, and told to the audit.

use jiff::Timestamp;

use crate::application::{Application, Binding, Client};
use crate::attribute::Attribute;
use crate::audit::Action;
use crate::domains::{DomainChange, Registered};
pub use crate::error::ChangeError;
use crate::groups::{Group, GroupChange, Member};
use crate::login::{self, Attempt, NamedProfile, Outcome};
use crate::password::Policy;
use crate::user::{Update, User};
use crate::{
    Account, AccountId, ApplicationId, BindingId, ClientId, DelegateId, Domain, DomainId, ProfileId, Role,
    RoleId, SessionId, UserId,
};

/// One change.
pub enum Change {
    /// A new account.
    AddAccount(Account),
    /// An account is disabled: none of its users can call, nothing can be created in it.
    DisableAccount(AccountId),
    /// The new password policy of an account; existing passwords stay valid.
    SetPolicy(AccountId, Policy),
    /// The profile of an account's users that have none of their own.
    SetAccountProfile(AccountId, Option<ProfileId>),
    /// A new internal domain.
    AddDomain(Domain),
    /// A domain is no longer internal. Its users stay, but no further address of it can be created.
    RemoveDomain(DomainId),
    /// A new role.
    AddRole(Role),
    /// A role that nobody holds goes.
    RemoveRole(RoleId),
    /// A user gets a role, or loses the one it has.
    SetRole(UserId, Option<RoleId>),
    /// A new user; its address must be free.
    AddUser(User),
    /// A new alias, whose `alias_of` is its user; its address must be free.
    AddAlias(User),
    /// A user is changed. What shuts it out, and a new password, revoke all its bindings.
    UpdateUser(UserId, Box<Update>),
    /// A user goes, with its aliases and all that refers to it; or one alias. What stays is a tombstone, so that its
    /// address is not silently reborn.
    RemoveUser(UserId),
    /// A user is put on the purge list, to be removed at this time, or taken off it.
    Purge(UserId, Option<Timestamp>),
    /// Attributes of a user; an empty one is taken away.
    SetAttributes(UserId, Vec<(Attribute, String)>),
    /// One user gets the right to read another's mail. Kept for other systems; nothing here looks at it.
    AddDelegate(Delegate),
    /// The right goes.
    RemoveDelegate(DelegateId),
    /// A domain on its way to being internal.
    Domain(DomainChange),
    /// Something of groups.
    Group(GroupChange),
    /// Somebody tries a password.
    LogIn(Box<Attempt>),
    /// A new authentication profile.
    AddProfile(NamedProfile),
    /// A user's own profile.
    SetProfile(UserId, Option<ProfileId>),
    /// A new application.
    AddApplication(Application),
    /// An application is disabled; its bindings behave as if they did not exist.
    DisableApplication(ApplicationId),
    /// A new application of API 2.0.
    AddClient(Client),
    /// An application of API 2.0 is disabled, with its tokens.
    DisableClient(ClientId),
    /// A new binding.
    AddBinding(Binding),
    /// A binding stops working at once.
    RevokeBinding(BindingId),
    /// A binding stops working at this time, if not before: so that a new one can take its place meanwhile.
    ExpireBinding(BindingId, Timestamp),
    /// A session of the console ends.
    EndSession(SessionId),
}

/// A delegation: one user may read the mail of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegate {
    /// Internal id.
    pub id: DelegateId,
    /// The user who gets the right.
    pub primary: UserId,
    /// Whose mail it is.
    pub delegate: UserId,
}

/// The result of a change.
#[derive(Clone, Debug)]
pub enum Effect {
    /// It was made.
    Done,
    /// It was made, and the user is like this now.
    User(Box<User>),
    /// It was made, and the domain is like this now.
    Domain(Box<Registered>),
    /// It was made, and the group is like this now.
    Group(Box<Group>),
    /// It was made, and this is, or was, the member.
    Member(Box<Member>),
    /// An attempt to log in was decided.
    LogIn(Outcome),
}

/// The result of a list of changes made together.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// All of them were made.
    Done,
    /// One could not be made, and so none was.
    Refused {
        /// Which one, counted from 0.
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
        }
    }

    /// Whether it changes what belongs to an access key, a token, an account code or a domain name.
    pub fn outdates_snapshot(&self) -> bool {
        !matches!(
            self,
            Change::AddUser(_)
                | Change::AddAlias(_)
                | Change::SetAttributes(..)
                | Change::AddDelegate(_)
                | Change::RemoveDelegate(_)
                | Change::Domain(_)
                | Change::Group(_)
                | Change::EndSession(_)
        )
    }
}
