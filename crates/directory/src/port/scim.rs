//! Users and groups for SCIM clients.

use super::Pending;
use crate::scim::{ClientToken, Resource, ScimGroup, ScimUser};
use crate::{AccountId, ClientId, GroupId, UserId};

/// A page of a list.
#[derive(Clone, Debug)]
pub struct ScimPage<T> {
    /// The number of all objects, on all pages.
    pub total: u64,
    /// Those of this page.
    pub page: Vec<T>,
}

/// Where a page of a list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// After so many objects.
    Index(u64),
    /// After this key: of a user, the [key](crate::EmailAddress::key) of its address; of a group, its id.
    Key(String),
}

/// Reads for SCIM clients, each as of one moment. Aliases and users that belong to their domain are not listed.
pub trait ScimStore: Send + Sync + 'static {
    /// Users of an account by id, as an application sees them; `None`: not found, an alias, or a user of its domain.
    fn scim_users<'a>(
        &'a self,
        account: AccountId,
        client: ClientId,
        ids: &'a [UserId],
    ) -> Pending<'a, Vec<Option<ScimUser>>>;

    /// Users of an account, sorted by the key of their addresses: at most `limit`. It reads ranges of indexes.
    fn list_scim_users(
        &self,
        account: AccountId,
        client: ClientId,
        from: From,
        limit: usize,
    ) -> Pending<'_, ScimPage<ScimUser>>;

    /// A group of an account by id, with or without its members.
    fn scim_group(
        &self,
        account: AccountId,
        client: ClientId,
        id: GroupId,
        with_members: bool,
    ) -> Pending<'_, Option<ScimGroup>>;

    /// Groups of an account, in the order of their creation: at most `limit`.
    fn list_scim_groups(
        &self,
        account: AccountId,
        client: ClientId,
        from: From,
        limit: usize,
        with_members: bool,
    ) -> Pending<'_, ScimPage<ScimGroup>>;

    /// The groups of an account with this [name](crate::groups::Description::key), at any place in the tree.
    fn groups_named<'a>(&'a self, account: AccountId, key: &'a str) -> Pending<'a, Vec<GroupId>>;

    /// The object to which an application gave this id; `kind` is [`Resource::kind`].
    fn by_external_id<'a>(
        &'a self,
        client: ClientId,
        kind: u8,
        external_id: &'a str,
    ) -> Pending<'a, Option<Resource>>;

    /// The users of an account with an e-mail address that is no alias, by its [key](crate::scim::email_key).
    fn by_outside_email<'a>(&'a self, account: AccountId, key: &'a str) -> Pending<'a, Vec<UserId>>;

    /// The user whose name for an application has this [key](crate::scim::UserName::key).
    fn by_user_name<'a>(&'a self, client: ClientId, key: &'a str) -> Pending<'a, Option<UserId>>;

    /// The tokens of an application that were not revoked, oldest first.
    fn tokens(&self, client: ClientId) -> Pending<'_, Vec<ClientToken>>;
}
