//! What a resource asks for.

use std::collections::BTreeSet;

use directory::EmailAddress;
use directory::attribute::Attribute;
use directory::check;
use directory::port::Evidence;
use directory::scim::{AddressFrom, Details, MAX_ATTRIBUTES, OutsideEmails, ScimUser, UserName, email_key};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::attributes::{scim_name, take_attributes};
use super::resource::{DISPLAY_NAME, FULL, OUTSIDE, derived_name, formatted, outside_of, shown_emails};
use crate::call::Call;
use crate::refused::Refused;
use crate::resource::{take_external_id, take_text};

/// What a resource asks for.
pub(super) struct Wanted {
    pub(super) address: String,
    /// The attribute that the address is taken from.
    pub(super) address_from: AddressFrom,
    /// The application's own name of the user, if the address is taken from another attribute.
    pub(super) user_name: Option<UserName>,
    pub(super) name: String,
    /// `None`: it was left out, so the state stays.
    pub(super) active: Option<bool>,
    pub(super) password: Option<SecretString>,
    pub(super) external_id: Option<String>,
    pub(super) details: Details,
    /// The keys of e-mail addresses that are no aliases.
    pub(super) outside: OutsideEmails,
    /// The directory's attributes; an empty one is to be removed.
    pub(super) attributes: Vec<(Attribute, String)>,
    /// Other addresses in the account's domains.
    pub(super) aliases: Vec<EmailAddress>,
    pub(super) evidence: Vec<Evidence>,
}

/// The addresses in `emails`.
pub(super) fn addresses(fields: &Map<String, Value>) -> Vec<EmailAddress> {
    values(fields).filter_map(|value| EmailAddress::parse(value).ok()).collect()
}

fn sent_emails(fields: &Map<String, Value>) -> &[Value] {
    fields.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The values in `emails`.
fn values(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    sent_emails(fields).iter().filter_map(|email| email.get("value")?.as_str())
}

/// Reads a canonical resource.
///
/// `seen` is the user as it is now, if there is one. What the account's domains have become since an address was sent
/// changes nothing: otherwise a user could not even be disabled.
pub(super) async fn wanted(
    call: &mut Call<'_>,
    seen: Option<&ScimUser>,
    mut fields: Map<String, Value>,
) -> Result<Wanted, Refused> {
    let address_from = call.settings.address_from;
    let sent_name = take_text(&mut fields, "userName").unwrap_or_default();
    let password = take_text(&mut fields, "password").map(SecretString::from);
    let display_name = take_text(&mut fields, "displayName");
    let external_id = take_external_id(&mut fields)?;
    let active = fields.shift_remove("active").and_then(|active| active.as_bool());
    for name in ["id", "meta", "groups", "schemas"] {
        fields.shift_remove(name);
    }
    let (aliases, outside, evidence) = sorted_emails(call, seen, &fields).await?;
    let (address, user_name) = address(call, seen, &mut fields, &sent_name, &aliases)?;
    let outside_keys = outside.iter().map(|value| email_key(value)).collect();
    if !outside.is_empty() {
        fields.insert(OUTSIDE.to_owned(), outside.into());
    }
    let (name, given_name, family_name) = names(&mut fields, display_name)?;
    let attributes = take_attributes(&mut fields);
    for (attribute, text) in &attributes {
        Attribute::check(text).map_err(|why| Refused::rule(scim_name(*attribute), &why))?;
    }
    let kept = Value::Object(fields).to_string();
    if kept.len() > MAX_ATTRIBUTES {
        return Err(Refused::invalid_value(format!(
            "The attributes of a user may have at most {MAX_ATTRIBUTES} bytes."
        )));
    }
    let details = Details { given_name, family_name, attributes: kept };
    Ok(Wanted {
        address,
        address_from,
        user_name,
        name,
        active,
        password,
        external_id,
        details,
        outside: outside_keys,
        attributes,
        aliases,
        evidence,
    })
}

/// The address, and the application's own name of the user if it is not the address.
fn address(
    call: &Call<'_>,
    seen: Option<&ScimUser>,
    fields: &mut Map<String, Value>,
    sent_name: &str,
    aliases: &[EmailAddress],
) -> Result<(String, Option<UserName>), Refused> {
    match call.settings.address_from {
        AddressFrom::UserName => {
            let address = call.with_domain(sent_name);
            if call.settings.user_name_domain.is_some() && address == sent_name {
                fields.insert(FULL.to_owned(), true.into());
            }
            Ok((address.into_owned(), None))
        }
        AddressFrom::Emails => {
            let name = UserName::parse(sent_name).map_err(|why| Refused::rule("userName", &why))?;
            let address = match (seen, address_in_emails(fields, aliases)) {
                (Some(seen), _) if shown_emails(seen) == sent_emails(fields) => &seen.user.address,
                (_, Some(address)) => address,
                (Some(seen), None) => &seen.user.address,
                (None, None) => return Err(no_address()),
            };
            Ok((address.to_string(), Some(name)))
        }
    }
}

/// The display name, the given name and the family name.
fn names(
    fields: &mut Map<String, Value>,
    display_name: Option<String>,
) -> Result<(String, String, String), Refused> {
    let mut part = |name: &str| {
        let parts = fields.get_mut("name").and_then(Value::as_object_mut);
        parts.and_then(|parts| take_text(parts, name)).unwrap_or_default()
    };
    let (given_name, family_name) = (part("givenName"), part("familyName"));
    for (part, text) in [("name.givenName", &given_name), ("name.familyName", &family_name)] {
        check::name(text).map_err(|why| Refused::rule(part, &why))?;
    }
    if fields.get("name").and_then(Value::as_object).is_some_and(Map::is_empty) {
        fields.shift_remove("name");
    }
    let name = match display_name {
        Some(name) => name,
        None => {
            fields.insert(DISPLAY_NAME.to_owned(), false.into());
            derived_name(formatted(fields), &given_name, &family_name)
        }
    };
    Ok((name, given_name, family_name))
}

/// The addresses in `emails` by place: those in domains of the account, the values of the others, and the evidence.
async fn sorted_emails(
    call: &mut Call<'_>,
    seen: Option<&ScimUser>,
    fields: &Map<String, Value>,
) -> Result<(Vec<EmailAddress>, Vec<String>, Vec<Evidence>), Refused> {
    let (core, account) = (call.core, call.scope.account().id);
    let inside = addresses(fields);
    let domains: Vec<_> = inside.iter().map(EmailAddress::domain_name).collect();
    let owners = call.timed(core.store.domains(&domains)).await?;
    let kept_outside: BTreeSet<String> = seen.map(outside_of).unwrap_or_default();
    let is_own = |address: &EmailAddress| {
        let mut rows = seen.iter().flat_map(|seen| std::iter::once(&seen.user).chain(&seen.aliases));
        rows.any(|row| row.address.key() == address.key())
    };
    let (mut aliases, mut evidence) = (Vec::new(), Vec::new());
    for (address, owner) in inside.into_iter().zip(owners) {
        let owner = owner.filter(|owner| owner.account == account);
        // What the user has already stays what it is.
        if is_own(&address) {
            aliases.push(address);
        } else if owner.is_some() && !kept_outside.contains(address.key()) {
            evidence.extend(owner);
            aliases.push(address);
        }
    }
    let is_inside = |value: &str| {
        EmailAddress::parse(value)
            .is_ok_and(|address| aliases.iter().any(|alias| alias.key() == address.key()))
    };
    let outside = values(fields).filter(|value| !is_inside(value)).map(str::to_owned).collect();
    Ok((aliases, outside, evidence))
}

/// The address of a user by `emails`: the primary one, else that for work, else the first; of those in internal domains.
fn address_in_emails<'a>(
    fields: &Map<String, Value>,
    inside: &'a [EmailAddress],
) -> Option<&'a EmailAddress> {
    let emails = sent_emails(fields);
    let own = |email: &Value| {
        let sent = EmailAddress::parse(email.get("value")?.as_str()?).ok()?;
        inside.iter().find(|address| address.key() == sent.key())
    };
    let is_primary = |email: &&Value| email.get("primary").and_then(Value::as_bool) == Some(true);
    let is_work = |email: &&Value| {
        let kind = email.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let by_primary = emails.iter().filter(is_primary).find_map(own);
    let by_work = || emails.iter().filter(is_work).find_map(own);
    by_primary.or_else(by_work).or_else(|| emails.iter().find_map(own))
}

fn no_address() -> Refused {
    Refused::invalid_value(
        "emails must contain an address in an internal domain of the account: it is the user's address. Add the domain to \
         the account, or send another address.",
    )
}
