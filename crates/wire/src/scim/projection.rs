//! Which attributes a response has: `attributes` and `excludedAttributes` (RFC 7644, 3.9).

use serde_json::{Map, Value};

use super::path::{AttributePath, Name, resolve};
use super::schema::{Attribute, ResourceType, Returned, Schema};

/// Most names in a parameter; further ones are ignored. `[ours]`
const MAX_NAMES: usize = 200;

/// Which attributes a response has.
#[derive(Clone, Debug)]
pub struct Projection<'t> {
    resource_type: &'t ResourceType,
    /// Only these, if the request names any.
    only: Option<Vec<Name>>,
    except: Vec<Name>,
}

impl<'t> Projection<'t> {
    /// Reads both parameters: names separated by commas, in any letter case; unknown ones are ignored. If both are sent,
    /// `excludedAttributes` removes from what `attributes` requests `[ours]`; the RFC allows only one of them. A blank
    /// parameter counts as absent.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>, resource_type: &'t ResourceType) -> Self {
        let names = |list: &str| -> Vec<Name> {
            let names = list.split(',').take(MAX_NAMES).map(str::trim);
            names.filter_map(|name| resolve(name, resource_type).ok()).collect()
        };
        let only = attributes.filter(|list| !list.trim().is_empty()).map(names);
        let except = excluded.map(names).unwrap_or_default();
        Self { resource_type, only, except }
    }

    /// Whether a response may have this attribute of the core schema, or a part of it. So the caller need not load
    /// others, such as `members`.
    pub fn includes(&self, attribute: &str) -> bool {
        let attribute = self.resource_type.attribute(attribute);
        attribute.is_some_and(|attribute| self.selects(AttributePath::new(None, attribute)))
    }

    /// The resource with its selected attributes. `schemas` is first and complete: it names the core schema and the
    /// extensions that the result has. A password is never in the result.
    pub fn apply(&self, resource: &Map<String, Value>) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("schemas".to_owned(), Value::Null);
        let mut schemas = vec![self.resource_type.schema.id];
        for (key, value) in resource {
            let extension = self.resource_type.extensions.iter().find(|schema| schema.id == key);
            match (extension, value) {
                (Some(extension), Value::Object(values)) => {
                    let find = |key: &str| extension.attribute(key);
                    let kept = self.object(Some(extension), values, find);
                    if !kept.is_empty() {
                        schemas.push(extension.id);
                        fields.insert(key.clone(), Value::Object(kept));
                    }
                }
                _ if key == "schemas" => {}
                _ => {
                    let attribute = self.resource_type.attribute(key);
                    let kept = attribute.and_then(|attribute| self.value(None, attribute, value));
                    fields.extend(kept.map(|kept| (key.clone(), kept)));
                }
            }
        }
        fields.insert("schemas".to_owned(), schemas.into());
        fields
    }

    fn object(
        &self,
        extension: Option<&'static Schema>,
        values: &Map<String, Value>,
        find: impl Fn(&str) -> Option<&'static Attribute>,
    ) -> Map<String, Value> {
        let kept = values.iter().filter_map(|(key, value)| {
            let kept = self.value(extension, find(key)?, value)?;
            Some((key.clone(), kept))
        });
        kept.collect()
    }

    /// What is left of the value of an attribute.
    fn value(
        &self,
        extension: Option<&'static Schema>,
        attribute: &'static Attribute,
        value: &Value,
    ) -> Option<Value> {
        let path = AttributePath::new(extension, attribute);
        if !self.selects(path) {
            return None;
        }
        // Lists may be long, and are rarely asked for by parts.
        if attribute.sub_attributes.iter().all(|sub| self.selects(path.with_sub(sub))) {
            return Some(value.clone());
        }
        let parts = |element: &Value| -> Option<Value> {
            let kept = element
                .as_object()?
                .iter()
                .filter(|(key, _)| attribute.sub(key).is_some_and(|sub| self.selects(path.with_sub(sub))));
            let kept: Map<String, Value> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        };
        match value {
            Value::Array(elements) => {
                let kept: Vec<Value> = elements.iter().filter_map(parts).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            value => parts(value),
        }
    }

    /// Whether the result has an attribute, a part of it, or this sub-attribute.
    fn selects(&self, path: AttributePath) -> bool {
        match path.leaf().returned {
            Returned::Always => return true,
            Returned::Never => return false,
            Returned::Default => {}
        }
        let is_excluded = self.except.iter().any(|name| covers(*name, path));
        let is_wanted = |names: &Vec<Name>| {
            names.iter().any(|name| {
                covers(*name, path) || matches!(name, Name::Attribute(wanted) if is_part(*wanted, path))
            })
        };
        !is_excluded && self.only.as_ref().is_none_or(is_wanted)
    }
}

/// Whether a name means all of what a path means.
fn covers(name: Name, path: AttributePath) -> bool {
    match name {
        Name::Extension(schema) => path.extension().is_some_and(|extension| extension.id == schema.id),
        Name::Attribute(name) => name == path || (name.sub().is_none() && is_part(path, name)),
    }
}

/// Whether a path means a part of what another one means.
fn is_part(part: AttributePath, whole: AttributePath) -> bool {
    whole.sub().is_none() && AttributePath::new(part.extension(), part.attribute()) == whole
}
