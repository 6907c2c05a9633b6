//! Groups and their members.

use super::{Pending, Position};
use crate::groups::{Group, Member};
use crate::{AccountId, DomainName, EmailAddress, GroupId};

/// Reads of groups.
pub trait GroupStore: Send + Sync + 'static {
    /// A group.
    fn group(&self, id: GroupId) -> Pending<'_, Option<Group>>;

    /// The number of groups of an account; with a [query](crate::groups::query), only of those whose description
    /// contains it. Without a query it reads a counter.
    fn count_groups<'a>(&'a self, account: AccountId, query: Option<&'a str>) -> Pending<'a, u64>;

    /// The same groups, in the order of their creation: at most `limit` from a position, which is an id.
    fn list_groups<'a>(
        &'a self,
        account: AccountId,
        query: Option<&'a str>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Group>>;

    /// The groups of an account that contain an address or its domain, sorted by description.
    fn groups_of<'a>(&'a self, account: AccountId, address: &'a EmailAddress) -> Pending<'a, Vec<Group>>;

    /// Members of a group, sorted: at most `limit` from a position, which is a [`crate::groups::Subject::key`].
    fn list_members<'a>(
        &'a self,
        group: &'a Group,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Member>>;

    /// The domains of members that are not internal to the account, sorted: at most `limit` after one of them.
    fn external_domains<'a>(
        &'a self,
        account: AccountId,
        after: Option<&'a DomainName>,
        limit: usize,
    ) -> Pending<'a, Vec<DomainName>>;
}
