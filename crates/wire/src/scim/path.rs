//! Names of attributes: `[urn:]attribute[.sub-attribute]` (RFC 7644, 3.10), in any letter case.

use std::fmt;
use std::ptr;

use super::error::{ScimError, ScimType, shown};
use super::schema::{Attribute, COMMON, ResourceType, Schema};

/// An attribute or a sub-attribute of a resource type.
#[derive(Clone, Copy, Debug)]
pub struct AttributePath {
    extension: Option<&'static Schema>,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    /// The URN of an extension: all its attributes.
    Extension(&'static Schema),
    /// An attribute.
    Attribute(AttributePath),
}

impl AttributePath {
    /// Parses the name of an attribute. The name of an extension's attribute needs the extension's URN; a common or core
    /// attribute may have the URN of the core schema. Errors: `invalidPath`.
    pub fn parse(text: &str, resource_type: &ResourceType) -> Result<Self, ScimError> {
        match resolve(text, resource_type) {
            Ok(Name::Attribute(path)) => Ok(path),
            Ok(Name::Extension(schema)) => Err(format!("expected an attribute after the URN {}", schema.id)),
            Err(problem) => Err(problem),
        }
        .map_err(|problem| ScimError::new(ScimType::InvalidPath, format!("Invalid path: {problem}.")))
    }

    /// An attribute of a schema: of an extension, or of the core schema if `extension` is `None`.
    pub(super) fn new(extension: Option<&'static Schema>, attribute: &'static Attribute) -> Self {
        Self { extension, attribute, sub: None }
    }

    /// One of its sub-attributes.
    pub(super) fn with_sub(self, sub: &'static Attribute) -> Self {
        Self { sub: Some(sub), ..self }
    }

    /// What a comparison with this path compares: `emails` means `emails.value` (RFC 7644, 3.4.2.2).
    pub(super) fn with_value(self) -> Self {
        Self { sub: self.sub.or_else(|| self.attribute.sub("value")), ..self }
    }

    /// The extension to which it belongs; `None`: to the core schema, or to all resources.
    pub fn extension(&self) -> Option<&'static Schema> {
        self.extension
    }

    /// The attribute.
    pub fn attribute(&self) -> &'static Attribute {
        self.attribute
    }

    /// The sub-attribute, if the path has one.
    pub fn sub(&self) -> Option<&'static Attribute> {
        self.sub
    }

    /// The sub-attribute, else the attribute.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }
}

impl PartialEq for AttributePath {
    fn eq(&self, other: &Self) -> bool {
        let key = |path: &Self| (path.extension.map(ptr::from_ref), path.sub.map(ptr::from_ref));
        ptr::eq(self.attribute, other.attribute) && key(self) == key(other)
    }
}

impl Eq for AttributePath {}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(extension) = self.extension {
            write!(f, "{}:", extension.id)?;
        }
        f.write_str(self.attribute.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

/// What a name means, or a sentence that says why it means nothing.
pub(super) fn resolve(text: &str, resource_type: &ResourceType) -> Result<Name, String> {
    if !starts_with(text, "urn:") {
        return in_core(text, resource_type).map(Name::Attribute);
    }
    // The URN of a schema has dots and colons itself, so the known ones are compared as a whole.
    for &extension in resource_type.extensions {
        match after_urn(text, extension) {
            Some("") => return Ok(Name::Extension(extension)),
            Some(rest) => {
                let find = |name: &str| extension.attribute(name);
                let names = || extension.attributes.iter();
                return split(rest, Some(extension), find, names).map(Name::Attribute);
            }
            None => {}
        }
    }
    match after_urn(text, resource_type.schema) {
        Some("") => Err(format!("expected an attribute after the URN {}", resource_type.schema.id)),
        Some(rest) => in_core(rest, resource_type).map(Name::Attribute),
        None => Err(format!("unknown schema or attribute {} of {}", shown(text), resource_type.name)),
    }
}

/// As [`resolve`], but the attribute of an extension needs no URN if its name is not one of the core schema: Entra ID
/// sends `manager` as the path of a PATCH and in filters. `[ours]`
pub(super) fn resolve_loosely(text: &str, resource_type: &ResourceType) -> Result<Name, String> {
    resolve(text, resource_type).or_else(|problem| {
        for &extension in resource_type.extensions {
            let find = |name: &str| extension.attribute(name);
            if let Ok(path) = split(text, Some(extension), find, || [].iter()) {
                return Ok(Name::Attribute(path));
            }
        }
        Err(problem)
    })
}

fn in_core(text: &str, resource_type: &ResourceType) -> Result<AttributePath, String> {
    let find = |name: &str| resource_type.attribute(name);
    let names = || resource_type.schema.attributes.iter().chain(&COMMON);
    split(text, None, find, names).map_err(|problem| {
        let name = text.split('.').next().unwrap_or_default();
        let is_there = |schema: &&&Schema| find(name).is_none() && schema.attribute(name).is_some();
        match resource_type.extensions.iter().find(is_there) {
            Some(schema) => format!("{problem} (did you mean {}:{}?)", schema.id, shown_name(text)),
            None => problem,
        }
    })
}

/// Finds `attribute[.sub]` in one schema.
fn split<I: Iterator<Item = &'static Attribute>>(
    text: &str,
    extension: Option<&'static Schema>,
    find: impl Fn(&str) -> Option<&'static Attribute>,
    names: impl Fn() -> I,
) -> Result<AttributePath, String> {
    let (name, sub) = text.split_once('.').map_or((text, None), |(name, sub)| (name, Some(sub)));
    let Some(attribute) = find(name) else {
        return Err(format!("unknown attribute {}{}", shown(name), suggestion(name, names())));
    };
    let path = AttributePath::new(extension, attribute);
    match sub {
        None => Ok(path),
        Some(sub) => sub_attribute(path, sub),
    }
}

/// The sub-attribute of an attribute, or a sentence that says why there is none.
pub(super) fn sub_attribute(path: AttributePath, name: &str) -> Result<AttributePath, String> {
    let attribute = path.attribute();
    match attribute.sub(name) {
        Some(sub) => Ok(path.with_sub(sub)),
        None => {
            let hint = suggestion(name, attribute.sub_attributes.iter());
            Err(format!("unknown sub-attribute {} of {}{hint}", shown(name), attribute.name))
        }
    }
}

/// Names at most one letter away from an existing one are probably meant for it.
fn suggestion(name: &str, attributes: impl Iterator<Item = &'static Attribute>) -> String {
    const LONGEST: usize = 40;
    if name.len() > LONGEST {
        return String::new();
    }
    let typed = name.to_ascii_lowercase();
    let is_near = |known: &&Attribute| {
        known.name.len() >= 4 && strsim::osa_distance(&typed, &known.name.to_ascii_lowercase()) == 1
    };
    let mut attributes = attributes;
    attributes.find(is_near).map_or_else(String::new, |known| format!(" (did you mean {}?)", known.name))
}

fn shown_name(text: &str) -> String {
    shown(text).trim_matches('"').to_owned()
}

/// What follows the URN of a schema and a colon; empty, if nothing does.
fn after_urn<'t>(text: &'t str, schema: &Schema) -> Option<&'t str> {
    if !starts_with(text, schema.id) {
        return None;
    }
    match &text[schema.id.len()..] {
        "" => Some(""),
        rest => rest.strip_prefix(':').filter(|rest| !rest.is_empty()),
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}
