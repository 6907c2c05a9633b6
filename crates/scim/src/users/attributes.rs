//! The directory's attributes as SCIM has them.

use directory::attribute::Attribute;
use serde_json::{Map, Value, json};
use wire::scim::ENTERPRISE_USER_SCHEMA;

/// Where SCIM has an attribute of the directory.
enum Place {
    /// An attribute of the core schema.
    Core(&'static str),
    /// An attribute of the enterprise extension.
    Enterprise(&'static str),
    /// The `value` of a complex attribute of the enterprise extension. What is next to it is kept as it was sent.
    EnterpriseValue(&'static str),
    /// The `value` of the first element with this type in a list of the core schema. The others, and what is next to it, are
    /// kept as they were sent.
    Element(&'static str, &'static str),
}

/// The name of an attribute in SCIM.
pub(super) fn scim_name(attribute: Attribute) -> &'static str {
    let found = ATTRIBUTES.iter().find(|(own, _)| *own == attribute);
    found.map_or(attribute.name(), |(_, place)| match place {
        Place::Core(name)
        | Place::Enterprise(name)
        | Place::EnterpriseValue(name)
        | Place::Element(name, _) => name,
    })
}

/// The directory's attributes that SCIM has too.
const ATTRIBUTES: [(Attribute, Place); 7] = [
    (Attribute::Title, Place::Core("title")),
    (Attribute::Company, Place::Enterprise("organization")),
    (Attribute::Department, Place::Enterprise("department")),
    (Attribute::EmployeeId, Place::Enterprise("employeeNumber")),
    (Attribute::Manager, Place::EnterpriseValue("manager")),
    (Attribute::PhoneNumber, Place::Element("phoneNumbers", "work")),
    (Attribute::MobileNumber, Place::Element("phoneNumbers", "mobile")),
];

/// Takes the directory's attributes out of a resource, each with its value; an empty one is to be removed.
pub(super) fn take_attributes(fields: &mut Map<String, Value>) -> Vec<(Attribute, String)> {
    let taken = ATTRIBUTES.map(|(attribute, place)| {
        let value = match place {
            Place::Core(name) => fields.shift_remove(name),
            Place::Enterprise(name) => enterprise(fields).and_then(|place| place.shift_remove(name)),
            Place::EnterpriseValue(name) => {
                enterprise(fields).and_then(|place| place.get(name)?.get("value").cloned())
            }
            Place::Element(list, kind) => {
                let at = position(fields, list, kind);
                at.and_then(|at| fields[list][at].get("value").cloned())
            }
        };
        let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
        (attribute, text.to_owned())
    });
    if enterprise(fields).is_some_and(|place| place.is_empty()) {
        fields.shift_remove(ENTERPRISE_USER_SCHEMA.id);
    }
    taken.into()
}

/// The enterprise extension of a resource, if it has one.
fn enterprise(fields: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    fields.get_mut(ENTERPRISE_USER_SCHEMA.id)?.as_object_mut()
}

/// The first element of a list with a type.
fn position(fields: &Map<String, Value>, list: &str, kind: &str) -> Option<usize> {
    let is_it = |element: &Value| {
        element.get("type").and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(kind))
    };
    fields.get(list)?.as_array()?.iter().position(is_it)
}

/// Puts the directory's attributes into a resource. They may have been changed elsewhere since the rest was sent.
pub(super) fn insert_attributes(fields: &mut Map<String, Value>, attributes: &[(Attribute, String)]) {
    for (attribute, place) in ATTRIBUTES {
        let text = attributes.iter().find(|(own, _)| *own == attribute).map(|(_, text)| text.as_str());
        match (place, text) {
            (Place::Core(name), Some(text)) => drop(fields.insert(name.to_owned(), text.into())),
            (Place::Enterprise(name), Some(text)) => {
                fields.entry(ENTERPRISE_USER_SCHEMA.id).or_insert_with(|| json!({}))[name] = text.into();
            }
            (Place::EnterpriseValue(name), Some(text)) => {
                let place = fields.entry(ENTERPRISE_USER_SCHEMA.id).or_insert_with(|| json!({}));
                // What is next to another value belongs to that.
                if place[name]["value"] != text {
                    place[name] = json!({ "value": text });
                }
            }
            (Place::EnterpriseValue(name), None) => {
                if let Some(place) = enterprise(fields)
                    && place.get(name).is_some_and(|kept| kept.get("value").is_some())
                {
                    place.shift_remove(name);
                }
            }
            (Place::Element(list, kind), text) => insert_element(fields, list, kind, text),
            (Place::Core(_) | Place::Enterprise(_), None) => {}
        }
    }
}

/// Sets, adds or removes the element of a list with a type.
fn insert_element(fields: &mut Map<String, Value>, list: &str, kind: &str, text: Option<&str>) {
    match (position(fields, list, kind), text) {
        (Some(at), Some(text)) => fields[list][at]["value"] = text.into(),
        (None, Some(text)) => {
            let added = json!({ "value": text, "type": kind });
            if let Some(list) = fields.entry(list).or_insert_with(|| json!([])).as_array_mut() {
                list.push(added);
            }
        }
        (Some(at), None) => {
            if let Some(list) = fields.get_mut(list).and_then(Value::as_array_mut)
                && list[at].get("value").is_some()
            {
                list.remove(at);
            }
            if fields.get(list).and_then(Value::as_array).is_some_and(Vec::is_empty) {
                fields.shift_remove(list);
            }
        }
        (None, None) => {}
    }
}
