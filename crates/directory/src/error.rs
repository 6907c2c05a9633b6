//! Why one item is refused; the endpoint says in which field. Every text is for the person who sent it.

use thiserror::Error;

use crate::DomainName;
use crate::address::{AddressError, DomainError, MAX_ADDRESS};
use crate::password::Unmet;

/// Deepest a group may lie: one at the top lies at depth 1. `[ours]`
pub const MAX_DEPTH: usize = 20;

/// Why an item is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ItemError {
    /// A mandatory field was left out.
    #[error("This field is mandatory")]
    Missing,
    /// The field holds nothing but blanks.
    #[error("This field must not be blank")]
    Blank,
    /// The field is longer than `max` of `unit`.
    #[error("This field may hold at most {max} {unit}")]
    TooLong {
        /// How long it may be.
        max: usize,
        /// Of what.
        unit: &'static str,
    },
    /// The field holds control characters.
    #[error("This field must not hold control characters")]
    Characters,
    /// The address is none.
    #[error("Not an e-mail address: {0}")]
    InvalidAddress(AddressError),
    /// The domain is none.
    #[error("The domain {0}")]
    InvalidDomain(DomainError),
    /// The account is unknown, or not the caller's to act on.
    #[error("The account code is unknown, or the caller may not act in that account")]
    AccountNotPermitted,
    /// The address belongs to no internal domain of the account. The first words are recorded of the service; the rest
    /// says what they leave open.
    #[error(
        "0003 Forbidden To Perform Operation For Address: its domain is not an internal domain of the account"
    )]
    ForbiddenForDomain,
    /// The address belongs to no user of the account.
    #[error(transparent)]
    ForbiddenForAddress(#[from] ForbiddenForAddress),
    /// The address is an alias, and the endpoint is about users.
    #[error("This address is an alias: use the user's own address")]
    IsAlias,
    /// The password breaks these rules of the account's policy.
    #[error("The password must {}", .0.join("; "))]
    PasswordPolicy(Vec<Unmet>),
    /// The hash of a password can't be used.
    #[error("{0}")]
    PasswordHash(String),
    /// The user is locked, disabled or to be removed.
    #[error("This user is disabled or locked; keys issued to it would not work")]
    UserBlocked,
    /// The user's role, or the role to be given, holds what the caller does not hold.
    #[error("The role \"{0}\" has permissions that the caller does not have")]
    RoleNotCovered(String),
    /// The named object does not exist.
    #[error("There is no such {0}")]
    NotFound(&'static str),
    /// The id is none that this server gave out for the account.
    #[error("Not a valid {0} id in this account; it may be truncated or refer to something else")]
    InvalidId(&'static str),
    /// The field holds a value that is none of those it may hold.
    #[error("This field must hold one of: {0}")]
    NotOneOf(String),
    /// The time in which the domain could be verified is over.
    #[error("The registration of this domain has expired: register it again and publish the new token")]
    VerificationExpired,
    /// No TXT record of the domain is the token.
    #[error(
        "No TXT record of {domain} is \"{token}\"; {found} found. Publish it, wait until the name servers show it, and \
         try again"
    )]
    NotVerified {
        /// The domain.
        domain: DomainName,
        /// The expected value.
        token: String,
        /// How many records there are.
        found: usize,
    },
    /// Two fields of which only one may be there; these, in words.
    #[error("Name either {0}, not both")]
    NotBoth(&'static str),
    /// The store could not make the change.
    #[error("This {0}")]
    Change(#[from] ChangeError),
}

impl From<AddressError> for ItemError {
    fn from(why: AddressError) -> Self {
        match why {
            AddressError::Blank => ItemError::Blank,
            AddressError::TooLong => ItemError::TooLong { max: MAX_ADDRESS, unit: "bytes" },
            why => ItemError::InvalidAddress(why),
        }
    }
}

/// The address is none of the account's: unknown, or another account's; one answer for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("0003 Forbidden To Perform Operation For Address: not a user of the account")]
pub struct ForbiddenForAddress;

/// Why a change could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChangeError {
    /// An object with this name already exists.
    #[error("already exists")]
    AlreadyExists,
    /// The address is taken.
    #[error("already exists")]
    AddressTaken,
    /// The object to change does not exist.
    #[error("does not exist")]
    NotFound,
    /// The account would be left without anybody who may do everything in it.
    #[error("is the last Super Administrator of its account: assign another one first")]
    LastSuperAdministrator,
    /// Users hold the role.
    #[error("is held by users: assign them another role first")]
    RoleHeld,
    /// A user of another account has an address in the domain.
    #[error("contains addresses of users in another account")]
    DomainHasUsers,
    /// Some account manages the domain.
    #[error("is already managed")]
    DomainManaged,
    /// Another account manages a domain above it.
    #[error("is a subdomain of a domain that another account manages")]
    DomainBelowAnothers,
    /// The time in which the domain could be verified is over.
    #[error("registration has expired: register the domain again and publish the new token")]
    VerificationExpired,
    /// The parent group does not exist.
    #[error("does not exist")]
    ParentNotFound,
    /// Other groups lie in the group.
    #[error("has subgroups: move or delete them first")]
    GroupHasFolders,
    /// The group would lie in itself.
    #[error("is the group itself or inside it")]
    GroupInItself,
    /// The group, or one in it, would lie too deep.
    #[error("is nested too deep: groups can be nested at most {MAX_DEPTH} levels")]
    GroupTooDeep,
    /// The member already exists. The message is recorded from the service.
    #[error("Group member already exists")]
    MemberAlreadyExists,
    /// The member does not exist. The message is recorded from the service.
    #[error("Error email address not found")]
    MemberNotFound,
}
