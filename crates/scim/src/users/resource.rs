//! A user as a resource, in canonical form.

use std::collections::BTreeSet;

use directory::EmailAddress;
use directory::role::GROUPS_READ;
use directory::scim::{AddressFrom, ScimUser, email_key};
use serde_json::{Map, Value, json};
use wire::scim::{GROUP, USER};

use super::attributes::insert_attributes;

use crate::call::Call;
use crate::resource::version;

/// In the kept attributes: e-mail addresses outside the account's domains, which are no aliases.
pub(super) const OUTSIDE: &str = "outside";

/// In the kept attributes: false if the client sent no `displayName`.
pub(super) const DISPLAY_NAME: &str = "displayName";

/// In the kept attributes: true if the client sends the user name with its domain, although it may leave it out.
pub(super) const FULL: &str = "fullUserName";

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

/// The resource of a user.
pub(super) fn of(call: &Call<'_>, seen: &ScimUser) -> Map<String, Value> {
    let ScimUser { user, details, external_id, groups, .. } = seen;
    let kept = kept(seen);
    let emails = emails(seen, kept.as_ref());
    let sent_no_display_name = kept.as_ref().is_some_and(|kept| kept.get(DISPLAY_NAME).is_some());
    let mut resource = kept.unwrap_or_default();
    let derived = derived_name(formatted(&resource), &details.given_name, &details.family_name);
    let is_full = resource.contains_key(FULL);
    let shows_active = !resource.contains_key(NO_ACTIVE);
    for mark in [OUTSIDE, DISPLAY_NAME, FULL, NO_ACTIVE] {
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
    insert("userName", user_name(call, seen, is_full).into());
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
    // Their names are for those who may read groups.
    let readable = call.scope.caller().require(&GROUPS_READ).is_ok();
    insert("groups", groups.iter().filter(|_| readable).map(group).collect());
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

/// The user's name as the application knows it.
fn user_name<'u>(call: &Call<'_>, seen: &'u ScimUser, is_full: bool) -> &'u str {
    let address = seen.user.address.as_str();
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    match (call.settings.address_from, &seen.user_name) {
        (AddressFrom::Emails, Some(own)) => own.as_str(),
        (AddressFrom::UserName, _) if !is_full && call.is_in_domain(&seen.user.address) => local,
        _ => address,
    }
}

/// The resource with the other form of its name, by which it is found too; `None`: it has only one.
pub(super) fn with_other_name(
    call: &Call<'_>,
    seen: &ScimUser,
    resource: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let is_by_name = call.settings.address_from == AddressFrom::UserName;
    let address = &seen.user.address;
    if !(is_by_name && call.is_in_domain(address)) {
        return None;
    }
    let shown = resource.get("userName").and_then(Value::as_str).unwrap_or_default();
    let other = match shown.contains('@') {
        true => address.as_str().rsplit_once('@').map_or("", |(local, _)| local),
        false => address.as_str(),
    };
    let mut resource = resource.clone();
    resource.insert("userName".to_owned(), other.into());
    Some(resource)
}

/// The [keys](email_key) of the e-mail addresses that are no aliases.
pub(super) fn outside_of(seen: &ScimUser) -> BTreeSet<String> {
    let kept = kept(seen).unwrap_or_default();
    let outside = kept.get(OUTSIDE).and_then(Value::as_array).into_iter().flatten();
    outside.filter_map(Value::as_str).map(email_key).collect()
}

/// The e-mail addresses as they are shown.
pub(super) fn shown_emails(seen: &ScimUser) -> Vec<Value> {
    emails(seen, kept(seen).as_ref())
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
