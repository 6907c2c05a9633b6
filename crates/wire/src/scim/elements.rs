//! Elements of multi-valued attributes: which are equal, and which one is primary (RFC 7643, 2.4).

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{Attribute, Mutability};
use super::text::comparable;

/// The sub-attributes by which elements are equal: value and type; without a value, all but `primary`. The type of a
/// group's member is immutable: it follows from the member, and is no part of its identity. `[ours]`
pub(super) fn identifies(attribute: &Attribute, sub: &Attribute) -> bool {
    if attribute.sub("value").is_none() {
        return sub.name != "primary";
    }
    sub.name == "value" || (sub.name == "type" && sub.mutability != Mutability::Immutable)
}

/// A text that equal elements share.
pub(super) fn identity(attribute: &Attribute, element: &Value) -> String {
    let mut key = String::new();
    write_identity(attribute, element, &mut key);
    key
}

/// Replaces `key` by the identity of an element. A long list needs no allocation for each element.
pub(super) fn write_identity(attribute: &Attribute, element: &Value, key: &mut String) {
    key.clear();
    for sub in attribute.sub_attributes.iter().filter(|sub| identifies(attribute, sub)) {
        match element.get(sub.name).and_then(Value::as_str) {
            Some(text) => {
                let text = comparable(text, sub.case_exact);
                // The length keeps neighbours apart, whatever characters they have.
                let _ = write!(key, "{}:{text}", text.len());
            }
            None => key.push('-'),
        }
    }
}

pub(super) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Removes elements equal to an earlier one, which becomes primary if one of them was.
pub(super) fn remove_duplicates(attribute: &Attribute, elements: &mut Vec<Value>) {
    if elements.len() < 2 {
        return;
    }
    let mut places: HashMap<String, usize> = HashMap::with_capacity(elements.len());
    let mut kept: Vec<Value> = Vec::with_capacity(elements.len());
    for element in elements.drain(..) {
        let place = *places.entry(identity(attribute, &element)).or_insert(kept.len());
        if place == kept.len() {
            kept.push(element);
        } else if is_primary(&element) {
            kept[place]["primary"] = true.into();
        }
    }
    *elements = kept;
}

/// Makes every other element not primary (RFC 7644, 3.5.2).
pub(super) fn make_only_primary(elements: &mut [Value], primary: usize) {
    for (place, element) in elements.iter_mut().enumerate() {
        if place != primary && is_primary(element) {
            element["primary"] = false.into();
        }
    }
}
