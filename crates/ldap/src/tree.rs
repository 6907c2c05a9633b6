//! The tree of an account: where its users, groups and applications are.
//!
//! `uid=ADDRESS,ou=people,BASE`, `cn=NAME,ou=groups,BASE` and `cn=CLIENT_ID,ou=applications,BASE`. Of several groups with one
//! name the oldest has this one, the others are `entryUUID=ID,ou=groups,BASE`.

use directory::address::fold;
use directory::ldap::{Base, GroupName, Root};
use directory::{AccountId, DomainName, EmailAddress, GroupId, UserId};

use crate::dn::{Dn, DnError, escaped};
use crate::schema::{Attribute, prepared};

/// The entry with the schema.
pub(crate) const SUBSCHEMA: &str = "cn=Subschema";

/// Longest base, in bytes. `[ours]`
const MAX_BASE: usize = 1_000;

/// Most parts of a name above which a base is looked for. `[ours]`
const MAX_PARTS: usize = 16;

/// A part of the tree below the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    People,
    Groups,
    Applications,
}

impl Branch {
    pub(crate) const ALL: [Branch; 3] = [Branch::People, Branch::Groups, Branch::Applications];

    /// The value of its `ou`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Branch::People => "people",
            Branch::Groups => "groups",
            Branch::Applications => "applications",
        }
    }
}

/// How a name names a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserName {
    Address(EmailAddress),
    /// The part of the address before the `@`, as it compares.
    Local(String),
    Id(UserId),
}

/// How a name names a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupRef {
    /// By the [key](directory::groups::Description::key) of its name.
    Name(String),
    Id(GroupId),
}

/// What a name names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Base,
    Branch(Branch),
    User(UserName),
    Group(GroupRef),
    Application(String),
}

/// The tree of an account.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) account: AccountId,
    /// The name of the account; may be empty.
    pub(crate) name: String,
    pub(crate) base: Dn,
    base_key: String,
    /// As it is shown.
    pub(crate) base_text: String,
    /// The entry above all groups.
    pub(crate) groups: Dn,
    /// Domains in which users of the account may have an address.
    pub(crate) domains: Vec<String>,
}

impl Tree {
    /// The tree of an account; `None`: it has no domain, and no base was set.
    pub(crate) fn of(root: Root) -> Option<Self> {
        let base = match &root.base {
            Some(set) => Dn::parse(set).ok()?,
            None => Dn::of_domain(root.domains.first()?.as_str()),
        };
        Some(Self {
            account: root.account,
            name: root.name,
            base_key: base.key(),
            base_text: base.to_string(),
            groups: base.child("ou", Branch::Groups.name()),
            base,
            domains: root.places,
        })
    }

    /// What a name names; `None`: nothing of this tree.
    pub(crate) fn place(&self, dn: &Dn) -> Option<Place> {
        let below = dn.depth().checked_sub(self.base.depth())?;
        if below > 2 || dn.above(below).key() != self.base_key {
            return None;
        }
        let Some(branch) = below.checked_sub(1) else { return Some(Place::Base) };
        let branch = branch_of(dn, branch)?;
        if below == 1 {
            return Some(Place::Branch(branch));
        }
        let pair = dn.part(0)?;
        let value = pair.value.trim();
        match (branch, Attribute::named(&pair.attribute)?) {
            (Branch::People, Attribute::Uid) => Some(Place::User(user_name(value))),
            (Branch::People, Attribute::EntryUuid) => Some(Place::User(UserName::Id(value.parse().ok()?))),
            (Branch::Groups, Attribute::Cn) => Some(Place::Group(GroupRef::Name(prepared(value)))),
            (Branch::Groups, Attribute::EntryUuid) => Some(Place::Group(GroupRef::Id(value.parse().ok()?))),
            (Branch::Applications, Attribute::Cn) => Some(Place::Application(value.to_owned())),
            _ => None,
        }
    }

    /// What a name in a filter names.
    pub(crate) fn place_of(&self, key: &str) -> Option<Place> {
        self.place(&Dn::parse(key).ok()?)
    }

    pub(crate) fn user_dn(&self, address: &EmailAddress) -> String {
        format!("uid={},ou=people,{}", escaped(address.as_str()), self.base_text)
    }

    pub(crate) fn group_dn(&self, group: &GroupName) -> String {
        match group.is_first {
            true => format!("cn={},ou=groups,{}", escaped(&group.name), self.base_text),
            false => format!("entryUUID={},ou=groups,{}", group.id, self.base_text),
        }
    }

    pub(crate) fn application_dn(&self, client_id: &str) -> String {
        format!("cn={client_id},ou=applications,{}", self.base_text)
    }

    pub(crate) fn branch_dn(&self, branch: Branch) -> String {
        format!("ou={},{}", branch.name(), self.base_text)
    }
}

/// A value of `uid`: an address, or the part before the `@`.
pub(crate) fn user_name(value: &str) -> UserName {
    match EmailAddress::stored(value) {
        Ok(address) => UserName::Address(address),
        Err(_) => UserName::Local(fold(value)),
    }
}

/// Reads the base of an account.
///
/// # Errors
/// When it is no distinguished name, or empty.
pub fn base(text: &str) -> Result<Base, BaseError> {
    let dn = Dn::parse(text)?;
    if dn.depth() == 0 || dn.key() == SUBSCHEMA.to_ascii_lowercase() {
        return Err(BaseError::Empty);
    }
    if text.len() > MAX_BASE || !dn.has_visible_values() {
        return Err(BaseError::Value);
    }
    Ok(base_of(&dn))
}

/// Why a text is no base of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It is no distinguished name.
    #[error("the base is a distinguished name, such as dc=example,dc=com: {0}")]
    Dn(#[from] DnError),
    /// It names nothing, or the schema.
    #[error(
        "the base is a distinguished name with at least one part, such as dc=example,dc=com, and not that of the schema"
    )]
    Empty,
    /// A value is empty or cannot be seen, or the name is too long for entries below it.
    #[error(
        "the base has at most {MAX_BASE} bytes, and each value is visible text of at most 256 characters"
    )]
    Value,
}

/// Whether one of two bases is among the entries of the other.
pub fn are_mixed(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Dn::parse(one), Dn::parse(other)) else { return false };
    let is_inside = |inner: &Dn, outer: &Dn| {
        let below = inner.depth().checked_sub(outer.depth() + 1);
        below.is_some_and(|below| {
            inner.above(below + 1).key() == outer.key() && branch_of(inner, below).is_some()
        })
    };
    is_inside(&one, &other) || is_inside(&other, &one)
}

/// The part of a tree that a part of a name names.
fn branch_of(dn: &Dn, part: usize) -> Option<Branch> {
    let part = dn.part(part)?;
    let is_branch = |own: &Branch| {
        Attribute::named(&part.attribute) == Some(Attribute::OrganizationalUnit)
            && part.value.trim().eq_ignore_ascii_case(own.name())
    };
    Branch::ALL.into_iter().find(is_branch)
}

fn base_of(dn: &Dn) -> Base {
    let domain = dn.domain().and_then(|domain| DomainName::parse(&domain).ok());
    Base { name: dn.to_string(), key: dn.key(), domain }
}

/// The bases above a name, the longest first.
pub(crate) fn bases_above(dn: &Dn) -> Vec<Base> {
    (1..dn.depth().min(MAX_PARTS)).map(|parts| base_of(&dn.above(parts))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn tree() -> Tree {
        let root = Root {
            account: AccountId::from_bytes([1; 16]),
            name: "Acme".to_owned(),
            base: None,
            domains: vec![DomainName::parse("example.com").unwrap()],
            places: vec!["example.com".to_owned()],
        };
        Tree::of(root).unwrap()
    }

    #[rstest]
    #[case("dc=example,dc=com", Some(Place::Base))]
    #[case("DC=Example, DC=COM", Some(Place::Base))]
    #[case("ou=People,dc=example,dc=com", Some(Place::Branch(Branch::People)))]
    #[case("cn=Sales,ou=groups,dc=example,dc=com", Some(Place::Group(GroupRef::Name("sales".to_owned()))))]
    #[case("cn=ann,ou=people,dc=example,dc=com", None)]
    #[case("uid=ann,ou=people,dc=example,dc=com", Some(Place::User(UserName::Local("ann".to_owned()))))]
    #[case("uid=a,uid=ann,ou=people,dc=example,dc=com", None)]
    #[case("ou=people,dc=example,dc=org", None)]
    #[case("ou=other,dc=example,dc=com", None)]
    #[case("dc=com", None)]
    #[case("", None)]
    fn names_name_places(#[case] dn: &str, #[case] place: Option<Place>) {
        assert_eq!(tree().place(&Dn::parse(dn).unwrap()), place);
    }

    #[test]
    fn what_is_named_is_found_by_its_name() {
        let tree = tree();
        let id = GroupId::from_bytes([7; 16]);
        let ann = EmailAddress::parse("o'Brien+x,y@example.com");
        assert!(ann.is_err(), "a comma is not allowed in an address");
        let ann = EmailAddress::parse("o'Brien+x@example.com").unwrap();
        assert_eq!(tree.user_dn(&ann), "uid=o'Brien\\+x@example.com,ou=people,dc=example,dc=com");
        assert_eq!(tree.place_of(&tree.user_dn(&ann)), Some(Place::User(UserName::Address(ann))));
        for (name, is_first) in [("Sales, EMEA", true), (" x ", true), ("Sales", false)] {
            let group = GroupName { id, name: name.to_owned(), is_first };
            let expected = match is_first {
                true => GroupRef::Name(fold(name.trim())),
                false => GroupRef::Id(id),
            };
            assert_eq!(tree.place_of(&tree.group_dn(&group)), Some(Place::Group(expected)));
        }
    }

    #[test]
    fn a_base_is_a_name_with_parts() {
        let set = base("DC=Example,DC=com").unwrap();
        assert_eq!((set.key.as_str(), set.domain.unwrap().as_str()), ("dc=example,dc=com", "example.com"));
        assert_eq!(base("o=Staff").unwrap().domain, None);
        for odd in ["o=", "o=a\\00b", "o=\u{200b}", &format!("o={}", "x".repeat(1_000))] {
            assert_eq!(base(odd), Err(BaseError::Value), "{odd}");
        }
        assert!(base("").is_err() && base("example.com").is_err() && base("cn=Subschema").is_err());
        let mixed = [
            ("ou=people,dc=x", "dc=x", true),
            ("dc=x", "cn=a,ou=Groups,DC=X", true),
            ("ou=sales,dc=x", "dc=x", false),
            ("dc=people,dc=x", "dc=x", false),
            ("dc=x", "dc=x", false),
            ("ou=people,dc=x", "dc=y", false),
        ];
        for (one, other, is) in mixed {
            assert_eq!(are_mixed(one, other), is, "{one} {other}");
        }
        let above = bases_above(&Dn::parse("uid=a,ou=people,dc=example,dc=com").unwrap());
        let keys: Vec<_> = above.iter().map(|base| base.key.as_str()).collect();
        assert_eq!(keys, ["ou=people,dc=example,dc=com", "dc=example,dc=com", "dc=com"]);
    }
}
