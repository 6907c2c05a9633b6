//! Users and groups for LDAP clients.

use jiff::Timestamp;

use super::Pending;
use crate::ldap::{Base, Group, Person, Root, Wanted};
use crate::{AccountId, EmailAddress, GroupId, UserId};

/// Which users are read. Aliases and users that belong to their domain are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// All of the account.
    All,
    /// Those with one of these.
    Some(Vec<Span>),
    /// Members of one of these groups, or of a group in it.
    Members(Vec<GroupId>),
    /// Those with these ids.
    Ids(Vec<UserId>),
    /// Those with these numbers.
    Numbers(Vec<u32>),
    /// Those that were created or changed at this time or later.
    Since(Timestamp),
    /// Those of any of these.
    Any(Vec<People>),
}

/// Addresses by their [key](EmailAddress::key): of users, or of their aliases.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// One address.
    Key(String),
    /// From the first, and before the second.
    Range(String, String),
}

/// Which groups are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// All of the account.
    All,
    /// Those with one of these [names](crate::groups::Description::key).
    Named(Vec<String>),
    /// Those with these ids.
    Ids(Vec<GroupId>),
    /// Those with these numbers.
    Numbers(Vec<u32>),
    /// Those that have the user with one of these addresses as a member, and those that contain such a group.
    Of(Vec<EmailAddress>),
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// Rows that were found, each with its place: a list goes on after one.
    pub rows: Vec<(String, T)>,
    /// Rows that were read, also of users that are at another place of the list.
    pub read: usize,
    /// Where the list goes on; `None`: it is complete.
    pub next: Option<String>,
}

/// The rows that are wanted are more than may be collected: read the whole list instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// Reads for LDAP clients, each as of one moment.
pub trait LdapStore: Send + Sync + 'static {
    /// The account with one of these bases; with several, that of the first.
    fn ldap_account<'a>(&'a self, bases: &'a [Base]) -> Pending<'a, Option<AccountId>>;

    /// An account that is not disabled.
    fn ldap_root(&self, account: AccountId) -> Pending<'_, Option<Root>>;

    /// Users of an account, each once over all slices: at most `limit` rows are read. `after` is [`Slice::next`].
    fn ldap_people<'a>(
        &'a self,
        account: AccountId,
        which: &'a People,
        after: Option<&'a str>,
        limit: usize,
        wanted: Wanted,
    ) -> Pending<'a, Result<Slice<Person>, TooMany>>;

    /// Groups of an account, the oldest first: at most `limit`.
    fn ldap_groups<'a>(
        &'a self,
        account: AccountId,
        which: &'a Groups,
        after: Option<&'a str>,
        limit: usize,
        wanted: Wanted,
    ) -> Pending<'a, Slice<Group>>;
}
