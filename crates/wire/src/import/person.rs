//! A user of a file, put together from its fields. All formats share these rules.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};

use super::hash::{Stored, stored};
use super::meaning::{LOGIN_NAME, Meaning};
use super::preview::Seen;
use super::words::{self, State};
use super::{Entry, Inactive, Row, Summary};
use crate::create_user::Item;
use crate::users::Alias;
use crate::{Code, Error};

/// `userAccountControl`: the account is disabled.
const ACCOUNT_DISABLED: i64 = 0x2;

/// `userAccountControl`: the account is locked.
const LOCKED_OUT: i64 = 0x10;

/// Object classes of people.
const PEOPLE: &[&str] =
    &["person", "organizationalperson", "inetorgperson", "user", "posixaccount", "mailrecipient", "account"];

/// Object classes of entries that may have a mail address and are no people. They win over `person`.
const OTHERS: &[&str] = &[
    "group",
    "groupofnames",
    "groupofuniquenames",
    "posixgroup",
    "contact",
    "computer",
    "container",
    "organizationalunit",
    "organization",
    "domain",
    "dcobject",
    "referral",
    "printqueue",
    "publicfolder",
    "msexchdynamicdistributionlist",
    "organizationalrole",
];

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    /// Text. `exact`: the format delimits it, so that blanks at its ends belong to it.
    Text {
        text: &'a str,
        exact: bool,
    },
    Flag(bool),
    /// A value of another type, by name.
    Other(&'static str),
}

impl<'a> Field<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Field::Text { text, exact: false }
    }
}

/// A value with its rank: of several, the lowest is taken.
#[derive(Default)]
struct Ranked(Option<(u8, String)>);

impl Ranked {
    fn offer(&mut self, rank: u8, text: &str) {
        let text = text.trim();
        if !text.is_empty() && self.0.as_ref().is_none_or(|(taken, _)| rank < *taken) {
            self.0 = Some((rank, text.to_owned()));
        }
    }

    fn take(&mut self) -> Option<String> {
        self.0.take().map(|(_, text)| text)
    }
}

#[derive(Default)]
pub(super) struct Person {
    address: Ranked,
    name: Ranked,
    first_name: Option<String>,
    last_name: Option<String>,
    password: Option<SecretString>,
    password_hash: Option<SecretString>,
    account_code: Option<String>,
    must_change: Option<bool>,
    disabled: bool,
    locked: bool,
    /// The account has a date on which it expires.
    expires: bool,
    alias: bool,
    alias_of: Option<String>,
    /// Object classes, in lower case.
    classes: Vec<String>,
    /// A password field that holds no usable password, and why.
    no_password: Option<&'static str>,
    errors: Vec<Error>,
    /// The fields that were read, if a preview asks for them.
    seen: Option<Vec<Seen>>,
}

impl Person {
    /// A person without fields. `traced`: it keeps what was read, for a preview.
    pub(super) fn new(traced: bool) -> Self {
        Self { seen: traced.then(Vec::new), ..Self::default() }
    }

    /// Notes a field for a preview, whether it is used or not.
    pub(super) fn see(&mut self, meaning: Meaning, label: &str, value: Field<'_>) {
        if let Some(seen) = &mut self.seen {
            seen.push(Seen::new(meaning, label, value));
        }
    }

    /// The fields that were read, for a preview.
    pub(super) fn into_seen(self) -> Vec<Seen> {
        self.seen.unwrap_or_default()
    }

    pub(super) fn is_traced(&self) -> bool {
        self.seen.is_some()
    }

    /// Takes a field. `label` is its name in the file.
    pub(super) fn set(&mut self, meaning: Meaning, label: &str, value: Field<'_>) {
        self.see(meaning, label, value);
        if let Field::Text { text, .. } = value
            && text.trim().is_empty()
        {
            return;
        }
        match meaning {
            Meaning::Address(rank) => self.set_address(rank, label, value),
            Meaning::Name(rank) => self.with_text(label, value, |person, text| person.name.offer(rank, text)),
            Meaning::FirstName => {
                self.with_text(label, value, |person, text| set_first(&mut person.first_name, text));
            }
            Meaning::LastName => {
                self.with_text(label, value, |person, text| set_first(&mut person.last_name, text));
            }
            Meaning::AccountCode => {
                self.with_text(label, value, |person, text| set_first(&mut person.account_code, text));
            }
            Meaning::Password => self.set_password(label, value),
            Meaning::PasswordHash => self.with_text(label, value, |person, text| {
                person.password_hash.get_or_insert_with(|| text.trim().to_owned().into());
            }),
            Meaning::MustChange => self.must_change = self.flag(label, value).or(self.must_change),
            Meaning::PasswordSetAt => self.with_text(label, value, |person, text| {
                if text.trim() == "0" {
                    person.must_change = Some(true);
                }
            }),
            Meaning::Alias => self.alias |= matches!(value, Field::Flag(true)) || is_yes(value),
            Meaning::AliasOf => {
                self.with_text(label, value, |person, text| set_first(&mut person.alias_of, text));
            }
            Meaning::Suspect => self.suspect(label),
            Meaning::Active
            | Meaning::Disabled
            | Meaning::DisabledSince
            | Meaning::Locked
            | Meaning::LockedSince
            | Meaning::Status
            | Meaning::StatusOrRegion
            | Meaning::AccountControl
            | Meaning::SambaFlags
            | Meaning::RoleOfDirectory => self.set_state(meaning, label, value),
            Meaning::Expires => self.with_text(label, value, |person, text| person.expires |= is_since(text)),
            Meaning::ObjectClass => self.with_text(label, value, |person, text| person.add_classes(text)),
            Meaning::Ignored | Meaning::Unknown => {}
        }
    }

    pub(super) fn add_classes(&mut self, text: &str) {
        let classes = text.split([';', ',', '|']).map(|class| class.trim().to_lowercase());
        self.classes.extend(classes.filter(|class| !class.is_empty()));
    }

    /// The object class of what is not a person.
    pub(super) fn other_class(&self) -> Option<&str> {
        let other = self.classes.iter().map(String::as_str).find(|class| OTHERS.contains(class))?;
        // Active Directory's contacts and computers are persons by inheritance.
        let wins = ["contact", "computer", "group"].contains(&other);
        (wins || !self.has_person_class()).then_some(other)
    }

    pub(super) fn has_person_class(&self) -> bool {
        self.classes.iter().any(|class| PEOPLE.contains(&class.as_str()))
    }

    pub(super) fn last_class(&self) -> Option<&str> {
        self.classes.last().map(String::as_str)
    }

    pub(super) fn has_address(&self) -> bool {
        self.address.0.is_some()
    }

    /// Notes an error of a field.
    pub(super) fn refuse(&mut self, code: Code, label: &str, message: impl Into<String>) {
        self.errors.push(Error { field: Some(label.to_owned()), ..Error::new(code, message.into()) });
    }

    fn with_text(&mut self, label: &str, value: Field<'_>, take: impl FnOnce(&mut Self, &str)) {
        match value {
            Field::Text { text, .. } => take(self, text),
            Field::Flag(_) => self.refuse(Code::Type, label, "Expected text, found true or false"),
            Field::Other(kind) => self.refuse(Code::Type, label, format!("Expected text, found {kind}")),
        }
    }

    fn set_address(&mut self, rank: u8, label: &str, value: Field<'_>) {
        self.with_text(label, value, |person, text| {
            // A login name is an address only if it looks like one.
            if rank < LOGIN_NAME || text.contains('@') {
                person.address.offer(rank, text);
            }
        });
    }

    fn set_password(&mut self, label: &str, value: Field<'_>) {
        let Field::Text { text, exact } = value else {
            return self.with_text(label, value, |_, _| {});
        };
        if self.password.is_some() || self.password_hash.is_some() {
            return;
        }
        let text = if exact { text } else { text.trim() };
        match stored(text) {
            Stored::Clear(text) => self.password = Some(text.to_owned().into()),
            Stored::Hash => self.password_hash = Some(text.trim().to_owned().into()),
            Stored::Unusable => self.no_password = Some("the account has no usable password"),
            Stored::Elsewhere => self.no_password = Some("another system verifies the password"),
            Stored::Masked => self.no_password = Some("the file shows asterisks in place of the password"),
        }
    }

    fn flag(&mut self, label: &str, value: Field<'_>) -> Option<bool> {
        let found = match value {
            Field::Flag(flag) => return Some(flag),
            Field::Text { text, .. } => match words::flag(text) {
                Some(flag) => return Some(flag),
                None => shown(text),
            },
            Field::Other(kind) => kind.to_owned(),
        };
        self.refuse(
            Code::Type,
            label,
            format!("Expected true or false, found {found}. These words are read: {}", words::FLAGS),
        );
        None
    }

    fn set_status(&mut self, label: &str, value: Field<'_>) {
        let Field::Text { text, .. } = value else {
            self.disabled |= self.flag(label, value) == Some(false);
            return;
        };
        match words::state(text) {
            Some(State::Active) => {}
            Some(State::Inactive) => self.disabled = true,
            Some(State::Locked) => self.locked = true,
            None => {
                let message = format!(
                    "Unknown state of an account, found {}. These words are read: {}",
                    shown(text),
                    words::STATES
                );
                self.refuse(Code::NotOneOf, label, message);
            }
        }
    }

    /// Takes a field that says something about the state.
    fn set_state(&mut self, state: Meaning, label: &str, value: Field<'_>) {
        match state {
            Meaning::Active => self.disabled |= self.flag(label, value) == Some(false),
            Meaning::Disabled => self.disabled |= self.flag(label, value) == Some(true),
            Meaning::Locked => self.locked |= self.flag(label, value) == Some(true),
            Meaning::Status => self.set_status(label, value),
            Meaning::StatusOrRegion => match value {
                Field::Text { text, .. } if words::state(text).is_none() => {}
                value => self.set_status(label, value),
            },
            Meaning::DisabledSince => {
                self.with_text(label, value, |person, text| person.disabled |= is_since(text));
            }
            Meaning::SambaFlags => self.with_text(label, value, |person, text| {
                person.disabled |= text.contains('D');
                person.locked |= text.contains('L');
            }),
            Meaning::RoleOfDirectory => self.with_text(label, value, |person, text| {
                person.disabled |= text.to_lowercase().contains("disabledrole");
            }),
            Meaning::LockedSince => {
                self.with_text(label, value, |person, text| person.set_locked_since(text));
            }
            Meaning::AccountControl => self.set_account_control(label, value),
            _ => {}
        }
    }

    /// A policy overlay's year 0 locks for good; Active Directory's 0 is not locked.
    fn set_locked_since(&mut self, text: &str) {
        match text.trim() {
            "000001010000Z" => self.disabled = true,
            text => self.locked |= is_since(text),
        }
    }

    fn set_account_control(&mut self, label: &str, value: Field<'_>) {
        self.with_text(label, value, |person, text| match text.trim().parse::<i64>() {
            Ok(bits) => {
                person.disabled |= bits & ACCOUNT_DISABLED != 0;
                person.locked |= bits & LOCKED_OUT != 0;
            }
            Err(_) => person.refuse(Code::Type, label, "Expected the number of userAccountControl"),
        });
    }

    fn suspect(&mut self, label: &str) {
        let message = "Unknown field, and its name suggests a password, a state or a forced change: rename or remove it, or \
                       use --column or --ignore of `matricula import`";
        self.refuse(Code::NotOneOf, label, message);
    }

    /// The row. `missing`: the name of the address field in the format.
    pub(super) fn into_row(
        mut self,
        number: u64,
        line: u64,
        missing: &str,
        inactive: Inactive,
        summary: &mut Summary,
    ) -> Row {
        let address = self.address.take().unwrap_or_default();
        if address.is_empty() && self.errors.is_empty() {
            let message = match missing {
                "emailAddress" => "This field is mandatory".to_owned(),
                missing => format!("This field is mandatory: the entry has no {missing}"),
            };
            self.errors.push(Error::in_field(Code::Null, "emailAddress", message));
        }
        self.check_alias();
        if inactive == Inactive::Refuse && (self.disabled || self.locked) {
            self.refuse(
                Code::NotOneOf,
                "accountDisabled",
                "The account is not active, and --inactive refuse was given",
            );
        }
        if !self.errors.is_empty() {
            return Row { number, line, address, item: Err(self.errors) };
        }
        if let Some(alias_for) = self.alias_of {
            let alias = Alias { alias_for, alias: address.clone() };
            return Row { number, line, address, item: Ok(Entry::Alias(alias)) };
        }
        if let Some(why) = self.no_password
            && self.password.is_none()
            && self.password_hash.is_none()
        {
            summary.without_password(line, &address, why);
        }
        let is_padded = |password: &SecretString| {
            let password = password.expose_secret();
            password.trim() != password
        };
        if self.password.as_ref().is_some_and(is_padded) {
            summary.blank_password(line, &address);
        }
        if self.expires {
            summary.expires(line, &address);
        }
        summary.count_state(self.disabled, self.locked);
        let item = Item {
            email_address: Some(address.clone()),
            password: self.password,
            password_hash: self.password_hash,
            account_code: self.account_code,
            force_password_change: self.must_change,
            name: self.name.take().or_else(|| full_name(self.first_name, self.last_name)),
            account_disabled: self.disabled.then_some(true),
            account_locked: self.locked.then_some(true),
        };
        Row { number, line, address, item: Ok(Entry::User(Box::new(item))) }
    }

    /// An alias has a user, and no password.
    fn check_alias(&mut self) {
        if self.alias && self.alias_of.is_none() {
            let message = "The row is an alias, and no column aliasOf has the address of its user: export the users \
                           again, or add the alias with update-alias";
            self.refuse(Code::NotOneOf, "alias", message);
        }
        if self.alias_of.is_some() && (self.password.is_some() || self.password_hash.is_some()) {
            self.refuse(Code::NotOneOf, "aliasOf", "An alias has no password: remove one of the two");
        }
    }
}

/// Whether a text is a time since when something holds; directories write several texts for never.
pub(super) fn is_since(text: &str) -> bool {
    let text = text.trim();
    let never = ["", "0", "-", "never", "none", "null", "nie", "jamais", "nunca", "9223372036854775807"];
    !never.contains(&text.to_lowercase().as_str()) && !text.starts_with("0000-00-00")
}

fn set_first(slot: &mut Option<String>, text: &str) {
    slot.get_or_insert_with(|| text.trim().to_owned());
}

fn is_yes(value: Field<'_>) -> bool {
    matches!(value, Field::Text { text, .. } if words::flag(text) == Some(true))
}

fn full_name(first: Option<String>, last: Option<String>) -> Option<String> {
    match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    }
}

/// A short word as it was found. Anything else could be a password of a shifted row.
fn shown(text: &str) -> String {
    let text = text.trim();
    let is_word =
        text.chars().all(|c| c.is_alphabetic() || c == ' ' || c == '_') && text.chars().count() <= 16;
    if is_word { format!("{text:?}") } else { "other text".to_owned() }
}

/// Adds a name to a bounded set.
pub(super) fn note(names: &mut BTreeSet<String>, name: &str) {
    /// Names that are kept.
    const MOST: usize = 100;
    if !names.contains(name) && names.len() < MOST {
        names.insert(super::printable(name));
    }
}
