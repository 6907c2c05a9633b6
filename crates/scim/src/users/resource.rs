//! A user as a resource, in canonical form.

use std::collections::BTreeSet;

use directory::EmailAddress;
use directory::attribute::Attribute;
use directory::scim::ScimUser;
use serde_json::{Map, Value, json};
use wire::scim::{ENTERPRISE_USER_SCHEMA, GROUP, Schema, USER};

use crate::call::Call;
use crate::resource::version;

/// In the kept attributes: e-mail addresses outside the account's domains, which are no aliases.
pub(super) const OUTSIDE: &str = "outside";

/// In the kept attributes: false if the client sent no `displayName`.
pub(super) const DISPLAY_NAME: &str = "displayName";

/// In the kept attributes: true if the client sends the user name without its domain.
pub(super) const BARE: &str = "bareUserName";

/// In the kept attributes: true if the client removed `active`.
pub(super) const NO_ACTIVE: &str = "noActive";

/// The attributes that are kept as they were sent; `None`: no SCIM client wrote the user.
pub(super) fn kept(seen: &ScimUser) -> Option<Map<String, Value>> {
    // It was written by this module; an object of another version is shown as far as it is one.
    serde_json::from_str(&seen.details.attributes).ok()
}

/// The name that a user gets without a `displayName`.
pub(super) fn derived_name(formatted: Option<&str>, given: &str, family: &str) -> String {
    formatted.map_or_else(|| format!("{given} {family}").trim().to_owned(), str::to_owned)
}

pub(super) fn formatted(kept: &Map<String, Value>) -> Option<&str> {
    kept.get("name")?.get("formatted")?.as_str()
}

/// The directory's attributes that SCIM has too: in the core schema, or in the enterprise extension.
const ATTRIBUTES: [(Attribute, Option<&Schema>, &str); 4] = [
    (Attribute::Title, None, "title"),
    (Attribute::Company, Some(&ENTERPRISE_USER_SCHEMA), "organization"),
    (Attribute::Department, Some(&ENTERPRISE_USER_SCHEMA), "department"),
    (Attribute::EmployeeId, Some(&ENTERPRISE_USER_SCHEMA), "employeeNumber"),
];

/// Takes the directory's attributes out of a resource, each with its value; an empty one is to be removed.
pub(super) fn take_attributes(fields: &mut Map<String, Value>) -> Vec<(Attribute, String)> {
    let taken = ATTRIBUTES.map(|(attribute, schema, name)| {
        let place = match schema {
            Some(schema) => fields.get_mut(schema.id).and_then(Value::as_object_mut),
            None => Some(&mut *fields),
        };
        let value = place.and_then(|place| place.shift_remove(name));
        let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
        (attribute, text.to_owned())
    });
    if fields.get(ENTERPRISE_USER_SCHEMA.id).and_then(Value::as_object).is_some_and(Map::is_empty) {
        fields.shift_remove(ENTERPRISE_USER_SCHEMA.id);
    }
    taken.into()
}

fn insert_attributes(fields: &mut Map<String, Value>, attributes: &[(Attribute, String)]) {
    for (attribute, schema, name) in ATTRIBUTES {
        let Some((_, text)) = attributes.iter().find(|(own, _)| *own == attribute) else { continue };
        match schema {
            Some(schema) => fields.entry(schema.id).or_insert_with(|| json!({}))[name] = text.as_str().into(),
            None => drop(fields.insert(name.to_owned(), text.as_str().into())),
        }
    }
}

/// The resource of a user.
pub(super) fn of(call: &Call<'_>, seen: &ScimUser) -> Map<String, Value> {
    let ScimUser { user, details, external_id, groups, .. } = seen;
    let kept = kept(seen);
    let emails = emails(seen, kept.as_ref());
    let sent_no_display_name = kept.as_ref().is_some_and(|kept| kept.get(DISPLAY_NAME).is_some());
    let mut resource = kept.unwrap_or_default();
    let derived = derived_name(formatted(&resource), &details.given_name, &details.family_name);
    let is_bare = resource.contains_key(BARE) && call.user_name_domain() == Some(user.address.domain());
    let shows_active = !resource.contains_key(NO_ACTIVE);
    for mark in [OUTSIDE, DISPLAY_NAME, BARE, NO_ACTIVE] {
        resource.shift_remove(mark);
    }
    insert_attributes(&mut resource, &seen.attributes);
    let mut insert = |name: &str, value: Value| {
        let is_absent = value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        match is_absent {
            true => resource.shift_remove(name),
            false => resource.insert(name.to_owned(), value),
        };
    };
    let ids = call.core.secure_ids();
    let id = ids.user(user.account, user.id);
    let location = call.location(USER.endpoint, &id);
    insert("id", id.into());
    let address = user.address.as_str();
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    insert("userName", if is_bare { local } else { address }.into());
    insert("externalId", external_id.as_deref().unwrap_or_default().into());
    if shows_active {
        insert("active", (!user.disabled && user.purge_at.is_none()).into());
    }
    insert("emails", emails.into());
    if !(sent_no_display_name && user.name == derived) {
        insert("displayName", user.name.as_str().into());
    }
    let group = |(id, name): &(directory::GroupId, String)| {
        let id = ids.seal("group", user.account, id.as_bytes());
        json!({ "value": id, "$ref": call.location(GROUP.endpoint, &id), "display": name, "type": "direct" })
    };
    insert("groups", groups.iter().map(group).collect());
    for (part, text) in [("givenName", &details.given_name), ("familyName", &details.family_name)] {
        if !text.is_empty() {
            let name = resource.entry("name").or_insert_with(|| json!({}));
            name[part] = text.as_str().into();
        }
    }
    let version = version(&resource);
    let changed = user.updated_at.unwrap_or(user.created_at);
    resource.insert(
        "meta".to_owned(),
        json!({
            "resourceType": USER.name,
            "created": user.created_at.to_string(),
            "lastModified": changed.to_string(),
            "location": location,
            "version": version,
        }),
    );
    resource
}

/// The e-mail addresses that the client sent, as far as the user still has them.
fn emails(seen: &ScimUser, kept: Option<&Map<String, Value>>) -> Vec<Value> {
    let Some(kept) = kept else {
        return vec![json!({ "value": seen.user.address.as_str(), "type": "work", "primary": true })];
    };
    let list = |name: &str| kept.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let rows = std::iter::once(&seen.user).chain(&seen.aliases);
    let own: BTreeSet<&str> = rows.map(|row| row.address.key()).collect();
    let outside = list(OUTSIDE);
    let mut emails = list("emails");
    emails.retain(|email| {
        let Some(value) = email.get("value") else { return true };
        let address = value.as_str().and_then(|text| EmailAddress::parse(text).ok());
        outside.contains(value) || address.is_some_and(|address| own.contains(address.key()))
    });
    emails
}
