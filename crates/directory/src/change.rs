//! Changes: what the store can be asked to do to accounts, domains, roles, users, applications and bindings, by an
//! endpoint or by `matricula admin`. Each is done as a whole or not at all, and told to the audit.

use jiff::Timestamp;

use crate::application::{Application, Binding, Client};
use crate::attribute::Attribute;
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
    /// A new user, or an alias of one; its address must be free.
    AddUser(User),
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
    pub fn action(&self) -> &'static str {
        match self {
            Change::AddAccount(_) => "account.added",
            Change::DisableAccount(_) => "account.disabled",
            Change::SetPolicy(..) => "account.password_policy_set",
            Change::SetAccountProfile(..) => "account.authentication_profile_set",
            Change::AddDomain(_) => "domain.added",
            Change::RemoveDomain(_) => "domain.removed",
            Change::AddRole(_) => "role.added",
            Change::RemoveRole(_) => "role.removed",
            Change::SetRole(..) => "user.role_set",
            Change::AddUser(user) if user.alias_of.is_some() => "alias.added",
            Change::AddUser(_) => CREATED,
            Change::UpdateUser(_, update) => match **update {
                Update { disabled: Some(true), .. } => "user.disabled",
                Update { disabled: Some(false), .. } => "user.enabled",
                Update { password: Some(_), .. } => "user.password_set",
                _ => "user.updated",
            },
            Change::RemoveUser(_) => "user.removed",
            Change::Purge(_, Some(_)) => "user.purge_planned",
            Change::Purge(_, None) => "user.purge_called_off",
            Change::SetAttributes(..) => "user.attributes_set",
            Change::AddDelegate(_) => "delegate.added",
            Change::RemoveDelegate(_) => "delegate.removed",
            Change::Domain(change) => change.action(),
            Change::Group(change) => change.action(),
            Change::LogIn(attempt) => match attempt.grant {
                login::Grant::Password(..) => "user.password_changed",
                _ => "user.logged_in",
            },
            Change::AddProfile(_) => "authentication_profile.added",
            Change::SetProfile(..) => "user.authentication_profile_set",
            Change::AddApplication(_) => "application.added",
            Change::DisableApplication(_) => "application.disabled",
            Change::AddClient(_) => "client.added",
            Change::DisableClient(_) => "client.disabled",
            Change::AddBinding(_) => "binding.added",
            Change::RevokeBinding(_) => "binding.revoked",
            Change::ExpireBinding(..) => "binding.expiry_set",
            Change::EndSession(_) => "user.signed_out",
        }
    }
}

impl Change {
    /// Whether it changes what belongs to an access key, a token, an account code or a domain name.
    pub fn outdates_snapshot(&self) -> bool {
        !matches!(
            self,
            Change::AddUser(_)
                | Change::SetAttributes(..)
                | Change::AddDelegate(_)
                | Change::RemoveDelegate(_)
                | Change::Domain(_)
                | Change::Group(_)
                | Change::EndSession(_)
        )
    }
}

/// The action under which the audit tells of a new user, however it came to be.
pub const CREATED: &str = "user.created";

/// Whether an audit event of this action may add new words to the user search: somebody came, or was
/// called something else. The others leave address and name as they are.
pub fn may_name(action: &str) -> bool {
    let of_update = ["user.updated", "user.disabled", "user.enabled", "user.password_set"];
    action == CREATED || action == "alias.added" || of_update.contains(&action)
}

/// The action under which the audit tells of a login that was not granted.
pub const REFUSED: &str = "login.refused";
