//! An entry: its name, and the values of the attributes that are needed of it.

use crate::ber::{OCTETS, SEQUENCE, SET, Writer};
use crate::schema::Attribute;

/// A set of attribute types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(u64);

impl Attributes {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);

    /// With one more.
    pub fn add(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute as u32;
    }

    /// Whether one is in it.
    pub const fn has(self, attribute: Attribute) -> bool {
        self.0 & (1 << attribute as u32) != 0
    }

    /// Whether one of these is in it.
    pub fn has_any(self, attributes: &[Attribute]) -> bool {
        attributes.iter().any(|attribute| self.has(*attribute))
    }

    /// All that are in one of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// An entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its distinguished name.
    pub dn: String,
    /// Whether it is a group with more members than those that are values.
    pub has_more_members: bool,
    values: Vec<(Attribute, Vec<String>)>,
}

impl Entry {
    /// An entry without values.
    pub fn new(dn: String) -> Self {
        Self { dn, has_more_members: false, values: Vec::new() }
    }

    /// Sets the values of an attribute; without values it has none.
    pub fn set(&mut self, attribute: Attribute, values: Vec<String>) {
        if !values.is_empty() {
            self.values.push((attribute, values));
        }
    }

    /// Sets one value.
    pub fn set_one(&mut self, attribute: Attribute, value: impl Into<String>) {
        self.values.push((attribute, vec![value.into()]));
    }

    /// The values of an attribute.
    pub fn values(&self, attribute: Attribute) -> &[String] {
        self.values.iter().find(|(own, _)| *own == attribute).map_or(&[], |(_, values)| values)
    }
}

/// Which attributes a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// All user attributes: no list, or `*`.
    pub user: bool,
    /// All operational attributes: `+`.
    pub operational: bool,
    /// Those that were named.
    pub named: Attributes,
    /// Only their names, without values.
    pub types_only: bool,
}

impl Selection {
    /// Of the list in a request (RFC 4511, 4.5.1.8). Names that are not known select nothing.
    pub fn of<'n>(names: impl Iterator<Item = &'n str>, types_only: bool) -> Self {
        let mut selection = Self { types_only, ..Self::default() };
        let mut is_empty = true;
        for name in names {
            is_empty = false;
            match name {
                "*" => selection.user = true,
                "+" => selection.operational = true,
                name => {
                    if let Some(attribute) = Attribute::named(name) {
                        selection.named.add(attribute);
                    }
                }
            }
        }
        selection.user |= is_empty;
        selection
    }

    /// Whether an attribute is given.
    pub fn has(&self, attribute: Attribute) -> bool {
        self.named.has(attribute)
            || (if attribute.of().is_operational { self.operational } else { self.user })
    }

    /// All attributes that are given.
    pub fn attributes(&self) -> Attributes {
        let mut all = Attributes::default();
        for attribute in Attribute::ALL {
            if self.has(*attribute) {
                all.add(*attribute);
            }
        }
        all
    }
}

/// Appends the protocol operation of an entry that was found. `gives` says which attributes.
pub(crate) fn write(
    writer: &mut Writer<'_>,
    entry: &Entry,
    gives: impl Fn(Attribute) -> bool,
    types_only: bool,
) {
    let found = writer.begin(0x64);
    writer.octets(OCTETS, entry.dn.as_bytes());
    let list = writer.begin(SEQUENCE);
    for (attribute, values) in entry.values.iter().filter(|(attribute, _)| gives(*attribute)) {
        let one = writer.begin(SEQUENCE);
        writer.octets(OCTETS, attribute.of().name.as_bytes());
        let set = writer.begin(SET);
        if !types_only {
            values.iter().for_each(|value| writer.octets(OCTETS, value.as_bytes()));
        }
        writer.end(set);
        writer.end(one);
    }
    writer.end(list);
    writer.end(found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_room_for_every_attribute() {
        assert!(Attribute::ALL.len() <= 64);
        let mut some = Attributes::default();
        some.add(Attribute::LdapSyntaxes);
        assert!(
            some.has(Attribute::LdapSyntaxes)
                && !some.has(Attribute::Cn)
                && Attributes::ALL.has(Attribute::Cn)
        );
    }

    #[test]
    fn the_list_of_a_request_selects_attributes() {
        let selects = |names: &[&str]| {
            let selection = Selection::of(names.iter().copied(), false);
            [Attribute::Cn, Attribute::Mail, Attribute::MemberOf, Attribute::EntryUuid]
                .map(|attribute| selection.has(attribute))
        };
        assert_eq!(selects(&[]), [true, true, false, false]);
        assert_eq!(selects(&["*"]), [true, true, false, false]);
        assert_eq!(selects(&["+"]), [false, false, true, true]);
        assert_eq!(selects(&["*", "memberof"]), [true, true, true, false]);
        assert_eq!(selects(&["1.1"]), [false; 4]);
        assert_eq!(selects(&["COMMONNAME", "userPassword"]), [true, false, false, false]);
    }

    #[test]
    fn types_come_without_values_on_request() {
        let mut entry = Entry::new("cn=a".to_owned());
        entry.set_one(Attribute::Cn, "a");
        entry.set(Attribute::Mail, Vec::new());
        assert_eq!(entry.values(Attribute::Mail), <[String; 0]>::default());
        let encoded = |types_only| {
            let mut out = Vec::new();
            write(&mut Writer(&mut out), &entry, |_| true, types_only);
            out
        };
        assert!(encoded(false).ends_with(b"\x04\x01a") && encoded(true).ends_with(&[SET, 0x84, 0, 0, 0, 0]));
    }
}
