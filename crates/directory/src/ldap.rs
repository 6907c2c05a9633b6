//! Users and groups as LDAP clients see them (docs/LDAP.md).

use jiff::Timestamp;

use crate::attribute::Attribute;
use crate::scim::Details;
use crate::user::User;
use crate::{AccountId, DomainName, EmailAddress, GroupId};

/// Most domains of an account whose users are also found by the part of their address before the `@`. `[ours]`
pub const MAX_DOMAINS: usize = 16;

/// Most members of a group that are listed. `[ours]`
pub const MAX_MEMBERS: usize = 10_000;

/// The number of the first user or group. `[ours]`
pub const FIRST_NUMBER: u32 = 100_000;

/// The name of the entry above all entries of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// As it is shown.
    pub name: String,
    /// The form in which it compares.
    pub key: String,
    /// The domain that it is, if it consists of the components of one.
    pub domain: Option<DomainName>,
}

/// An account, as the entry above all its entries shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The account.
    pub account: AccountId,
    /// Its name; may be empty.
    pub name: String,
    /// The base that was set; `None`: that of its first domain.
    pub base: Option<String>,
    /// Its domains, the oldest first.
    pub domains: Vec<DomainName>,
    /// Every domain in which its users may have an address, sorted: also one that is no longer internal.
    pub places: Vec<String>,
}

/// What of users or groups is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Aliases.
    pub aliases: bool,
    /// Given and family name.
    pub details: bool,
    /// Attributes.
    pub attributes: bool,
    /// Groups, also those that contain a group of the user.
    pub groups: bool,
    /// Whether the part of the address before the `@` names the user alone.
    pub local: bool,
    /// Numbers; those that are missing are assigned.
    pub numbers: bool,
    /// Members of groups, also of groups in them.
    pub members: bool,
}

/// A user.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user.
    pub user: User,
    /// Its aliases, sorted by address.
    pub aliases: Vec<EmailAddress>,
    /// Its further data.
    pub details: Details,
    /// Its attributes that have a value.
    pub attributes: Vec<(Attribute, String)>,
    /// Its groups, sorted by id.
    pub groups: Vec<GroupName>,
    /// Whether the part of its address before the `@` names it alone in its account.
    pub has_local: bool,
    /// Its number.
    pub number: Option<u32>,
}

impl Person {
    /// Its address and its aliases.
    pub fn addresses(&self) -> Vec<EmailAddress> {
        std::iter::once(&self.user.address).chain(&self.aliases).cloned().collect()
    }
}

/// The name of a group. Groups at different places may have the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Whether it is the oldest group of this name.
    pub is_first: bool,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// When it or its members were last changed; `None`: never.
    pub updated_at: Option<Timestamp>,
    /// The addresses of its members that are users of the account, also of those in groups below it, sorted by address;
    /// `None`: more than [`MAX_MEMBERS`].
    pub members: Option<Vec<EmailAddress>>,
    /// Its number.
    pub number: Option<u32>,
}
