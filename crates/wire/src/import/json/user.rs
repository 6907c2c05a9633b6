//! A user from an object.

use serde_json::{Map, Value};

use super::super::meaning::{Meaning, plain};
use super::super::person::{Field, Person, note};
use super::super::words::flag;
use super::super::{Options, Summary, unreadable};
use super::credentials;
use super::wrapper::CERTAIN;

/// Reads the fields of objects.
pub(super) struct Reader<'o> {
    pub(super) options: &'o Options,
}

/// The person of an object; `None`: it is none, which is counted.
pub(super) fn person(
    object: &Map<String, Value>,
    options: &Options,
    line: u64,
    summary: &mut Summary,
) -> Option<Result<Person, crate::Error>> {
    if has_schema(object, "ListResponse") {
        // A list of SCIM without `Resources`, which is empty.
        return None;
    }
    let object = match object.get("data") {
        // An operation of SCIM's bulk request (RFC 7644, 3.7).
        Some(Value::Object(data)) if object.contains_key("method") => data,
        _ => object,
    };
    let reader = Reader { options };
    if let Some(class) = reader.other_class(object) {
        summary.skip(line, class);
        return None;
    }
    let fields = django_object(object).map_or(object, |(_, fields)| fields);
    if let Some(key) = reader.list_of_users(fields) {
        let message =
            format!("line {line}: the object has fields of a user, and also a list of users: {key}");
        return Some(Err(unreadable(message)));
    }
    let mut person = Person::new(options.traced);
    reader.take_object(&mut person, fields, summary);
    Some(Ok(person))
}

/// Whether an object of SCIM is of this kind (RFC 7643, 3.3).
fn has_schema(object: &Map<String, Value>, kind: &str) -> bool {
    let schemas = object.get("schemas").and_then(Value::as_array);
    let mut schemas = schemas.into_iter().flatten().filter_map(Value::as_str);
    schemas.any(|schema| schema.rsplit(':').next() == Some(kind))
}

/// The model and the fields of an object that Django wrote (`dumpdata`).
fn django_object(object: &Map<String, Value>) -> Option<(&str, &Map<String, Value>)> {
    Some((object.get("model")?.as_str()?, object.get("fields")?.as_object()?))
}

/// Fields that Django's users have, in addition to those that every format has.
const DJANGO_USER: &[&str] = &["username", "login", "lastlogin", "isstaff", "issuperuser", "datejoined"];

impl Reader<'_> {
    /// What an object is that is not a person: a group of SCIM, or another table of Django.
    fn other_class<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v str> {
        if let Some((model, fields)) = django_object(object) {
            return (!self.is_django_user(model, fields)).then_some(model);
        }
        has_schema(object, "Group").then_some("Group")
    }

    /// Other tables have addresses, too, such as those of addresses and of invitations.
    fn is_django_user(&self, model: &str, fields: &Map<String, Value>) -> bool {
        let has_address = fields.keys().any(|name| matches!(self.options.meaning(name), Meaning::Address(_)));
        let is_of_user = |name: &String| {
            let is_account = matches!(
                self.options.meaning(name),
                Meaning::Password
                    | Meaning::PasswordHash
                    | Meaning::MustChange
                    | Meaning::Active
                    | Meaning::Disabled
                    | Meaning::Locked
            );
            is_account || DJANGO_USER.contains(&plain(name).as_str())
        };
        has_address && (model.to_lowercase().ends_with("user") || fields.keys().any(is_of_user))
    }

    /// The key of a list in a user whose objects are users, too.
    fn list_of_users(&self, object: &Map<String, Value>) -> Option<&'static str> {
        let is_user = |value: &Value| {
            let keys = value.as_object().into_iter().flat_map(Map::keys);
            keys.into_iter().any(|key| matches!(self.options.meaning(key), Meaning::Address(_)))
        };
        let holds_users = |(key, value): (&String, &Value)| {
            let known = CERTAIN.iter().find(|known| key.eq_ignore_ascii_case(known))?;
            value.as_array()?.iter().any(is_user).then_some(*known)
        };
        object.iter().find_map(holds_users)
    }

    fn take_object(&self, person: &mut Person, object: &Map<String, Value>, summary: &mut Summary) {
        for (key, value) in object {
            match value {
                Value::Object(inner) => self.take_inner(person, key, inner, summary),
                Value::Array(list) => self.take_list(person, key, list, summary),
                value => {
                    let mut meaning = self.options.meaning(key);
                    if meaning == Meaning::Suspect && self.is_function_of_nothing(key, object) {
                        meaning = Meaning::Unknown;
                    }
                    if meaning == Meaning::Unknown && !value.is_null() {
                        note(&mut summary.ignored, key);
                    }
                    take_value(person, meaning, key, value);
                }
            }
        }
    }

    /// Whether a key names the hash function of a password that the object does not have.
    fn is_function_of_nothing(&self, key: &str, object: &Map<String, Value>) -> bool {
        let has_password = object.iter().any(|(name, value)| {
            let meaning = self.options.meaning(name);
            matches!(meaning, Meaning::Password | Meaning::PasswordHash)
                && !value.is_null()
                && value.as_str() != Some("")
        });
        plain(key) == "hashfunction" && !has_password
    }

    fn take_list(&self, person: &mut Person, key: &str, list: &[Value], summary: &mut Summary) {
        let chosen = self.options.chosen(key);
        match plain(key).as_str() {
            _ if chosen == Some(Meaning::Ignored) => {}
            "emails" if matches!(chosen, None | Some(Meaning::Address(_))) => {
                if let Some(address) = best_address(list) {
                    person.set(chosen.unwrap_or(Meaning::Address(2)), key, Field::text(address));
                }
            }
            "credentials" if matches!(chosen, None | Some(Meaning::PasswordHash)) => {
                match credentials::password_hash(list) {
                    Some(hash) => person.set(Meaning::PasswordHash, key, Field::text(&hash)),
                    None if list.iter().all(credentials::is_no_password) => {}
                    None => person.set(Meaning::Suspect, key, Field::Other("a list")),
                }
            }
            "requiredactions" => {
                if list.iter().any(|action| action == "UPDATE_PASSWORD") {
                    person.set(Meaning::MustChange, key, Field::Flag(true));
                }
            }
            _ if list.is_empty() => {}
            _ => match self.options.meaning(key) {
                Meaning::Unknown | Meaning::Ignored | Meaning::Alias => note(&mut summary.ignored, key),
                meaning => person.set(meaning, key, Field::Other("a list")),
            },
        }
    }
}

pub(super) fn take_value(person: &mut Person, meaning: Meaning, label: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => person.set(meaning, label, Field::Flag(*flag)),
        Value::String(text) => person.set(meaning, label, Field::Text { text, exact: true }),
        // A number may be a flag or bits, not for text.
        Value::Number(number) => match meaning {
            Meaning::Address(_)
            | Meaning::Name(_)
            | Meaning::FirstName
            | Meaning::LastName
            | Meaning::Password
            | Meaning::PasswordHash
            | Meaning::AccountCode
            | Meaning::AliasOf => person.set(meaning, label, Field::Other("a number")),
            meaning => person.set(meaning, label, Field::text(&number.to_string())),
        },
        Value::Array(_) => person.set(meaning, label, Field::Other("a list")),
        Value::Object(_) => person.set(meaning, label, Field::Other("an object")),
    }
}

/// The primary address of a list of SCIM, else the one for work, else the first.
fn best_address(list: &[Value]) -> Option<&str> {
    let is_primary = |entry: &&Value| match &entry["primary"] {
        Value::Bool(primary) => *primary,
        Value::String(text) => flag(text) == Some(true),
        _ => false,
    };
    let is_work =
        |entry: &&Value| entry["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let best = list.iter().find(is_primary).or_else(|| list.iter().find(is_work)).or_else(|| list.first())?;
    best.as_str().or_else(|| best["value"].as_str()).or_else(|| best["address"].as_str())
}
