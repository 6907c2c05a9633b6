//! Filters (RFC 4511, 4.5.1.7): true, false or undefined for an entry. An attribute type that is not known, a value that is
//! none of its kind, and a rule that does not fit make a condition undefined.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::ber::{self, Malformed, OCTETS, Reader};
use crate::dn::Dn;
use crate::entry::Entry;
use crate::schema::{Attribute, Key, Rule, is_equality};

/// Deepest nesting of a filter. `[ours]`
pub const MAX_DEPTH: usize = 30;

/// Most conditions of a filter. `[ours]`
pub const MAX_CONDITIONS: usize = 1_000;

/// `LDAP_MATCHING_RULE_IN_CHAIN`: members of members. Memberships are flat here, so it is equality.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// Why a filter cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// It is malformed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is nested too deep, or has too many conditions.
    #[error("a filter has at most {MAX_CONDITIONS} conditions and is nested at most {MAX_DEPTH} deep")]
    TooLarge,
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them; of none: true.
    And(Vec<Filter>),
    /// One of them; of none: false.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// Neither true nor false.
    Undefined,
    /// The attribute has a value.
    Present(Attribute),
    /// A value is equal.
    Equal(Attribute, Key),
    /// A value is equal or greater.
    Greater(Attribute, Key),
    /// A value is equal or less.
    Less(Attribute, Key),
    /// A value has these parts, in this order.
    Parts(Attribute, Parts),
}

/// The parts of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// At its start.
    pub first: Option<String>,
    /// Between.
    pub any: Vec<String>,
    /// At its end.
    pub last: Option<String>,
}

impl Filter {
    /// Reads a filter. `groups` is the entry above all groups: a membership may be given by the bare name of a group.
    ///
    /// # Errors
    /// When it is malformed or too large.
    pub fn decode(bytes: &[u8], groups: &Dn) -> Result<Self, FilterError> {
        let mut decoder = Decoder { groups, left: MAX_CONDITIONS };
        let mut reader = Reader::new(bytes);
        let filter = decoder.filter(&mut reader, MAX_DEPTH)?;
        reader.end()?;
        Ok(filter)
    }

    /// Whether a value is equal; undefined if it is none of the kind of the attribute.
    pub(crate) fn equality(attribute: Attribute, value: &[u8], groups: &Dn) -> Self {
        let Ok(value) = str::from_utf8(value) else { return Filter::Undefined };
        let is_membership = matches!(attribute, Attribute::MemberOf | Attribute::IsMemberOf);
        if is_membership && !value.contains('=') && !value.trim().is_empty() {
            return Filter::Equal(attribute, Key::Text(groups.child("cn", value.trim()).key()));
        }
        attribute.of().rule.key(value).map_or(Filter::Undefined, |key| Filter::Equal(attribute, key))
    }

    /// Whether an entry matches; `None`: undefined.
    pub fn matches(&self, entry: &Entry) -> Option<bool> {
        self.judge(&mut Compared { entry, keys: Vec::new(), texts: Vec::new() })
    }

    fn judge(&self, entry: &mut Compared<'_>) -> Option<bool> {
        match self {
            Filter::And(all) => combined(all, entry, false),
            Filter::Or(all) => combined(all, entry, true),
            Filter::Not(inner) => inner.judge(entry).map(|is| !is),
            Filter::Undefined => None,
            Filter::Present(attribute) => Some(entry.has(*attribute)),
            Filter::Equal(attribute, key) => Some(entry.keys(*attribute).iter().any(|value| value == key)),
            Filter::Greater(attribute, key) => Some(entry.keys(*attribute).iter().any(|value| value >= key)),
            Filter::Less(attribute, key) => Some(entry.keys(*attribute).iter().any(|value| value <= key)),
            Filter::Parts(attribute, parts) => {
                Some(entry.texts(*attribute).iter().any(|text| parts.are_in(text)))
            }
        }
    }

    /// The names of entries that it compares with.
    pub(crate) fn each_name(&mut self, seen: &mut impl FnMut(&mut String)) {
        match self {
            Filter::And(all) | Filter::Or(all) => all.iter_mut().for_each(|filter| filter.each_name(seen)),
            Filter::Not(inner) => inner.each_name(seen),
            Filter::Equal(attribute, Key::Text(name)) if attribute.of().rule == Rule::Dn => seen(name),
            _ => {}
        }
    }

    /// The conditions that it is made of.
    pub(crate) fn conditions<'f>(&'f self, seen: &mut impl FnMut(&'f Filter)) {
        match self {
            Filter::And(all) | Filter::Or(all) => all.iter().for_each(|filter| filter.conditions(seen)),
            Filter::Not(inner) => inner.conditions(seen),
            condition => seen(condition),
        }
    }

    /// The names of members that it asks for.
    pub(crate) fn members(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.conditions(&mut |condition| {
            if let Filter::Equal(Attribute::Member | Attribute::UniqueMember, Key::Text(name)) = condition {
                names.insert(name.clone());
            }
        });
        names
    }

    /// The attributes that it looks at.
    pub fn attributes(&self, seen: &mut impl FnMut(Attribute)) {
        self.conditions(&mut |condition| match condition {
            Filter::Present(attribute)
            | Filter::Equal(attribute, _)
            | Filter::Greater(attribute, _)
            | Filter::Less(attribute, _)
            | Filter::Parts(attribute, _) => seen(*attribute),
            Filter::And(_) | Filter::Or(_) | Filter::Not(_) | Filter::Undefined => {}
        });
    }
}

/// An entry, with the values of its attributes in the form in which they compare: each is brought into it once, however many
/// conditions a filter has.
struct Compared<'e> {
    entry: &'e Entry,
    keys: Vec<(Attribute, Vec<Key>)>,
    texts: Vec<(Attribute, Vec<String>)>,
}

impl Compared<'_> {
    fn has(&self, attribute: Attribute) -> bool {
        let is_member = matches!(attribute, Attribute::Member | Attribute::UniqueMember);
        !self.entry.values(attribute).is_empty() || (is_member && self.entry.has_more_members)
    }

    fn keys(&mut self, attribute: Attribute) -> &[Key] {
        let at = self.keys.iter().position(|(own, _)| *own == attribute).unwrap_or_else(|| {
            let values = self.entry.values(attribute).iter();
            let keys = values.filter_map(|value| attribute.of().rule.key(value)).collect();
            self.keys.push((attribute, keys));
            self.keys.len() - 1
        });
        &self.keys[at].1
    }

    fn texts(&mut self, attribute: Attribute) -> &[String] {
        let at = self.texts.iter().position(|(own, _)| *own == attribute).unwrap_or_else(|| {
            let values = self.entry.values(attribute).iter();
            self.texts.push((attribute, values.map(|value| attribute.of().rule.whole(value)).collect()));
            self.texts.len() - 1
        });
        &self.texts[at].1
    }
}

/// With `decides` true: whether one is true; with false: whether all are.
fn combined(all: &[Filter], entry: &mut Compared<'_>, decides: bool) -> Option<bool> {
    let mut outcome = Some(!decides);
    for filter in all {
        match filter.judge(entry) {
            Some(is) if is == decides => return Some(decides),
            None => outcome = None,
            Some(_) => {}
        }
    }
    outcome
}

impl Parts {
    /// Whether a text has the parts.
    fn are_in(&self, text: &str) -> bool {
        let rest = match &self.first {
            Some(first) => match text.strip_prefix(first.as_str()) {
                Some(rest) => rest,
                None => return false,
            },
            None => text,
        };
        let mut rest = match &self.last {
            Some(last) => match rest.strip_suffix(last.as_str()) {
                Some(rest) => rest,
                None => return false,
            },
            None => rest,
        };
        for part in &self.any {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

struct Decoder<'d> {
    groups: &'d Dn,
    left: usize,
}

impl Decoder<'_> {
    fn filter(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<Filter, FilterError> {
        self.left = self.left.checked_sub(1).ok_or(FilterError::TooLarge)?;
        let depth = depth.checked_sub(1).ok_or(FilterError::TooLarge)?;
        let (tag, content) = reader.element()?;
        let mut inner = Reader::new(content);
        Ok(match tag {
            0xa0 => Filter::And(self.all(&mut inner, depth)?),
            0xa1 => Filter::Or(self.all(&mut inner, depth)?),
            0xa2 => {
                let filter = self.filter(&mut inner, depth)?;
                inner.end()?;
                Filter::Not(Box::new(filter))
            }
            0xa3 | 0xa8 => {
                let (name, value) = assertion(inner)?;
                self.equal(name, value)
            }
            0xa4 => parts(inner)?,
            0xa5 | 0xa6 => {
                let (name, value) = assertion(inner)?;
                ordered(tag == 0xa5, name, value)
            }
            0x87 => Attribute::named(ber::text(content)?).map_or(Filter::Undefined, Filter::Present),
            0xa9 => self.extended(inner)?,
            _ => return Err(Malformed("a filter has an unknown type").into()),
        })
    }

    fn all(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<Vec<Filter>, FilterError> {
        let mut all = Vec::new();
        while !reader.is_empty() {
            all.push(self.filter(reader, depth)?);
        }
        Ok(all)
    }

    fn equal(&self, name: &str, value: &[u8]) -> Filter {
        Attribute::named(name)
            .map_or(Filter::Undefined, |attribute| Filter::equality(attribute, value, self.groups))
    }

    /// A condition with a rule: that of equality, or the one for members of members.
    fn extended(&self, mut reader: Reader<'_>) -> Result<Filter, FilterError> {
        let rule = reader.optional(0x81)?.map(ber::text).transpose()?;
        let name = reader.optional(0x82)?.map(ber::text).transpose()?;
        let value = reader.expect(0x83)?;
        let _of_name = reader.optional(0x84)?.map(ber::boolean).transpose()?;
        reader.end()?;
        let Some(name) = name else { return Ok(Filter::Undefined) };
        let fits = match (rule, Attribute::named(name)) {
            (None, _) => true,
            (Some(IN_CHAIN), Some(attribute)) => matches!(
                attribute,
                Attribute::MemberOf | Attribute::IsMemberOf | Attribute::Member | Attribute::UniqueMember
            ),
            (Some(rule), Some(attribute)) => is_equality(attribute.of().rule, rule),
            (Some(_), None) => false,
        };
        Ok(if fits { self.equal(name, value) } else { Filter::Undefined })
    }
}

fn assertion(mut reader: Reader<'_>) -> Result<(&str, &[u8]), Malformed> {
    let pair = (reader.text(OCTETS)?, reader.expect(OCTETS)?);
    reader.end()?;
    Ok(pair)
}

fn ordered(is_greater: bool, name: &str, value: &[u8]) -> Filter {
    let attribute = Attribute::named(name).filter(|attribute| attribute.of().rule.has_order());
    let value = str::from_utf8(value).ok();
    match (attribute, value) {
        (Some(attribute), Some(value)) => match (attribute.of().rule.key(value), is_greater) {
            (Some(key), true) => Filter::Greater(attribute, key),
            (Some(key), false) => Filter::Less(attribute, key),
            (None, _) => Filter::Undefined,
        },
        _ => Filter::Undefined,
    }
}

fn parts(mut reader: Reader<'_>) -> Result<Filter, Malformed> {
    let name = reader.text(OCTETS)?;
    let mut list = reader.sequence(ber::SEQUENCE)?;
    reader.end()?;
    if list.is_empty() {
        return Err(Malformed("a filter of parts has no part"));
    }
    let attribute = Attribute::named(name).filter(|attribute| attribute.of().rule.has_parts());
    let (mut parts, mut is_text) = (Parts::default(), true);
    while !list.is_empty() {
        let (tag, content) = list.element()?;
        let Ok(text) = str::from_utf8(content) else {
            is_text = false;
            continue;
        };
        let text = attribute.map_or(String::new(), |attribute| attribute.of().rule.part(text));
        match tag {
            0x80 if parts == Parts::default() => parts.first = Some(text),
            0x81 if parts.last.is_none() => parts.any.push(text),
            0x82 if parts.last.is_none() => parts.last = Some(text),
            _ => return Err(Malformed("the parts of a filter are a first, others, and a last one")),
        }
    }
    Ok(attribute.filter(|_| is_text).map_or(Filter::Undefined, |attribute| Filter::Parts(attribute, parts)))
}

#[cfg(test)]
#[path = "filter/tests.rs"]
mod tests;
