//! Groups, which clients also call folders, and their members (spec/protocol.md 5; bounds and placement are `[ours]`).

use crate::address::fold;
use crate::audit::Action;
use crate::check;
use crate::error::ItemError;
pub use crate::error::MAX_DEPTH;
use crate::{AccountId, DomainId, DomainName, EmailAddress, GroupId, UserId};

/// Longest description of a group, in characters. `[ours]`
pub const MAX_DESCRIPTION: usize = 256;

/// Longest notes about a member, in characters. `[ours]`
pub const MAX_NOTES: usize = 1_024;

/// The name of a group: as given, and its comparison key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    given: String,
    key: String,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// When it is blank, too long, or holds control characters.
    pub fn parse(text: &str) -> Result<Self, ItemError> {
        if text.trim().is_empty() {
            return Err(ItemError::Blank);
        }
        check::text(text, MAX_DESCRIPTION)?;
        Ok(Self { given: text.to_owned(), key: fold(text.trim()) })
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The comparison key: without case and surrounding blanks.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A searched part of a description, as a comparison key.
///
/// # Errors
/// When it is longer than a description can be, or holds control characters.
pub fn query(text: &str) -> Result<String, ItemError> {
    check::text(text, MAX_DESCRIPTION)?;
    Ok(fold(text.trim()))
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Internal id.
    pub id: GroupId,
    /// The account it belongs to.
    pub account: AccountId,
    /// The parent group; `None`: top level.
    pub parent: Option<GroupId>,
    /// Its name, unique among groups with the same parent.
    pub description: Description,
    /// The number of members, addresses and domains; counted by the store.
    pub users: u64,
    /// The number of direct subgroups; counted by the store.
    pub folders: u64,
}

/// A member: an address, internal or external, or a whole domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An address.
    Address(EmailAddress),
    /// All addresses of a domain.
    Domain(DomainName),
}

impl Subject {
    /// Reads the member of an item, which names exactly one of the two. A blank one counts as left out when the other
    /// is set.
    ///
    /// # Errors
    /// When it names neither or both, or the named one is invalid.
    pub fn parse(address: Option<&str>, domain: Option<&str>) -> Result<Self, (Field, ItemError)> {
        let says = |text: &&str| !text.trim().is_empty();
        match (address.filter(says), domain.filter(says)) {
            (Some(_), Some(_)) => Err((Field::Domain, ItemError::NotBoth("emailAddress or domain"))),
            (Some(text), None) => match check::address(text) {
                Ok(address) => Ok(Subject::Address(address)),
                Err(why) => Err((Field::Address, why)),
            },
            (None, Some(text)) => match DomainName::parse(text) {
                Ok(domain) => Ok(Subject::Domain(domain)),
                Err(why) => Err((Field::Domain, ItemError::InvalidDomain(why))),
            },
            (None, None) if address.is_some() => Err((Field::Address, ItemError::Blank)),
            (None, None) => Err((Field::Address, ItemError::Missing)),
        }
    }

    /// The key by which members are compared and sorted: a domain before its addresses.
    pub fn key(&self) -> &str {
        match self {
            Subject::Address(address) => address.key(),
            Subject::Domain(domain) => domain.as_str(),
        }
    }

    /// The domain, or that of the address.
    pub fn domain(&self) -> &str {
        match self {
            Subject::Address(address) => address.domain(),
            Subject::Domain(domain) => domain.as_str(),
        }
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        match self {
            Subject::Address(address) => address.as_str(),
            Subject::Domain(domain) => domain.as_str(),
        }
    }
}

/// A member of a group, with the account's data about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The address or domain.
    pub subject: Subject,
    /// Notes for people; may be empty.
    pub notes: String,
    /// The account's user or alias at the address, and its display name.
    pub user: Option<(UserId, String)>,
    /// The account's internal domain that it is, or belongs to.
    pub domain: Option<DomainId>,
}

/// A change of groups. The store decides existence and placement on the tree at that time.
#[derive(Clone, Debug)]
pub enum GroupChange {
    /// A new group.
    Add(Group),
    /// Renames or moves a group: `Some(None)` is the top level.
    Update {
        /// The group.
        id: GroupId,
        /// Its name.
        description: Option<Description>,
        /// Its parent.
        parent: Option<Option<GroupId>>,
    },
    /// Deletes a group without subgroups, with its members.
    Remove(GroupId),
    /// A new member.
    AddMember {
        /// The group.
        group: GroupId,
        /// The member.
        subject: Subject,
        /// Notes; empty for none.
        notes: String,
    },
    /// Removes a member.
    RemoveMember {
        /// The group.
        group: GroupId,
        /// The member.
        subject: Subject,
    },
}

impl GroupChange {
    /// Its name in the audit.
    pub fn action(&self) -> Action {
        match self {
            GroupChange::Add(_) => Action::GroupAdded,
            GroupChange::Update { .. } => Action::GroupUpdated,
            GroupChange::Remove(_) => Action::GroupRemoved,
            GroupChange::AddMember { .. } => Action::MemberAdded,
            GroupChange::RemoveMember { .. } => Action::MemberRemoved,
        }
    }
}

/// A field of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The address of a member.
    Address,
    /// The domain that is a member.
    Domain,
    /// The notes about a member.
    Notes,
}

/// Judges a new member.
///
/// # Errors
/// When the item names no member, or the notes are too long or hold control characters other than line breaks and tabs.
pub fn member(
    group: GroupId,
    address: Option<&str>,
    domain: Option<&str>,
    notes: Option<String>,
) -> Result<GroupChange, Vec<(Field, ItemError)>> {
    let subject = Subject::parse(address, domain);
    let notes = notes.unwrap_or_default();
    let plain: String = notes.chars().filter(|c| !['\n', '\r', '\t'].contains(c)).collect();
    let noted = match check::text(&plain, MAX_NOTES) {
        // Line breaks count too.
        Ok(()) if notes.chars().count() > MAX_NOTES => {
            Err(ItemError::TooLong { max: MAX_NOTES, unit: "characters" })
        }
        noted => noted,
    };
    match (subject, noted) {
        (Ok(subject), Ok(())) => Ok(GroupChange::AddMember { group, subject, notes }),
        (subject, noted) => {
            let mut wrong: Vec<_> = subject.err().into_iter().collect();
            wrong.extend(noted.err().map(|why| (Field::Notes, why)));
            Err(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn descriptions_compare_without_case_and_blanks_around() {
        let key = |text| Description::parse(text).unwrap().key().to_owned();
        assert_eq!(key(" Vertrieb ÖST "), key("vertrieb öst"));
        assert_eq!(key("A\u{30a}"), key("å"));
        assert_ne!(key("a b"), key("ab"));
        assert_eq!(Description::parse(" x ").unwrap().as_str(), " x ");
        assert_eq!(query("  ÖST").unwrap(), "öst");
    }

    #[rstest]
    #[case(" \t", "This field must not be blank")]
    #[case(
        "a\nb",
        "This field must not hold control characters or other invisible ones, such as a zero-width space"
    )]
    #[case(&"ä".repeat(257), "This field may hold at most 256 characters")]
    fn what_is_no_description_says_why(#[case] text: &str, #[case] why: &str) {
        assert_eq!(Description::parse(text).unwrap_err().to_string(), why);
    }

    #[rstest]
    #[case(None, None, Field::Address, "This field is mandatory")]
    #[case(Some(""), None, Field::Address, "This field must not be blank")]
    #[case(
        Some("a@b.example"),
        Some("b.example"),
        Field::Domain,
        "Name either emailAddress or domain, not both"
    )]
    #[case(Some("ab"), None, Field::Address, "Not an e-mail address: needs exactly one `@`")]
    #[case(None, Some("a@b.example"), Field::Domain, "The domain is not a domain name")]
    fn an_item_names_one_member(
        #[case] address: Option<&str>,
        #[case] domain: Option<&str>,
        #[case] field: Field,
        #[case] message: &str,
    ) {
        let (wrong, why) = Subject::parse(address, domain).unwrap_err();
        assert_eq!((wrong, why.to_string().as_str()), (field, message));
    }

    #[test]
    fn a_member_that_is_blank_is_left_out_and_every_error_is_told() {
        assert_eq!(Subject::parse(Some(""), Some("B.example")).unwrap().key(), "b.example");
        let id = GroupId::from_bytes([1; 16]);
        assert!(member(id, Some("a@b.example"), None, Some("one\n\ttwo".to_owned())).is_ok());
        for notes in ["n".repeat(MAX_NOTES + 1), "\n".repeat(MAX_NOTES + 1), "\u{7}".to_owned()] {
            let wrong = member(id, None, None, Some(notes)).unwrap_err();
            assert_eq!(
                wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
                [Field::Address, Field::Notes]
            );
        }
    }
}
