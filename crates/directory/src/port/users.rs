//! Users and aliases.

use jiff::Timestamp;

use super::{Pending, Position};
use crate::attribute::Attribute;
use crate::change::Delegate;
use crate::user::User;
use crate::user_query::{Cursor, UserQuery};
use crate::{AccountId, DelegateId, DomainName, EmailAddress, UserId};

/// A page of a user search.
#[derive(Clone, Debug)]
pub struct Found {
    /// The users and aliases.
    pub users: Vec<User>,
    /// Where the next page starts; `None`: this is the last page.
    pub next: Option<Cursor>,
    /// Whether the page is full, or the last. Otherwise the search stopped at the bound of one page, and goes on at
    /// `next`.
    pub complete: bool,
    /// Events that the word index has not read yet: their users may be missing.
    pub left: u64,
}

/// The progress of the word index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Events that were read now.
    pub read: u64,
    /// Events that are left.
    pub left: u64,
}

/// Reads of users.
pub trait UserStore: Send + Sync + 'static {
    /// Users by address.
    fn users<'a>(&'a self, addresses: &'a [EmailAddress]) -> Pending<'a, Vec<Option<User>>>;

    /// Users by id.
    fn users_by_id<'a>(&'a self, ids: &'a [UserId]) -> Pending<'a, Vec<Option<User>>>;

    /// The number of users and aliases.
    fn count_users(&self) -> Pending<'_, u64>;

    /// The number of users and aliases of an account, in one domain or in all. Reads counters, not rows.
    fn count_listed<'a>(&'a self, account: AccountId, domain: Option<&'a DomainName>) -> Pending<'a, u64>;

    /// Users and aliases of an account, in one domain or in all, sorted by [`EmailAddress::key`]: at most `limit` from a
    /// position, which is such a key. Reads ranges of an index, no more rows than it gives.
    fn list_users<'a>(
        &'a self,
        account: AccountId,
        domain: Option<&'a DomainName>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<User>>;

    /// Users and aliases of an account that match a query, each once over all pages: at most `limit` after the page
    /// before. Sorted by word when the query has words, otherwise by address. Reads ranges of indexes, a bounded number
    /// of rows per page. Words find only users that the word index has read: see [`UserStore::index_users`].
    fn find_users<'a>(
        &'a self,
        account: AccountId,
        query: &'a UserQuery,
        after: Option<&'a Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Pending<'a, Found>;

    /// Reads at most `limit` more events of the audit into the word index, in one transaction. A limit of 0 only gives
    /// the number that is left. Several nodes may call it: nothing is indexed twice.
    fn index_users(&self, limit: usize) -> Pending<'_, Indexed>;

    /// The aliases of a user.
    fn aliases(&self, user: UserId) -> Pending<'_, Vec<User>>;

    /// The attributes of a user that have a value.
    fn attributes(&self, user: UserId) -> Pending<'_, Vec<(Attribute, String)>>;

    /// The delegations of a user, each with the user whose mail may be read.
    fn delegates(&self, user: UserId) -> Pending<'_, Vec<(Delegate, User)>>;

    /// A delegation.
    fn delegate(&self, id: DelegateId) -> Pending<'_, Option<Delegate>>;

    /// Users whose time on the purge list is over.
    fn due_for_purge(&self, now: Timestamp, limit: usize) -> Pending<'_, Vec<UserId>>;
}
