//! Reads the value of an attribute leniently and makes it canonical.
//!
//! Accepted beyond the RFC `[ours]`: booleans as texts (Entra ID); one object instead of a list with one element; a text
//! instead of an object with this `value`, for `manager`, `roles`, `entitlements` and other complex attributes.
//! Numbers are refused where a text belongs: `007` would have become 7 before it was sent.

use std::mem;

use serde_json::{Map, Value};

use super::elements::{is_primary, remove_duplicates};
use super::error::{ScimError, ScimType, shown_value};
use super::path::AttributePath;
use super::schema::{Attribute, Kind, Mutability};
use super::text::boolean;
use crate::printable::printable_start;

/// Most names of ignored attributes that are kept, and longest of them in characters. `[ours]`
const MAX_IGNORED: usize = 100;
const MAX_IGNORED_NAME: usize = 100;

/// Reads values, and notes what it ignores.
#[derive(Debug, Default)]
pub(super) struct ValueReader {
    /// Names of unknown attributes, safe to print.
    pub(super) ignored: Vec<String>,
}

impl ValueReader {
    pub(super) fn ignore(&mut self, name: &str) {
        if self.ignored.len() < MAX_IGNORED {
            self.ignored.push(printable_start(name, MAX_IGNORED_NAME));
        }
    }

    /// The canonical value of an attribute or sub-attribute; `None`: it is absent. Recursion follows the schema, so it
    /// is at most three levels deep; unknown parts are not read.
    pub(super) fn read(&mut self, path: AttributePath, value: Value) -> Result<Option<Value>, ScimError> {
        match path.leaf().multi_valued {
            true => {
                let elements = self.list(path, value)?;
                Ok((!elements.is_empty()).then_some(Value::Array(elements)))
            }
            false => self.single(path, value),
        }
    }

    /// The elements of a multi-valued attribute, without equal ones.
    pub(super) fn list(&mut self, path: AttributePath, value: Value) -> Result<Vec<Value>, ScimError> {
        let attribute = path.leaf();
        let values = match value {
            Value::Null => Vec::new(),
            Value::Array(values) => values,
            Value::Object(_) | Value::String(_) => vec![value],
            other => return Err(unexpected(path, "a list of objects", &other)),
        };
        check_count(path, values.len())?;
        let mut elements = Vec::with_capacity(values.len());
        for value in values {
            if let Some(element) = self.single(path, value)? {
                check_required(path, &element)?;
                elements.push(element);
            }
        }
        if elements.iter().filter(|element| is_primary(element)).count() > 1 {
            let detail = format!(
                "{path} has more than one primary element; expected at most one. Set primary to false in the others."
            );
            return Err(ScimError::new(ScimType::InvalidValue, detail));
        }
        remove_duplicates(attribute, &mut elements);
        Ok(elements)
    }

    /// A value of a single-valued attribute, or an element of a list.
    pub(super) fn single(&mut self, path: AttributePath, value: Value) -> Result<Option<Value>, ScimError> {
        match path.leaf().kind {
            Kind::Complex => self.complex(path, value),
            Kind::Boolean => match value {
                Value::Null => Ok(None),
                Value::Bool(_) => Ok(Some(value)),
                Value::String(text) if text.is_empty() => Ok(None),
                Value::String(text) => match boolean(&text) {
                    Some(flag) => Ok(Some(flag.into())),
                    None => Err(unexpected(path, "true or false", &Value::String(text))),
                },
                other => Err(unexpected(path, "true or false", &other)),
            },
            Kind::Text | Kind::DateTime | Kind::Binary | Kind::Reference => text(path, value),
        }
    }

    fn complex(&mut self, path: AttributePath, value: Value) -> Result<Option<Value>, ScimError> {
        let attribute = path.leaf();
        let parts = match value {
            Value::Null => return Ok(None),
            Value::Object(parts) => parts,
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(_) if attribute.sub("value").is_some() => {
                Map::from_iter([("value".to_owned(), value)])
            }
            other => return Err(unexpected(path, "an object", &other)),
        };
        let mut seen: Vec<&'static str> = Vec::new();
        let mut fields = Map::new();
        for (key, value) in parts {
            let Some(sub) = self.known_sub(path, &key) else { continue };
            if seen.contains(&sub.name) {
                return Err(sent_twice(&path.with_sub(sub)));
            }
            seen.push(sub.name);
            if let Some(value) = self.single(path.with_sub(sub), value)? {
                fields.insert(sub.name.to_owned(), value);
            }
        }
        Ok((!fields.is_empty()).then_some(Value::Object(fields)))
    }

    /// The sub-attribute that a key names, unless only the server sets it. Unknown ones are noted.
    pub(super) fn known_sub(&mut self, path: AttributePath, key: &str) -> Option<&'static Attribute> {
        let sub = path.attribute().sub(key);
        if sub.is_none() {
            self.ignore(&format!("{path}.{key}"));
        }
        sub.filter(|sub| sub.mutability != Mutability::ReadOnly)
    }
}

fn text(path: AttributePath, mut value: Value) -> Result<Option<Value>, ScimError> {
    let Value::String(text) = &mut value else {
        return match value {
            Value::Null => Ok(None),
            Value::Number(_) => Err(unexpected(path, "a text in double quotes", &value)),
            other => Err(unexpected(path, "a text", &other)),
        };
    };
    if text.is_empty() {
        return Ok(None);
    }
    let most = path.leaf().max_text();
    // A character has at least one byte, so most texts need no counting.
    if text.len() > most && text.chars().count() > most {
        let found = text.chars().count();
        let detail = format!("{path} is too long: expected at most {most} characters, found {found}.");
        return Err(ScimError::new(ScimType::InvalidValue, detail));
    }
    Ok(Some(Value::String(mem::take(text))))
}

/// Refuses more elements than an attribute may have.
pub(super) fn check_count(path: AttributePath, count: usize) -> Result<(), ScimError> {
    let most = path.attribute().max_elements;
    if count <= most {
        return Ok(());
    }
    let detail = format!("{path} has too many elements: expected at most {most}, found {count}.");
    Err(ScimError::new(ScimType::InvalidValue, detail))
}

/// Refuses an element without a sub-attribute that every element has.
pub(super) fn check_required(path: AttributePath, element: &Value) -> Result<(), ScimError> {
    let missing = |sub: &&Attribute| {
        sub.required && element.get(sub.name).is_none_or(|value| value.as_str() == Some(""))
    };
    match path.attribute().sub_attributes.iter().find(missing) {
        None => Ok(()),
        Some(sub) => {
            let detail = format!("An element of {path} has no {}; each element needs one.", sub.name);
            Err(ScimError::new(ScimType::InvalidValue, detail))
        }
    }
}

/// A value of the wrong type.
pub(super) fn unexpected(path: AttributePath, expected: &str, found: &Value) -> ScimError {
    let found = shown_value(path.leaf(), found);
    ScimError::new(ScimType::InvalidValue, format!("{path}: expected {expected}, found {found}."))
}

/// A key that is there twice, in two spellings.
pub(super) fn sent_twice(path: &AttributePath) -> ScimError {
    let detail = format!("{path} was sent twice, perhaps in different letter case. Send it once.");
    ScimError::new(ScimType::InvalidSyntax, detail)
}
