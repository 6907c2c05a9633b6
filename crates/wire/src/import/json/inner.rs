//! Objects within a user: those about the user, such as SCIM's `name` or Okta's `profile`, and those about other things.

use serde_json::{Map, Value};

use super::super::Summary;
use super::super::meaning::{Meaning, plain};
use super::super::person::{Field, Person, is_since, note};
use super::super::words::{self, State};
use super::user::{Reader, take_value};

/// What an object within a user is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The user: states, passwords and suspects count as at the top level.
    User,
    /// Another person or a thing, whose state is not the user's.
    Other,
    /// Perhaps the user: a state that is not active, or a password, refuses the row.
    Unclear,
}

const USER: &[&str] = &[
    "profile",
    "userprofile",
    "attributes",
    "properties",
    "traits",
    "account",
    "accountinfo",
    "user",
    "userinfo",
    "person",
    "meta",
    "metadata",
    "name",
    "passwordprofile",
];

const OTHER: &[&str] = &[
    "access",
    "app",
    "application",
    "assistant",
    "author",
    "avatar",
    "boss",
    "building",
    "client",
    "company",
    "contact",
    "costcenter",
    "creator",
    "customer",
    "delegate",
    "department",
    "device",
    "employer",
    "group",
    "groups",
    "image",
    "invitation",
    "inviter",
    "job",
    "licence",
    "license",
    "links",
    "location",
    "mfa",
    "newsletter",
    "notifications",
    "office",
    "organisation",
    "organization",
    "owner",
    "parent",
    "phone",
    "photo",
    "picture",
    "plan",
    "position",
    "project",
    "provider",
    "realm",
    "role",
    "roles",
    "secretary",
    "sponsor",
    "spouse",
    "subscription",
    "supervisor",
    "team",
    "tenant",
    "twofactor",
    "type",
];

/// Ends of names of other persons and things: `createdBy`, `lineManager`, `homeAddress`.
const OTHER_ENDS: &[&str] = &["by", "manager", "address", "addresses", "phonenumber"];

/// Keys next to which `status` and `state` may be parts of an address.
const ADDRESS: &[&str] = &[
    "city",
    "country",
    "countrycode",
    "locality",
    "postalcode",
    "region",
    "street",
    "streetaddress",
    "zip",
    "zipcode",
];

impl About {
    fn of(key: &str) -> Self {
        let plain = plain(key);
        // SCIM's extensions are named by their schema.
        let is_extension = plain.starts_with("urn") && plain.ends_with("user");
        match plain.as_str() {
            _ if is_extension => About::User,
            plain if USER.contains(&plain) => About::User,
            plain if OTHER.contains(&plain) => About::Other,
            plain if OTHER_ENDS.iter().any(|end| plain.ends_with(end)) => About::Other,
            _ => About::Unclear,
        }
    }
}

impl Reader<'_> {
    /// An object within a user.
    pub(super) fn take_inner(
        &self,
        person: &mut Person,
        key: &str,
        inner: &Map<String, Value>,
        summary: &mut Summary,
    ) {
        if self.options.chosen(key) == Some(Meaning::Ignored) {
            return;
        }
        if plain(key) == "credentials" {
            return self.take_credentials(person, key, inner, summary);
        }
        let is_known = |part: &String| is_used(self.options.meaning(&format!("{key}.{part}")));
        let known = inner.keys().any(is_known);
        let meaning = self.options.meaning(key);
        if !known && !inner.is_empty() && is_sensitive(meaning) {
            return person.set(meaning, key, Field::Other("an object"));
        }
        self.take_parts(person, key, inner, if known { About::User } else { About::of(key) });
        if !known {
            note(&mut summary.ignored, key);
        }
    }

    /// The parts of an object whose name is `label`.
    fn take_parts(&self, person: &mut Person, label: &str, inner: &Map<String, Value>, about: About) {
        let is_address = inner.keys().any(|part| ADDRESS.contains(&plain(part).as_str()));
        for (part, value) in inner {
            let label = format!("{label}.{part}");
            let whole = self.options.meaning(&label);
            if is_used(whole) {
                take_value(person, whole, &label, value);
                continue;
            }
            let meaning = match self.options.meaning(part) {
                _ if self.options.chosen(&label).is_some() => Meaning::Unknown,
                Meaning::Status if may_be_place(part, value, is_address) => Meaning::Unknown,
                // Microsoft Graph's; the other key says whether the password must be changed.
                Meaning::Suspect if plain(part) == "forcechangepasswordnextsigninwithmfa" => {
                    Meaning::MustChange
                }
                meaning => meaning,
            };
            match value {
                Value::Object(inner) if !is_sensitive(meaning) || about == About::Other => {
                    let about = if about == About::Other { about } else { About::of(part) };
                    self.take_parts(person, &label, inner, about);
                }
                value => take_part(person, meaning, &label, value, about),
            }
        }
    }

    /// Okta's credentials: the password may be missing, and everything else is none.
    fn take_credentials(
        &self,
        person: &mut Person,
        key: &str,
        inner: &Map<String, Value>,
        summary: &mut Summary,
    ) {
        note(&mut summary.ignored, key);
        for (part, value) in inner {
            let label = format!("{key}.{part}");
            match (plain(part).as_str(), value) {
                _ if self.options.chosen(&label).is_some() => {
                    take_value(person, self.options.meaning(&label), &label, value);
                }
                ("provider" | "recoveryquestion" | "emails" | "username", _) => {}
                ("password", Value::Object(password)) => self.take_password(person, &label, password),
                ("password", value) => take_value(person, Meaning::Password, &label, value),
                (_, value) => take_value(person, Meaning::Suspect, &label, value),
            }
        }
    }

    fn take_password(&self, person: &mut Person, label: &str, password: &Map<String, Value>) {
        for (part, value) in password {
            let label = format!("{label}.{part}");
            let meaning = match plain(part).as_str() {
                _ if let Some(chosen) = self.options.chosen(&label) => chosen,
                "value" => Meaning::Password,
                _ => Meaning::Suspect,
            };
            take_value(person, meaning, &label, value);
        }
    }
}

/// Whether a name with that of its object means a field.
fn is_used(meaning: Meaning) -> bool {
    !matches!(meaning, Meaning::Unknown | Meaning::Suspect)
}

/// Whether to ignore a field of this meaning could activate a user, or lose a password.
fn is_sensitive(meaning: Meaning) -> bool {
    let is_password = matches!(
        meaning,
        Meaning::Password | Meaning::PasswordHash | Meaning::MustChange | Meaning::PasswordSetAt
    );
    meaning.is_state() || is_password || meaning == Meaning::Suspect
}

/// Whether `state` is that of an address: not a word for the state of an account.
fn may_be_place(part: &str, value: &Value, is_address: bool) -> bool {
    let is_word = match value {
        Value::String(text) => words::state(text).is_some(),
        Value::Number(_) => false,
        _ => return false,
    };
    !is_word && (is_address || matches!(plain(part).as_str(), "state" | "estado"))
}

/// A part of an object that means something only if the object is about the user.
fn take_part(person: &mut Person, meaning: Meaning, label: &str, value: &Value, about: About) {
    match value {
        // Keycloak's attributes are lists.
        Value::Array(list) if is_sensitive(meaning) && about != About::Other => {
            list.iter().for_each(|value| take_single(person, meaning, label, value, about));
        }
        value => take_single(person, meaning, label, value, about),
    }
}

fn take_single(person: &mut Person, meaning: Meaning, label: &str, value: &Value, about: About) {
    let counts = match about {
        _ if !is_sensitive(meaning) => false,
        About::User => meaning != Meaning::MustChange || says_something(meaning, value),
        About::Other => false,
        About::Unclear => says_something(meaning, value),
    };
    let meaning = match about {
        _ if !counts => Meaning::Unknown,
        About::Unclear => Meaning::Suspect,
        _ => meaning,
    };
    take_value(person, meaning, label, value);
}

/// Whether a value says more than that the account is an active one as any other.
fn says_something(meaning: Meaning, value: &Value) -> bool {
    let text = match value {
        Value::Null => return false,
        Value::String(text) => text.trim().to_owned(),
        Value::Object(inner) => return !inner.is_empty(),
        value => value.to_string(),
    };
    let flag = words::flag(&text);
    match meaning {
        _ if text.is_empty() => false,
        Meaning::Active => flag != Some(true),
        Meaning::Disabled | Meaning::Locked | Meaning::MustChange => flag != Some(false),
        // Other things have states with other words.
        Meaning::StatusOrRegion => words::state(&text).is_some_and(|state| state != State::Active),
        Meaning::DisabledSince => is_since(&text),
        Meaning::Status => {
            flag == Some(false) || words::state(&text).is_some_and(|state| state != State::Active)
        }
        Meaning::LockedSince => is_since(&text),
        Meaning::AccountControl => text.parse::<i64>().map_or(true, |bits| bits & 0x12 != 0),
        Meaning::PasswordSetAt => text == "0",
        _ => true,
    }
}
