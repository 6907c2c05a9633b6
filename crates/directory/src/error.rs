//! Why an item is refused; the endpoint adds the field. Every text is for the caller.

use thiserror::Error;

use crate::DomainName;
use crate::address::{AddressError, DomainError, MAX_ADDRESS};
use crate::password::Unmet;

/// Maximum depth of a group; one at the top level has depth 1. `[ours]`
pub const MAX_DEPTH: usize = 20;

/// Why an item is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ItemError {
    /// A mandatory field was left out.
    #[error("This field is mandatory")]
    Missing,
    /// The field is blank.
    #[error("This field must not be blank")]
    Blank,
    /// The field is longer than `max` of `unit`.
    #[error("This field may hold at most {max} {unit}")]
    TooLong {
        /// The limit.
        max: usize,
        /// The unit of the limit.
        unit: &'static str,
    },
    /// The field contains control characters, or others that cannot be seen.
    #[error(
        "This field must not hold control characters or other invisible ones, such as a zero-width space"
    )]
    Characters,
    /// The address is invalid.
    #[error("Not an e-mail address: {0}")]
    InvalidAddress(AddressError),
    /// The domain is invalid.
    #[error("The domain {0}")]
    InvalidDomain(DomainError),
    /// The account is unknown, or the caller may not act in it.
    #[error("The account code is unknown, or the caller may not act in that account")]
    AccountNotPermitted,
    /// The address belongs to no internal domain of the account. The first words are recorded from the service; the
    /// rest adds the reason.
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
    /// The user's role, or the role to be assigned, has permissions that the caller does not have.
    #[error("The role \"{0}\" has permissions that the caller does not have")]
    RoleNotCovered(String),
    /// The named object does not exist.
    #[error("There is no such {0}")]
    NotFound(&'static str),
    /// The id is not one that this server issued for the account.
    #[error("Not a valid {0} id in this account; it may be truncated or refer to something else")]
    InvalidId(&'static str),
    /// The field has a value that is not allowed.
    #[error("This field must hold one of: {0}")]
    NotOneOf(String),
    /// The registration of the domain has expired.
    #[error("The registration of this domain has expired: register it again and publish the new token")]
    VerificationExpired,
    /// No TXT record of the domain has the token.
    #[error(
        "No TXT record of {domain} is \"{token}\"; {found} found. Publish it, wait until the name servers show it, and \
         try again"
    )]
    NotVerified {
        /// The domain.
        domain: DomainName,
        /// The expected value.
        token: String,
        /// The number of records found.
        found: usize,
    },
    /// Two fields exclude each other; their names, in words.
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

/// The address is unknown or belongs to another account: one answer for both. The words after the colon tell it from
/// other refusals with this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("0003 Forbidden To Perform Operation For Address: no such user in the account")]
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
    /// The user belongs to its domain.
    #[error("belongs to its domain and cannot be changed or removed")]
    Reserved,
    /// The account would lose its last Super Administrator.
    #[error("is the last Super Administrator of its account: assign another one first")]
    LastSuperAdministrator,
    /// Users hold the role.
    #[error("is held by users: assign them another role first")]
    RoleHeld,
    /// The object was changed after it was read.
    #[error("was changed in the meantime: read it again and repeat the change")]
    Outdated,
    /// The application has the most tokens that it may have.
    #[error("has two tokens already: revoke one first")]
    TooManyTokens,
    /// The application has deleted the most users that it may in an hour.
    #[error("cannot be deleted now: the application has deleted as many users in the last hour as it may")]
    TooManyDeletions,
    /// The base belongs to another account.
    #[error(
        "is the base of another account, or consists of the components of a domain that the account does not own: choose another one"
    )]
    BaseTaken,
    /// A user of another account has an address in the domain.
    #[error("contains addresses of users in another account")]
    DomainHasUsers,
    /// An account already manages the domain.
    #[error("is already managed")]
    DomainManaged,
    /// Another account manages a domain above it.
    #[error("is a subdomain of a domain that another account manages")]
    DomainBelowAnothers,
    /// The registration of the domain has expired.
    #[error("registration has expired: register the domain again and publish the new token")]
    VerificationExpired,
    /// The parent group does not exist.
    #[error("does not exist")]
    ParentNotFound,
    /// The group has subgroups.
    #[error("has subgroups: move or delete them first")]
    GroupHasFolders,
    /// The group would be inside itself.
    #[error("is the group itself or inside it")]
    GroupInItself,
    /// The group, or a subgroup, would be nested too deep.
    #[error("is nested too deep: groups can be nested at most {MAX_DEPTH} levels")]
    GroupTooDeep,
    /// The member already exists. The message is recorded from the service.
    #[error("Group member already exists")]
    MemberAlreadyExists,
    /// The member does not exist. The message is recorded from the service.
    #[error("Error email address not found")]
    MemberNotFound,
    /// The new member is an address of an internal domain, and no user has it. The first words are recorded from the
    /// service.
    #[error("Error email address not found: its domain is internal, and no user has this address")]
    MemberHasNoUser,
}
