//! What an index can say about a filter: entries that may match, never fewer than those that do. The filter is then evaluated
//! for each of them.

use std::collections::BTreeSet;

use directory::port::LdapSpan as Span;
use directory::{DomainName, GroupId, UserId};
use jiff::Timestamp;

use crate::filter::{Filter, Parts};
use crate::object::{GROUP, PERSON};
use crate::schema::{Attribute, Key};
use crate::tree::{GroupRef, Place, Tree, UserName, user_name};

/// Domains of an account in which a part of an address is looked for; with more, all users are read. `[ours]`
const MAX_DOMAINS: usize = 1_000;

/// Users that may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum People {
    Nobody,
    All,
    Ids(BTreeSet<UserId>),
    Numbers(BTreeSet<u32>),
    Spans(BTreeSet<Span>),
    /// Those with a word in their name that begins with one of these, which are not looked up yet; and these.
    Words(BTreeSet<String>, BTreeSet<Span>),
    /// Members of groups, which are not looked up yet.
    Members(Vec<GroupRef>),
    Since(Timestamp),
    /// Those of any of these, which are of different kinds.
    Any(Vec<People>),
}

/// Groups that may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    Nobody,
    All,
    Ids(BTreeSet<GroupId>),
    Numbers(BTreeSet<u32>),
    Names(BTreeSet<String>),
    /// Groups of a user, which is not looked up yet.
    Of(UserName),
}

/// Candidates that can be combined.
trait Candidates: Sized + Clone + PartialEq {
    const NOBODY: Self;
    const ALL: Self;

    /// How many entries it may be; smaller is better.
    fn rank(&self) -> u8;

    /// Both together; `None`: they cannot be read in one list.
    fn or(self, other: Self) -> Option<Self>;

    fn of(filter: &Filter, tree: &Tree) -> Self {
        match filter {
            Filter::And(all) => {
                let each = all.iter().map(|filter| Self::of(filter, tree));
                each.min_by_key(Self::rank).unwrap_or(Self::ALL)
            }
            Filter::Or(all) => {
                let mut together = Self::NOBODY;
                for filter in all {
                    let other = Self::of(filter, tree);
                    together = if together == Self::NOBODY {
                        other
                    } else if other == Self::NOBODY {
                        together
                    } else {
                        together.or(other).unwrap_or(Self::ALL)
                    };
                }
                together
            }
            Filter::Not(_) => Self::ALL,
            Filter::Undefined => Self::NOBODY,
            condition => Self::of_condition(condition, tree),
        }
    }

    fn of_condition(condition: &Filter, tree: &Tree) -> Self;
}

/// The users that may match a filter.
pub(crate) fn people(filter: &Filter, tree: &Tree) -> People {
    People::of(filter, tree)
}

/// The groups that may match a filter.
pub(crate) fn groups(filter: &Filter, tree: &Tree) -> Groups {
    Groups::of(filter, tree)
}

fn both<T: Ord>(mut one: BTreeSet<T>, other: BTreeSet<T>) -> BTreeSet<T> {
    one.extend(other);
    one
}

impl Candidates for People {
    const NOBODY: Self = People::Nobody;
    const ALL: Self = People::All;

    fn rank(&self) -> u8 {
        match self {
            People::Nobody => 0,
            People::Ids(_) | People::Numbers(_) => 1,
            People::Spans(spans) => match spans.iter().any(|span| matches!(span, Span::Range(..))) {
                false => 2,
                true => 5,
            },
            People::Members(_) => 3,
            People::Words(..) => 4,
            People::Since(_) => 6,
            People::Any(parts) => parts.iter().map(Self::rank).max().unwrap_or(0),
            People::All => 7,
        }
    }

    fn or(self, other: Self) -> Option<Self> {
        if self == People::All || other == People::All {
            return None;
        }
        let mut parts = self.parts();
        for part in other.parts() {
            let mut left = Some(part);
            let join = |own: People| match left.take() {
                Some(part) => own.join(part).unwrap_or_else(|(own, part)| {
                    left = Some(part);
                    own
                }),
                None => own,
            };
            parts = parts.into_iter().map(join).collect();
            parts.extend(left);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { People::Any(parts) })
    }

    fn of_condition(condition: &Filter, tree: &Tree) -> Self {
        use Attribute as A;
        match condition {
            Filter::Equal(A::ObjectClass, Key::Text(class)) => {
                if is_class(&PERSON, class) {
                    People::All
                } else {
                    People::Nobody
                }
            }
            Filter::Equal(A::Uid, Key::Text(name)) => by_name(user_name(name), tree),
            Filter::Equal(A::Mail, Key::Text(address)) => match user_name(address) {
                UserName::Local(_) => People::Nobody,
                name => by_name(name, tree),
            },
            Filter::Equal(A::EntryUuid, Key::Text(id)) => {
                id.parse().map_or(People::Nobody, |id| People::Ids(BTreeSet::from([id])))
            }
            Filter::Equal(A::UidNumber | A::GidNumber, Key::Number(number)) => {
                let number = u32::try_from(*number);
                number.map_or(People::Nobody, |number| People::Numbers(BTreeSet::from([number])))
            }
            Filter::Equal(A::MemberOf | A::IsMemberOf, Key::Text(group)) => match tree.place_of(group) {
                Some(Place::Group(group)) => People::Members(vec![group]),
                _ => People::Nobody,
            },
            Filter::Equal(A::EntryDn, Key::Text(name)) => match tree.place_of(name) {
                Some(Place::User(name)) => by_name(name, tree),
                _ => People::Nobody,
            },
            Filter::Greater(A::CreateTimestamp | A::ModifyTimestamp, Key::Number(millis)) => {
                Timestamp::from_millisecond(*millis).map_or(People::All, People::Since)
            }
            Filter::Equal(A::Cn | A::DisplayName | A::Gecos, Key::Text(name)) => by_word(name),
            Filter::Parts(A::Cn | A::DisplayName | A::Gecos, Parts { first: Some(first), .. }) => {
                by_word(first)
            }
            Filter::Parts(A::Uid | A::Mail, parts) => by_parts(parts, tree),
            Filter::Present(attribute) | Filter::Equal(attribute, _) if is_foreign_to_people(*attribute) => {
                People::Nobody
            }
            _ => People::All,
        }
    }
}

/// Whether users never have an attribute.
fn is_foreign_to_people(attribute: Attribute) -> bool {
    use Attribute as A;
    matches!(
        attribute,
        A::Member | A::UniqueMember | A::Dc | A::OrganizationalUnit | A::Description | A::NamingContexts
    )
}

fn is_class(classes: &[&str], class: &str) -> bool {
    classes.iter().any(|own| own.eq_ignore_ascii_case(class))
}

fn by_name(name: UserName, tree: &Tree) -> People {
    match name {
        UserName::Address(address) => People::Spans(BTreeSet::from([Span::Key(address.key().to_owned())])),
        UserName::Local(_) if tree.domains.len() > MAX_DOMAINS => People::All,
        UserName::Local(local) => {
            People::Spans(tree.domains.iter().map(|domain| Span::Key(format!("{domain}@{local}"))).collect())
        }
        UserName::Id(id) => People::Ids(BTreeSet::from([id])),
    }
}

/// Names that begin with a text, by its first word: the index has that of every name.
fn by_word(text: &str) -> People {
    let word = text.split_whitespace().next().unwrap_or_default();
    match word.chars().any(char::is_alphanumeric) && !word.contains('@') {
        true => People::Words(BTreeSet::from([word.to_owned()]), BTreeSet::new()),
        false => People::All,
    }
}

/// Addresses with these parts: of one domain, or with one beginning.
fn by_parts(parts: &Parts, tree: &Tree) -> People {
    if let Some((_, domain)) = parts.last.as_ref().and_then(|last| last.rsplit_once('@')) {
        return match DomainName::parse(domain) {
            Ok(domain) => {
                let domain = domain.as_str();
                People::Spans(BTreeSet::from([Span::Range(format!("{domain}@"), format!("{domain}A"))]))
            }
            Err(_) => People::Nobody,
        };
    }
    let Some(first) = parts.first.as_deref().map(|first| first.split('@').next().unwrap_or_default()) else {
        return People::All;
    };
    if tree.domains.len() > MAX_DOMAINS || first.is_empty() {
        return People::All;
    }
    let range =
        |domain: &String| Span::Range(format!("{domain}@{first}"), format!("{domain}@{first}{}", char::MAX));
    People::Spans(tree.domains.iter().map(range).collect())
}

impl People {
    fn parts(self) -> Vec<Self> {
        match self {
            People::Any(parts) => parts,
            one => vec![one],
        }
    }

    /// Both as one, if they are of one kind.
    fn join(self, other: Self) -> Result<Self, (Self, Self)> {
        Ok(match (self, other) {
            (People::Ids(one), People::Ids(other)) => People::Ids(both(one, other)),
            (People::Numbers(one), People::Numbers(other)) => People::Numbers(both(one, other)),
            (People::Spans(one), People::Spans(other)) => People::Spans(both(one, other)),
            (People::Words(one, spans), People::Words(other, more)) => {
                People::Words(both(one, other), both(spans, more))
            }
            (People::Words(words, spans), People::Spans(more))
            | (People::Spans(more), People::Words(words, spans)) => People::Words(words, both(spans, more)),
            (People::Members(one), People::Members(other)) => People::Members([one, other].concat()),
            (People::Since(one), People::Since(other)) => People::Since(one.min(other)),
            unlike => return Err(unlike),
        })
    }
}

impl Candidates for Groups {
    const NOBODY: Self = Groups::Nobody;
    const ALL: Self = Groups::All;

    fn rank(&self) -> u8 {
        match self {
            Groups::Nobody => 0,
            Groups::Ids(_) | Groups::Numbers(_) => 1,
            Groups::Names(_) => 2,
            Groups::Of(_) => 3,
            Groups::All => 4,
        }
    }

    fn or(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (Groups::Ids(one), Groups::Ids(other)) => Groups::Ids(both(one, other)),
            (Groups::Numbers(one), Groups::Numbers(other)) => Groups::Numbers(both(one, other)),
            (Groups::Names(one), Groups::Names(other)) => Groups::Names(both(one, other)),
            (Groups::Of(one), Groups::Of(other)) if one == other => Groups::Of(one),
            _ => return None,
        })
    }

    fn of_condition(condition: &Filter, tree: &Tree) -> Self {
        use Attribute as A;
        match condition {
            Filter::Equal(A::ObjectClass, Key::Text(class)) => {
                if is_class(&GROUP, class) {
                    Groups::All
                } else {
                    Groups::Nobody
                }
            }
            Filter::Equal(A::Cn, Key::Text(name)) => Groups::Names(BTreeSet::from([name.clone()])),
            Filter::Equal(A::EntryUuid, Key::Text(id)) => {
                id.parse().map_or(Groups::Nobody, |id| Groups::Ids(BTreeSet::from([id])))
            }
            Filter::Equal(A::GidNumber, Key::Number(number)) => {
                let number = u32::try_from(*number);
                number.map_or(Groups::Nobody, |number| Groups::Numbers(BTreeSet::from([number])))
            }
            Filter::Equal(A::Member | A::UniqueMember, Key::Text(user)) => match tree.place_of(user) {
                Some(Place::User(user)) => Groups::Of(user),
                _ => Groups::Nobody,
            },
            Filter::Equal(A::EntryDn, Key::Text(name)) => match tree.place_of(name) {
                Some(Place::Group(GroupRef::Id(id))) => Groups::Ids(BTreeSet::from([id])),
                Some(Place::Group(GroupRef::Name(name))) => Groups::Names(BTreeSet::from([name])),
                _ => Groups::Nobody,
            },
            Filter::Present(attribute)
            | Filter::Equal(attribute, _)
            | Filter::Parts(attribute, _)
            | Filter::Greater(attribute, _)
            | Filter::Less(attribute, _)
                if is_foreign_to_groups(*attribute) =>
            {
                Groups::Nobody
            }
            _ => Groups::All,
        }
    }
}

/// Whether groups never have an attribute.
fn is_foreign_to_groups(attribute: Attribute) -> bool {
    use Attribute as A;
    matches!(
        attribute,
        A::Uid
            | A::Mail
            | A::Sn
            | A::GivenName
            | A::DisplayName
            | A::MemberOf
            | A::IsMemberOf
            | A::UidNumber
            | A::OrganizationalUnit
            | A::Dc
            | A::PwdChangedTime
            | A::NsAccountLock
    )
}

/// The user of all conditions about members, if they name one: then no list of members is needed to know that they hold for
/// its groups.
pub(crate) fn only_member(filter: &Filter) -> Option<&str> {
    let mut seen: Vec<Option<&str>> = Vec::new();
    filter.conditions(&mut |condition| match condition {
        Filter::Equal(Attribute::Member | Attribute::UniqueMember, Key::Text(user)) => seen.push(Some(user)),
        Filter::Present(Attribute::Member | Attribute::UniqueMember) => seen.push(None),
        _ => {}
    });
    let first = seen.first().copied().flatten()?;
    seen.iter().all(|user| *user == Some(first)).then_some(first)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
