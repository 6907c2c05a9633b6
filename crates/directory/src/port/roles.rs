//! Roles and administrators.

use super::Pending;
use crate::user::User;
use crate::{AccountId, ApplicationId, GroupId, Role, RoleId};

/// The users of one account that a change affects together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affected {
    /// Users whose addresses are members of a group.
    Members(GroupId),
    /// Users with key pairs for an application of their account.
    KeyHolders(ApplicationId),
}

/// Reads of roles.
pub trait RoleStore: Send + Sync + 'static {
    /// A role, built in or custom.
    fn role(&self, id: RoleId) -> Pending<'_, Option<Role>>;

    /// The custom roles of an account.
    fn roles_of(&self, account: AccountId) -> Pending<'_, Vec<Role>>;

    /// Every role that at least one of these users holds.
    fn roles_among(&self, affected: Affected) -> Pending<'_, Vec<Role>>;

    /// All custom roles.
    fn list_roles(&self) -> Pending<'_, Vec<Role>>;

    /// All users that hold a role.
    fn list_administrators(&self) -> Pending<'_, Vec<User>>;
}
