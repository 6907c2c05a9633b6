//! Filters (RFC 7644, 3.4.2.2).

mod eval;
mod parse;

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::ScimError;
use super::path::AttributePath;
use super::schema::{Attribute, ResourceType};

pub(super) use parse::parse_path;

/// A condition on resources.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them; at least two, none of which is `And`.
    And(Vec<Filter>),
    /// One of them; at least two, none of which is `Or`.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// A comparison.
    Compare(Comparison),
    /// The attribute has a value.
    Present(AttributePath),
    /// One element of an attribute satisfies the condition, whose paths are sub-attributes of that attribute.
    Element(AttributePath, Box<Filter>),
}

/// `attribute operator value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    path: AttributePath,
    operator: Operator,
    value: Literal,
    operand: Operand,
}

impl Comparison {
    /// What is compared. The path ends with a sub-attribute if the attribute has any.
    pub fn path(&self) -> &AttributePath {
        &self.path
    }

    /// How it is compared.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// With which value.
    pub fn value(&self) -> &Literal {
        &self.value
    }
}

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// A value is equal.
    Eq,
    /// No value is equal.
    Ne,
    /// A value contains the text.
    Co,
    /// A value starts with the text.
    Sw,
    /// A value ends with the text.
    Ew,
    /// A value is greater.
    Gt,
    /// A value is greater or equal.
    Ge,
    /// A value is less.
    Lt,
    /// A value is less or equal.
    Le,
}

impl Operator {
    const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// Its word in a filter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    fn is_order(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }

    fn is_equality(self) -> bool {
        matches!(self, Self::Eq | Self::Ne)
    }
}

/// A value in a filter. No attribute is a number, so no filter has one.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text, without its escapes.
    Text(String),
    /// True or false. A text compared with a boolean attribute becomes one.
    Boolean(bool),
    /// No value.
    Null,
}

/// A value, prepared for comparisons with its attribute.
#[derive(Clone, Debug, PartialEq)]
enum Operand {
    /// A text: exact, or in lower case.
    Text(String),
    Boolean(bool),
    Instant(Timestamp),
    /// The attribute is absent.
    Null,
}

impl Filter {
    /// Parses a filter on resources of this type. The attribute of an extension needs no URN. At most 8,192 bytes and 32 nested parentheses and brackets `[ours]`;
    /// takes linear time. Errors: `invalidFilter`, with the position; `sensitive` for a filter on passwords.
    pub fn parse(text: &str, resource_type: &ResourceType) -> Result<Self, ScimError> {
        parse::parse(text, resource_type)
    }

    /// Whether a resource in canonical form satisfies the filter.
    ///
    /// Texts compare in lower case unless their schema says `caseExact`, times as instants. `ne` is the opposite of
    /// `eq`: no value is equal, so it is true for an absent attribute. `[ours]`: the RFC leaves both open.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        eval::holds(self, eval::Scope::Resource(resource))
    }

    /// Whether the element of a list satisfies the condition of [`Filter::Element`].
    pub(super) fn matches_element(&self, element: &Value) -> bool {
        eval::holds(self, eval::Scope::Element(element))
    }

    /// The text that every match has as a value of an attribute, so that a store can look it up. `path` is in the
    /// spelling of the schema, such as `userName`; that of a complex attribute ends with its sub-attribute, such as
    /// `emails.value` or `members.value`. Letter case is that of the filter.
    pub fn required_equals(&self, path: &str) -> Option<&str> {
        match self {
            Self::And(all) => all.iter().find_map(|filter| filter.required_equals(path)),
            Self::Element(_, condition) => condition.required_equals(path),
            Self::Compare(Comparison {
                path: own,
                operator: Operator::Eq,
                value: Literal::Text(text),
                ..
            }) if own.to_string() == path => Some(text),
            _ => None,
        }
    }

    /// The sub-attributes with their values, if the condition on an element is only `eq`, joined by `and`.
    pub(super) fn equalities(&self) -> Option<Vec<(&'static Attribute, Value)>> {
        match self {
            Self::And(all) => {
                let parts: Option<Vec<_>> = all.iter().map(Self::equalities).collect();
                Some(parts?.concat())
            }
            Self::Compare(Comparison { path, operator: Operator::Eq, value, .. }) => {
                let value = match value {
                    Literal::Text(text) if is_storable(path.leaf(), text) => Value::String(text.clone()),
                    Literal::Boolean(flag) => Value::Bool(*flag),
                    _ => return None,
                };
                Some(vec![(path.leaf(), value)])
            }
            _ => None,
        }
    }

    /// The text of the filter `value eq "…"`, if it is that and no more.
    pub(super) fn only_value(&self) -> Option<&str> {
        match self {
            Self::Compare(Comparison {
                path, operator: Operator::Eq, value: Literal::Text(text), ..
            }) if path.leaf().name == "value" && !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, is_inner: bool) -> fmt::Result {
        let write_path = |f: &mut fmt::Formatter<'_>, path: &AttributePath| match path.sub() {
            Some(sub) if is_inner => f.write_str(sub.name),
            _ => write!(f, "{path}"),
        };
        match self {
            Self::And(all) | Self::Or(all) => {
                let word = if matches!(self, Self::And(_)) { " and " } else { " or " };
                for (n, filter) in all.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { word })?;
                    let needs_parentheses = matches!((self, filter), (Self::And(_), Self::Or(_)));
                    f.write_str(if needs_parentheses { "(" } else { "" })?;
                    filter.write(f, is_inner)?;
                    f.write_str(if needs_parentheses { ")" } else { "" })?;
                }
                Ok(())
            }
            Self::Not(filter) => {
                f.write_str("not (")?;
                filter.write(f, is_inner)?;
                f.write_str(")")
            }
            Self::Compare(Comparison { path, operator, value, .. }) => {
                write_path(f, path)?;
                write!(f, " {} {value}", operator.as_str())
            }
            Self::Present(path) => {
                write_path(f, path)?;
                f.write_str(" pr")
            }
            Self::Element(path, condition) => {
                write!(f, "{path}[")?;
                condition.write(f, true)?;
                f.write_str("]")
            }
        }
    }
}

fn is_storable(attribute: &Attribute, text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= attribute.max_text()
}

/// A text that parses to the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Value::from(text.as_str())),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Null => f.write_str("null"),
        }
    }
}
