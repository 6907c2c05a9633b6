//! What SCIM clients keep of users and groups, beyond the directory's own fields (docs/SCIM.md).

use std::fmt;

use jiff::Timestamp;

use crate::address::fold;
use crate::attribute::Attribute;
use crate::audit::Action;
use crate::check;
use crate::error::{ChangeError, ItemError};
use crate::groups::{Description, Group};
use crate::user::User;
use crate::{ClientId, DomainName, EmailAddress, GroupId, TokenId, UserId};

/// Longest external id, in bytes. `[ours]`
pub const MAX_EXTERNAL_ID: usize = 1_024;

/// Longest further attributes of a user, in bytes. `[ours]`
pub const MAX_ATTRIBUTES: usize = 128 * 1_024;

/// Longest name that an application gives to a user, in characters. `[ours]`
pub const MAX_USER_NAME: usize = 256;

/// Tokens that an application may have at a time: the old one and its successor. `[ours]`
pub const MAX_TOKENS: usize = 2;

/// How an application provisions by SCIM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScimSettings {
    /// The attribute that is the address of a user.
    pub address_from: AddressFrom,
    /// The domain of user names without one; `None`: user names are addresses. Without effect if the address is taken
    /// from `emails`.
    pub user_name_domain: Option<DomainName>,
    /// Most users that it may delete in an hour; `None`: any number.
    pub deletions_an_hour: Option<u32>,
}

/// The attribute that is the address of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressFrom {
    /// `userName`.
    #[default]
    UserName,
    /// `emails`: the primary one, else that for work, else the first. `userName` is a name that the application chooses.
    Emails,
}

impl AddressFrom {
    /// Both.
    pub const ALL: [AddressFrom; 2] = [AddressFrom::UserName, AddressFrom::Emails];

    /// Its name: the attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressFrom::UserName => "userName",
            AddressFrom::Emails => "emails",
        }
    }

    /// The one with a name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|from| from.as_str() == name)
    }
}

/// A name that an application gives to a user: as given, and its comparison key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    given: String,
    key: String,
}

impl UserName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is blank, too long, or holds invisible characters.
    pub fn parse(text: &str) -> Result<Self, ItemError> {
        if text.trim().is_empty() {
            return Err(ItemError::Blank);
        }
        check::text(text, MAX_USER_NAME)?;
        Ok(Self { given: text.to_owned(), key: fold(text) })
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The comparison key: without case.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for ScimSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address from {}", self.address_from.as_str())?;
        if let Some(domain) = &self.user_name_domain {
            write!(f, ", user names in {domain}")?;
        }
        if let Some(most) = self.deletions_an_hour {
            write!(f, ", at most {most} deletions an hour")?;
        }
        Ok(())
    }
}

/// Further data of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Given name; may be empty.
    pub given_name: String,
    /// Family name; may be empty.
    pub family_name: String,
    /// Further attributes as a JSON object; empty: none.
    pub attributes: String,
}

/// The [keys](email_key) of a user's e-mail addresses that are no aliases: the user is found by them.
pub type OutsideEmails = Vec<String>;

/// The comparison key of an e-mail address that may be none by the rules here.
pub fn email_key(text: &str) -> String {
    EmailAddress::parse(text).map_or_else(|_| fold(text), |address| address.key().to_owned())
}

/// A user as an application sees it.
#[derive(Clone, Debug)]
pub struct ScimUser {
    /// The user.
    pub user: User,
    /// Its aliases, sorted by address.
    pub aliases: Vec<User>,
    /// Its further data.
    pub details: Details,
    /// Its attributes that have a value, in their order.
    pub attributes: Vec<(Attribute, String)>,
    /// The application's own id of it.
    pub external_id: Option<String>,
    /// The application's own name of it; only if its addresses are taken from `emails`.
    pub user_name: Option<UserName>,
    /// The groups of its account that it is a member of, sorted by name.
    pub groups: Vec<(GroupId, String)>,
}

/// What a judgement about a user rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    address: EmailAddress,
    name: String,
    disabled: bool,
    aliases: Vec<EmailAddress>,
    details: Details,
    attributes: Vec<(Attribute, String)>,
    external_id: Option<String>,
    user_name: Option<UserName>,
}

impl ScimUser {
    /// What a judgement rests on.
    pub fn seen(&self) -> Seen {
        Seen {
            address: self.user.address.clone(),
            name: self.user.name.clone(),
            disabled: self.user.disabled,
            aliases: self.aliases.iter().map(|alias| alias.address.clone()).collect(),
            details: self.details.clone(),
            attributes: self.attributes.clone(),
            external_id: self.external_id.clone(),
            user_name: self.user_name.clone(),
        }
    }
}

/// A group as an application sees it.
#[derive(Clone, Debug)]
pub struct ScimGroup {
    /// The group.
    pub group: Group,
    /// When it or its members were last changed; `None`: never.
    pub updated_at: Option<Timestamp>,
    /// How often it was changed.
    pub version: i64,
    /// The application's own id of it.
    pub external_id: Option<String>,
    /// Its members that are users of the account, sorted by address. External addresses and domains are left out. `None`:
    /// they were not read.
    pub members: Option<Vec<ScimMember>>,
}

/// A member that is a user of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimMember {
    /// The user; of an alias, its user.
    pub user: UserId,
    /// The [key](EmailAddress::key) of the address by which it is a member: the user's or an alias.
    pub key: String,
}

/// An object that has an external id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

impl Resource {
    /// The stored number of its kind.
    pub const fn kind(&self) -> u8 {
        match self {
            Resource::User(_) => 1,
            Resource::Group(_) => 2,
        }
    }

    /// Its id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Resource::User(id) => id.as_bytes(),
            Resource::Group(id) => id.as_bytes(),
        }
    }
}

/// A change for an application.
#[derive(Clone, Debug)]
pub enum ScimChange {
    /// Changes nothing, and refuses the changes after it if the user is no longer as it was seen.
    Expect(ClientId, UserId, Box<Seen>),
    /// Changes nothing, and refuses the changes after it if the group is no longer in this version.
    ExpectGroup(GroupId, i64),
    /// Changes nothing, and refuses the changes after it if another group of the account has this name.
    ExpectName(GroupId, Description),
    /// Makes each user a member of a group by its present address, or not a member by any of its addresses. Where it is so
    /// already, or the user is gone, nothing is changed or recorded.
    SetMembers(GroupId, Vec<(UserId, bool)>),
    /// Removes an alias; the user stays in the groups that have the alias.
    RemoveAlias(UserId),
    /// Adds the further data of a user that was added just before, as a part of that event.
    AddDetails(UserId, Details, OutsideEmails),
    /// Replaces the further data of a user.
    SetDetails(UserId, Details, OutsideEmails),
    /// Sets or removes the application's own id of an object.
    SetExternalId(ClientId, Resource, Option<String>),
    /// Sets or removes the application's own name of a user.
    SetUserName(ClientId, UserId, Option<UserName>),
    /// Counts a deletion, and refuses it if the application has deleted the most users that it may in an hour. Not recorded.
    CountDeletion(ClientId),
    /// Sets how an application provisions.
    SetSettings(ClientId, ScimSettings),
    /// Adds a token; only [`MAX_TOKENS`] may be valid at a time.
    AddToken(ClientToken),
    /// Revokes a token at once.
    RevokeToken(TokenId),
}

impl ScimChange {
    /// Its name in the audit.
    pub fn action(&self) -> Action {
        match self {
            // They are not recorded, or as other changes.
            ScimChange::Expect(..)
            | ScimChange::ExpectGroup(..)
            | ScimChange::ExpectName(..)
            | ScimChange::SetMembers(..)
            | ScimChange::AddDetails(..)
            | ScimChange::CountDeletion(_) => Action::UserUpdated,
            ScimChange::RemoveAlias(_) => Action::UserRemoved,
            ScimChange::SetDetails(..) => Action::UserDetailsSet,
            ScimChange::SetExternalId(_, Resource::User(_), _) => Action::UserExternalIdSet,
            ScimChange::SetExternalId(_, Resource::Group(_), _) => Action::GroupExternalIdSet,
            ScimChange::SetUserName(..) => Action::UserNameSet,
            ScimChange::SetSettings(..) => Action::ScimSettingsSet,
            ScimChange::AddToken(_) => Action::TokenAdded,
            ScimChange::RevokeToken(_) => Action::TokenRevoked,
        }
    }
}

/// A token of an application of API 2.0 that lasts. The token itself is shown once and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientToken {
    /// Internal id, which the token names.
    pub id: TokenId,
    /// Its application.
    pub client: ClientId,
    /// SHA-256 of its secret, which has 256 random bits and so cannot be guessed.
    pub digest: [u8; 32],
    /// When it ends; `None`: when it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl ClientToken {
    /// Whether it is valid, if it was not revoked.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Checks that an application with these tokens may have another one. Expired ones do not count.
///
/// # Errors
/// When [`MAX_TOKENS`] of them are valid.
pub fn room_for_token(tokens: &[ClientToken], now: Timestamp) -> Result<(), ChangeError> {
    let living = tokens.iter().filter(|token| token.lives(now)).count();
    if living < MAX_TOKENS { Ok(()) } else { Err(ChangeError::TooManyTokens) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_tokens_leave_room_for_others() {
        let now = Timestamp::UNIX_EPOCH;
        let until = |expires_at| ClientToken {
            id: TokenId::from_bytes([1; 16]),
            client: ClientId::from_bytes([2; 16]),
            digest: [3; 32],
            expires_at,
            created_at: now,
        };
        let later = now + jiff::SignedDuration::from_secs(1);
        room_for_token(&[until(None), until(Some(now))], now).unwrap();
        let full = room_for_token(&[until(None), until(Some(later))], now);
        assert_eq!(full.unwrap_err(), ChangeError::TooManyTokens);
    }
}
