//! PATCH (RFC 7644, 3.5.2): reading its operations, and applying them to a resource.
//!
//! Beyond the RFC, as Entra ID and Okta need it `[ours]`:
//!
//! * Words and keys have any letter case. A value without path may have keys that are paths themselves, even
//!   `emails[type eq "work"].value`; unknown ones and those that only the server sets are ignored there, as in POST,
//!   while a path must name an attribute that clients may change.
//! * Adding to a list an element that it has already (equal by value and type) adds the other sub-attributes to that
//!   element. The last element that is made primary is the only primary one.
//! * `add` and `replace` at a filter that matches nothing create the element if the filter says what it is: only `eq`,
//!   joined by `and`. Otherwise the error is `noTarget`.
//! * Replacing a whole element keeps what the filter says, such as its type, unless the new value says otherwise.
//! * `remove` at a list takes a value: only the elements with these values are removed.
//! * Removing what is absent is no error. Removing the `value` of an element removes the element.
//! * `replace` with null, an empty text, list or object removes. `add` with them removes a single value, and adds
//!   nothing to a list.
//! * A text as the value of a complex attribute such as `manager` replaces it by an object with this `value`.

mod apply;
mod read;

use serde_json::{Map, Value};

use super::error::ScimError;
use super::filter::Filter;
use super::path::AttributePath;
use super::schema::{Attribute, ResourceType, Schema};

/// The operations of a PATCH.
#[derive(Clone, Debug)]
pub struct Patch {
    steps: Vec<Step>,
    ignored: Vec<String>,
}

/// The result of a PATCH.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The resource. It has a password if the request set one; the caller takes it out.
    pub resource: Map<String, Value>,
    /// Whether it differs from before.
    pub is_changed: bool,
}

/// A change of a group's members.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberChange<'p> {
    /// Adds these members: objects with `value`, perhaps `$ref` and `type`.
    Add(&'p [Value]),
    /// Removes the members with these ids.
    Remove(Vec<&'p str>),
}

/// A change of one attribute. Operations are split into them when they are read.
#[derive(Clone, Debug)]
enum Step {
    /// Sets or removes a single value.
    Set(AttributePath, Option<Value>),
    /// Removes all attributes of an extension.
    RemoveExtension(&'static Schema),
    /// Adds elements to a list.
    Add(AttributePath, Vec<Value>),
    /// Replaces a list.
    ReplaceAll(AttributePath, Vec<Value>),
    /// Removes the elements that these name.
    RemoveNamed(AttributePath, Vec<Value>),
    /// Changes the elements that match; without a filter, all of them.
    Change { path: AttributePath, filter: Option<Filter>, change: Change },
}

/// A change of an element.
#[derive(Clone, Debug)]
enum Change {
    /// Adds these sub-attributes.
    Merge(Map<String, Value>),
    /// Replaces all sub-attributes by these, and by those of the filter.
    Replace(Map<String, Value>),
    /// Sets one sub-attribute.
    Set(&'static Attribute, Value),
    /// Removes one sub-attribute.
    Unset(&'static Attribute),
    /// Removes the element.
    Remove,
}

impl Patch {
    /// Reads the body of a PATCH: an object whose `Operations` has 1 to 1,000 operations `[ours]`.
    ///
    /// Errors: `invalidSyntax` for another body; `invalidPath`, `invalidFilter`; `mutability` for what only the server
    /// sets, what cannot change, and the removal of a required attribute; `noTarget` for a removal without path;
    /// `invalidValue` for a missing value or one that [`read`](super::read) would refuse.
    pub fn read(json: Value, resource_type: &ResourceType) -> Result<Self, ScimError> {
        read::read(json, resource_type)
    }

    /// Names of unknown attributes that are ignored, for the log: at most 100, shortened and safe to print.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Applies all operations to a resource in canonical form, or none of them. Takes time in proportion to the length
    /// of the lists and of the request.
    ///
    /// Errors: `noTarget` if a filter matches nothing and does not describe a new element; `invalidValue` if a list
    /// becomes too long.
    pub fn apply(&self, current: &Map<String, Value>) -> Result<Patched, ScimError> {
        let mut resource = current.clone();
        for step in &self.steps {
            apply::apply(step, &mut resource)?;
        }
        let is_changed = resource != *current;
        Ok(Patched { resource, is_changed })
    }

    /// The changes of members, in order, if all operations only add members to a group or remove members by their ids.
    /// Then the change needs none of the other members.
    pub fn member_changes(&self) -> Option<Vec<MemberChange<'_>>> {
        self.steps.iter().map(member_change).collect()
    }
}

fn member_change(step: &Step) -> Option<MemberChange<'_>> {
    match step {
        Step::Add(path, elements) if path.attribute().name == "members" => Some(MemberChange::Add(elements)),
        Step::RemoveNamed(path, elements) if path.attribute().name == "members" => {
            let ids: Option<Vec<_>> = elements.iter().map(|element| element.get("value")?.as_str()).collect();
            ids.map(MemberChange::Remove)
        }
        _ => None,
    }
}
