//! Schemas and resource types, as tables (RFC 7643, 2, 6 and 7).

mod group;
mod user;

use serde_json::{Value, json};

pub use group::{GROUP, GROUP_SCHEMA};
pub use user::{ENTERPRISE_USER_SCHEMA, USER, USER_SCHEMA};

/// Most elements of a multi-valued attribute, unless its attribute says otherwise. `[ours]`
const MAX_ELEMENTS: usize = 1_000;

/// Longest text, in characters. `[ours]`
const MAX_TEXT: usize = 4_096;

/// Longest address of a picture, which may have the picture itself, and longest certificate, in characters. `[ours]`
const MAX_LONG_TEXT: usize = 65_536;

/// The type of an attribute (RFC 7643, 2.3). No attribute of this server is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A time in RFC 3339.
    DateTime,
    /// Base64.
    Binary,
    /// A URI.
    Reference,
    /// An object with sub-attributes.
    Complex,
}

impl Kind {
    /// Its name in a schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may set an attribute, and when (RFC 7643, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Only the server.
    ReadOnly,
    /// Clients, at any time.
    ReadWrite,
    /// Clients, once.
    Immutable,
    /// Clients, and nobody reads it.
    WriteOnly,
}

/// When a response has an attribute (RFC 7643, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// In every response.
    Always,
    /// In none.
    Never,
    /// Unless the request leaves it out.
    Default,
}

/// Where a value is unique (RFC 7643, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// Nowhere.
    None,
    /// In this server.
    Server,
}

/// An attribute of a schema, or a sub-attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name, in the spelling of canonical resources.
    pub name: &'static str,
    /// Type of its value, or of each element.
    pub kind: Kind,
    /// Whether its value is a list.
    pub multi_valued: bool,
    /// Whether texts that differ in letter case are different.
    pub case_exact: bool,
    /// Whether a resource, or an element, must have it.
    pub required: bool,
    /// Who may set it.
    pub mutability: Mutability,
    /// When a response has it.
    pub returned: Returned,
    /// Where it is unique.
    pub uniqueness: Uniqueness,
    /// What it means.
    pub description: &'static str,
    /// Suggested values. Others are accepted.
    pub canonical_values: &'static [&'static str],
    /// Its sub-attributes; empty unless it is complex.
    pub sub_attributes: &'static [Attribute],
    /// What it refers to; empty unless it is a reference.
    pub reference_types: &'static [&'static str],
    /// Most elements, if it is multi-valued. `[ours]`
    pub max_elements: usize,
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            // Two URIs, or two certificates, that differ in letter case are different (RFC 7643, 2.3.6, 2.3.7).
            case_exact: matches!(kind, Kind::Reference | Kind::Binary),
            required: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            description,
            canonical_values: &[],
            sub_attributes: &[],
            reference_types: &[],
            max_elements: MAX_ELEMENTS,
        }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Text, description)
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Boolean, description)
    }

    const fn reference(
        name: &'static str,
        types: &'static [&'static str],
        description: &'static str,
    ) -> Self {
        Self { reference_types: types, ..Self::new(name, Kind::Reference, description) }
    }

    const fn complex(name: &'static str, subs: &'static [Attribute], description: &'static str) -> Self {
        Self { sub_attributes: subs, ..Self::new(name, Kind::Complex, description) }
    }

    const fn list(name: &'static str, subs: &'static [Attribute], description: &'static str) -> Self {
        Self { multi_valued: true, ..Self::complex(name, subs, description) }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn needed(self) -> Self {
        Self { required: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    const fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    const fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    const fn unique(self) -> Self {
        Self { uniqueness: Uniqueness::Server, ..self }
    }

    const fn canonical(self, values: &'static [&'static str]) -> Self {
        Self { canonical_values: values, ..self }
    }

    /// The sub-attribute with this name, in any letter case.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    /// Longest text, in characters. `[ours]`
    pub fn max_text(&self) -> usize {
        if matches!(self.kind, Kind::Reference | Kind::Binary) { MAX_LONG_TEXT } else { MAX_TEXT }
    }

    fn to_json(self) -> Value {
        let mut json = json!({
            "name": self.name,
            "type": self.kind.as_str(),
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": match self.mutability {
                Mutability::ReadOnly => "readOnly",
                Mutability::ReadWrite => "readWrite",
                Mutability::Immutable => "immutable",
                Mutability::WriteOnly => "writeOnly",
            },
            "returned": match self.returned {
                Returned::Always => "always",
                Returned::Never => "never",
                Returned::Default => "default",
            },
            "uniqueness": match self.uniqueness {
                Uniqueness::None => "none",
                Uniqueness::Server => "server",
            },
        });
        if !self.canonical_values.is_empty() {
            json["canonicalValues"] = self.canonical_values.into();
        }
        if !self.reference_types.is_empty() {
            json["referenceTypes"] = self.reference_types.into();
        }
        if !self.sub_attributes.is_empty() {
            json["subAttributes"] = self.sub_attributes.iter().map(|sub| sub.to_json()).collect();
        }
        json
    }
}

/// A schema.
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it describes.
    pub description: &'static str,
    /// Its attributes, without those that all resources have.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute with this name, in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }

    /// Its representation below `/Schemas` (RFC 7643, 7). `base_url` has no slash at its end.
    pub fn to_json(&self, base_url: &str) -> Value {
        let attributes: Value = self.attributes.iter().map(|attribute| attribute.to_json()).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{base_url}/Schemas/{}", self.id) },
        })
    }
}

/// A kind of resource.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Its path below the base URL, such as `/Users`.
    pub endpoint: &'static str,
    /// Its core schema.
    pub schema: &'static Schema,
    /// Its extensions. None is required.
    pub extensions: &'static [&'static Schema],
}

impl ResourceType {
    /// The attribute of the core schema, or of all resources, with this name in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(&COMMON, name).or_else(|| self.schema.attribute(name))
    }

    /// Its representation below `/ResourceTypes` (RFC 7643, 6). `base_url` has no slash at its end.
    pub fn to_json(&self, base_url: &str) -> Value {
        let extension = |schema: &&Schema| json!({ "schema": schema.id, "required": false });
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name,
            "name": self.name,
            "description": self.description,
            "endpoint": self.endpoint,
            "schema": self.schema.id,
            "schemaExtensions": self.extensions.iter().map(extension).collect::<Value>(),
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{base_url}/ResourceTypes/{}", self.name),
            },
        })
    }
}

/// Attributes of all resources (RFC 7643, 3.1 and 3). Schemas do not list them.
pub(super) static COMMON: [Attribute; 4] = [
    // The server completes this list itself.
    Attribute {
        multi_valued: true,
        ..Attribute::reference("schemas", &["uri"], "URNs of the schemas of the resource.")
            .read_only()
            .always()
    },
    Attribute::text("id", "Id given by the server.").exact().read_only().always().unique(),
    Attribute::text("externalId", "Id given by the client.").exact(),
    Attribute::complex("meta", META, "Metadata of the resource.").read_only(),
];

const META: &[Attribute] = &[
    Attribute::text("resourceType", "Name of the resource type.").exact().read_only(),
    Attribute::new("created", Kind::DateTime, "Time of creation.").read_only(),
    Attribute::new("lastModified", Kind::DateTime, "Time of the last change.").read_only(),
    Attribute::reference("location", &["uri"], "URI of the resource.").read_only(),
    Attribute::text("version", "Version of the resource.").exact().read_only(),
];

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
