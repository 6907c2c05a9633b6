//! Applies a step to a resource.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::super::elements::{
    identifies, identity, is_primary, make_only_primary, remove_duplicates, write_identity,
};
use super::super::error::{ScimError, ScimType};
use super::super::filter::Filter;
use super::super::path::AttributePath;
use super::super::resource::object_in;
use super::super::schema::{Attribute, Mutability};
use super::super::text::comparable;
use super::super::value::{check_count, check_required};
use super::{Change, Step};
use crate::printable::printable;

pub(super) fn apply(step: &Step, resource: &mut Map<String, Value>) -> Result<(), ScimError> {
    match step {
        Step::RemoveExtension(schema) => {
            resource.shift_remove(schema.id);
            Ok(())
        }
        Step::Set(path, value) => {
            set(resource, *path, value.as_ref());
            Ok(())
        }
        Step::Add(path, elements) => change_list(resource, *path, |list| add(*path, list, elements)),
        Step::ReplaceAll(path, elements) => change_list(resource, *path, |list| {
            list.clone_from(elements);
            Ok(())
        }),
        Step::RemoveNamed(path, elements) => change_list(resource, *path, |list| {
            remove_named(path.attribute(), list, elements);
            Ok(())
        }),
        Step::Change { path, filter, change } => {
            change_list(resource, *path, |list| change_elements(*path, list, filter.as_ref(), change))
        }
    }
}

/// Sets or removes a single value; objects without values are removed, too.
fn set(resource: &mut Map<String, Value>, path: AttributePath, value: Option<&Value>) {
    let keys = [path.extension().map(|schema| schema.id), path.sub().map(|_| path.attribute().name)];
    let keys: Vec<&str> = keys.into_iter().flatten().collect();
    match value {
        Some(value) => {
            let object = keys.iter().fold(resource, |object, key| object_in(object, key));
            object.insert(path.leaf().name.to_owned(), value.clone());
        }
        None => remove(resource, &keys, path.leaf().name),
    }
}

/// Removes a key from the object at `keys`, and the objects that this leaves empty. At most two keys.
fn remove(object: &mut Map<String, Value>, keys: &[&str], name: &str) {
    let Some((first, rest)) = keys.split_first() else {
        object.shift_remove(name);
        return;
    };
    let Some(Value::Object(inner)) = object.get_mut(*first) else { return };
    remove(inner, rest, name);
    if inner.is_empty() {
        object.shift_remove(*first);
    }
}

/// Changes a list, which is absent if it is empty.
fn change_list(
    resource: &mut Map<String, Value>,
    path: AttributePath,
    change: impl FnOnce(&mut Vec<Value>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    let name = path.attribute().name;
    let extension = path.extension().map(|schema| schema.id);
    let fields = match extension {
        Some(extension) => object_in(resource, extension),
        None => &mut *resource,
    };
    let slot = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    let mut list = match slot.take() {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        single => vec![single],
    };
    change(&mut list)?;
    check_count(path, list.len())?;
    let is_empty = list.is_empty();
    *slot = Value::Array(list);
    if is_empty {
        remove(resource, extension.as_slice(), name);
    }
    Ok(())
}

/// Adds elements. One that the list has already gets the sub-attributes that are new.
fn add(path: AttributePath, list: &mut Vec<Value>, elements: &[Value]) -> Result<(), ScimError> {
    let attribute = path.attribute();
    // The list may be long, and the elements few: only these are stored.
    let mut places: HashMap<String, Option<usize>> =
        elements.iter().map(|element| (identity(attribute, element), None)).collect();
    let mut key = String::new();
    for (place, element) in list.iter().enumerate() {
        write_identity(attribute, element, &mut key);
        if let Some(found) = places.get_mut(&key) {
            found.get_or_insert(place);
        }
    }
    let mut primary = None;
    for element in elements {
        write_identity(attribute, element, &mut key);
        let place = places.get_mut(&key).map_or(list.len(), |place| *place.get_or_insert(list.len()));
        match (list.get_mut(place), element) {
            (Some(Value::Object(present)), Value::Object(parts)) => merge(attribute, present, parts, true),
            _ => list.push(element.clone()),
        }
        if is_primary(element) {
            primary = Some(place);
        }
    }
    if let Some(primary) = primary {
        make_only_primary(list, primary);
    }
    Ok(())
}

/// Sets sub-attributes of an element. What cannot change keeps its value; if the elements are equal, so does what makes
/// them equal, because it differs only in letter case.
fn merge(
    attribute: &Attribute,
    present: &mut Map<String, Value>,
    parts: &Map<String, Value>,
    is_equal: bool,
) {
    for (name, value) in parts {
        let keeps = attribute.sub(name).is_some_and(|sub| {
            sub.mutability == Mutability::Immutable || (is_equal && identifies(attribute, sub))
        });
        if !(keeps && present.contains_key(name)) {
            present.insert(name.clone(), value.clone());
        }
    }
}

/// Removes the elements that have the value of a named one, and its type if it has one. An attribute without `value`
/// compares all sub-attributes that are named.
fn remove_named(attribute: &Attribute, list: &mut Vec<Value>, named: &[Value]) {
    let Some(value) = attribute.sub("value") else {
        let has_all = |element: &Value, named: &Value| {
            let mut subs = attribute.sub_attributes.iter().filter(|sub| sub.name != "primary");
            subs.all(|sub| match named.get(sub.name) {
                Some(expected) => same(sub, element.get(sub.name), expected),
                None => true,
            })
        };
        list.retain(|element| !named.iter().any(|named| has_all(element, named)));
        return;
    };
    let (typed, any_type): (Vec<&Value>, Vec<&Value>) =
        named.iter().partition(|named| named.get("type").is_some());
    let any_type: HashSet<Cow<'_, str>> =
        any_type.into_iter().filter_map(|named| comparable_value(value, named)).collect();
    let typed: HashSet<String> = typed.into_iter().map(|named| identity(attribute, named)).collect();
    let mut key = String::new();
    list.retain(|element| {
        if comparable_value(value, element).is_some_and(|found| any_type.contains(&found)) {
            return false;
        }
        if !typed.is_empty() {
            write_identity(attribute, element, &mut key);
        }
        !typed.contains(&key)
    });
}

/// The value of an element, in the form in which equal values are identical.
fn comparable_value<'e>(value: &Attribute, element: &'e Value) -> Option<Cow<'e, str>> {
    element.get(value.name)?.as_str().map(|text| comparable(text, value.case_exact))
}

fn same(sub: &Attribute, found: Option<&Value>, expected: &Value) -> bool {
    match (found.and_then(Value::as_str), expected.as_str()) {
        (Some(found), Some(expected)) => {
            comparable(found, sub.case_exact) == comparable(expected, sub.case_exact)
        }
        _ => found == Some(expected),
    }
}

/// Changes the elements that match, or creates one.
fn change_elements(
    path: AttributePath,
    list: &mut Vec<Value>,
    filter: Option<&Filter>,
    change: &Change,
) -> Result<(), ScimError> {
    let attribute = path.attribute();
    let matches = |element: &Value| filter.is_none_or(|filter| filter.matches_element(element));
    if matches!(change, Change::Remove) {
        list.retain(|element| !matches(element));
        return Ok(());
    }
    let conditions = filter.map_or_else(|| Some(Vec::new()), Filter::equalities);
    let mut primary = None;
    let mut is_found = false;
    for (place, element) in list.iter_mut().enumerate().filter(|(_, element)| matches(element)) {
        is_found = true;
        if let Value::Object(fields) = element {
            change_element(attribute, fields, conditions.as_deref(), change);
        }
        check_required_unless_removed(path, element)?;
        primary = if is_primary(element) { Some(place) } else { primary };
    }
    if !is_found && !matches!(change, Change::Unset(_)) {
        let element = create(path, filter, conditions, change)?;
        primary = if is_primary(&element) { Some(list.len()) } else { None };
        list.push(element);
    }
    if let Some(primary) = primary {
        make_only_primary(list, primary);
    }
    list.retain(|element| element.as_object().is_none_or(|fields| !fields.is_empty()));
    remove_duplicates(attribute, list);
    Ok(())
}

/// A removed value leaves an empty element, which is removed itself.
fn check_required_unless_removed(path: AttributePath, element: &Value) -> Result<(), ScimError> {
    if element.as_object().is_some_and(Map::is_empty) { Ok(()) } else { check_required(path, element) }
}

fn change_element(
    attribute: &Attribute,
    fields: &mut Map<String, Value>,
    conditions: Option<&[(&'static Attribute, Value)]>,
    change: &Change,
) {
    match change {
        Change::Merge(parts) => merge(attribute, fields, parts, false),
        Change::Replace(parts) => {
            fields.clear();
            let conditions = conditions.unwrap_or_default().iter().filter(|(sub, _)| is_settable(sub));
            for (sub, value) in conditions {
                fields.insert(sub.name.to_owned(), value.clone());
            }
            fields.extend(parts.clone());
        }
        Change::Set(sub, value) => {
            fields.insert(sub.name.to_owned(), value.clone());
        }
        // An address without the address itself is none.
        Change::Unset(sub) if sub.name == "value" => fields.clear(),
        Change::Unset(sub) => {
            fields.shift_remove(sub.name);
        }
        Change::Remove => fields.clear(),
    }
}

fn is_settable(sub: &Attribute) -> bool {
    sub.mutability != Mutability::ReadOnly
}

/// The element that a filter describes, with the change; it must match the filter.
fn create(
    path: AttributePath,
    filter: Option<&Filter>,
    conditions: Option<Vec<(&'static Attribute, Value)>>,
    change: &Change,
) -> Result<Value, ScimError> {
    let no_target = || {
        let list = AttributePath::new(path.extension(), path.attribute());
        let sought = filter.map(|filter| Filter::Element(list, Box::new(filter.clone())).to_string());
        let sought = printable(&sought.unwrap_or_else(|| list.to_string()));
        let detail =
            format!("Nothing matches {sought}, and it does not describe a new element. Add one to {list}.");
        ScimError::new(ScimType::NoTarget, detail)
    };
    let conditions = conditions.ok_or_else(no_target)?;
    if !conditions.iter().all(|(sub, _)| is_settable(sub)) {
        return Err(no_target());
    }
    let mut fields: Map<String, Value> =
        conditions.iter().map(|(sub, value)| (sub.name.to_owned(), value.clone())).collect();
    change_element(path.attribute(), &mut fields, Some(&conditions), change);
    let element = Value::Object(fields);
    let matches = filter.is_none_or(|filter| filter.matches_element(&element));
    if matches && check_required(path, &element).is_ok() { Ok(element) } else { Err(no_target()) }
}
