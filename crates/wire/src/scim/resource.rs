//! Bodies that create or replace a resource (RFC 7644, 3.3 and 3.5.1).

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::path::{AttributePath, Name, resolve};
use super::schema::{Mutability, ResourceType, Schema};
use super::value::{ValueReader, sent_twice};

/// A resource that a client sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its attributes in canonical form, without `schemas` and what only the server sets. A password is among them.
    pub fields: Map<String, Value>,
    /// Names of attributes and extensions that no schema has, for the log: at most 100, shortened and safe to print.
    pub ignored: Vec<String>,
}

/// Reads a resource leniently and makes it canonical.
///
/// Names may have any letter case. Keys such as `name.givenName` and `urn:…:User:department` set one sub-attribute or one
/// attribute of an extension. Ignored are unknown attributes, and those that only the server sets.
///
/// Errors: `invalidSyntax` for a body that is no object, and for an attribute that was sent twice; `invalidValue` for a
/// value of the wrong type, a missing required attribute, more than one primary element, or one beyond the bounds:
/// 1,000 elements (100,000 members), 4,096 characters (65,536 in URIs and certificates) `[ours]`.
pub fn read(json: Value, resource_type: &ResourceType) -> Result<Resource, ScimError> {
    let Value::Object(body) = json else {
        let detail =
            format!("Expected the body to be an object with the attributes of a {}.", resource_type.name);
        return Err(ScimError::new(ScimType::InvalidSyntax, detail));
    };
    let mut reader = Reader { values: ValueReader::default(), fields: Map::new(), seen: Vec::new() };
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            check_schemas(&value)?;
            continue;
        }
        match resolve(&key, resource_type) {
            Ok(Name::Extension(schema)) => reader.take_extension(schema, value)?,
            // A part of every element: a body has no elements yet to which it could belong.
            Ok(Name::Attribute(path)) if path.attribute().multi_valued && path.sub().is_some() => {
                reader.values.ignore(&key);
            }
            Ok(Name::Attribute(path)) => reader.take(path, value)?,
            Err(_) => reader.values.ignore(&key),
        }
    }
    let required = resource_type.schema.attributes.iter().filter(|attribute| attribute.required);
    for attribute in required {
        if !reader.fields.contains_key(attribute.name) {
            let detail = format!("{} is missing; a {} needs it.", attribute.name, resource_type.name);
            return Err(ScimError::new(ScimType::InvalidValue, detail));
        }
    }
    Ok(Resource { fields: reader.fields, ignored: reader.values.ignored })
}

/// Refuses `schemas` that are no list of texts, and returns them.
pub(super) fn check_schemas(value: &Value) -> Result<Vec<&str>, ScimError> {
    let schemas =
        value.as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    schemas.ok_or_else(|| ScimError::new(ScimType::InvalidSyntax, "Expected schemas to be a list of URNs."))
}

struct Reader {
    values: ValueReader,
    fields: Map<String, Value>,
    /// What was sent, even if it was null. Never longer than the schemas.
    seen: Vec<AttributePath>,
}

impl Reader {
    fn take_extension(&mut self, schema: &'static Schema, value: Value) -> Result<(), ScimError> {
        let attributes = match value {
            Value::Null => return Ok(()),
            Value::Object(attributes) => attributes,
            _ => {
                let detail = format!("Expected {} to be an object.", schema.id);
                return Err(ScimError::new(ScimType::InvalidValue, detail));
            }
        };
        for (key, value) in attributes {
            match schema.attribute(&key) {
                Some(attribute) => self.take(AttributePath::new(Some(schema), attribute), value)?,
                None => self.values.ignore(&format!("{}:{key}", schema.id)),
            }
        }
        Ok(())
    }

    fn take(&mut self, path: AttributePath, value: Value) -> Result<(), ScimError> {
        let read_only = |mutability| mutability == Mutability::ReadOnly;
        if read_only(path.attribute().mutability) || read_only(path.leaf().mutability) {
            return Ok(());
        }
        if self.seen.contains(&path) {
            return Err(sent_twice(&path));
        }
        self.seen.push(path);
        match self.values.read(path, value)? {
            Some(value) => self.insert(path, value),
            None => Ok(()),
        }
    }

    /// Inserts a value. The parts of a complex attribute may come one by one.
    fn insert(&mut self, path: AttributePath, value: Value) -> Result<(), ScimError> {
        let fields = match path.extension() {
            Some(extension) => object_in(&mut self.fields, extension.id),
            None => &mut self.fields,
        };
        let (name, value) = match path.sub() {
            None => (path.attribute().name, value),
            Some(sub) => {
                (path.attribute().name, Value::Object(Map::from_iter([(sub.name.to_owned(), value)])))
            }
        };
        match (fields.get_mut(name), value) {
            (None, value) => {
                fields.insert(name.to_owned(), value);
            }
            (Some(Value::Object(present)), Value::Object(parts)) => {
                for (part, value) in parts {
                    if present.insert(part, value).is_some() {
                        return Err(sent_twice(&path));
                    }
                }
            }
            (Some(_), _) => return Err(sent_twice(&path)),
        }
        Ok(())
    }
}

/// The object under a key, which is created if it does not exist.
pub(super) fn object_in<'m>(fields: &'m mut Map<String, Value>, key: &str) -> &'m mut Map<String, Value> {
    let slot = fields.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(object) => object,
        _ => unreachable!("the line before made it an object"),
    }
}
