//! Settings of an account. They take part in no judgement of users.

use serde::{Deserialize, Serialize};

use crate::check;
use crate::error::ItemError;

/// The packages of an account that names none.
const PACKAGE: &str = "Internal Directory [1]";

/// Most packages of an account. `[ours]`
pub const MAX_PACKAGES: usize = 100;

/// Most characters of a telephone number. `[ours]`
const MAX_TELEPHONE: usize = 64;

/// Most further addresses of an emergency contact. `[ours]`
const MAX_ALTERNATES: usize = 20;

/// Settings of an account. A missing setting has its default, so that a new one needs no migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Its packages, each as `Name [id]` (spec/protocol.md 5).
    pub packages: Vec<String>,
    /// Whether its applications may log users in with `Basic-AD`, as if it were `Basic-Cloud`. `[ours]`
    pub basic_ad_as_cloud: bool,
    /// The contact of the account, as its partner names it. Kept for people.
    pub contact: Contact,
    /// The contact for an emergency. Kept for people; nothing here uses it.
    pub emergency_contact: Option<EmergencyContact>,
}

impl Default for Settings {
    fn default() -> Self {
        let packages = vec![PACKAGE.to_owned()];
        Self { packages, basic_ad_as_cloud: false, contact: Contact::default(), emergency_contact: None }
    }
}

/// The contact of an account; each field is empty if it is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Telephone number.
    pub telephone: String,
}

impl Contact {
    /// Checks each field, by its name on the wire.
    pub fn checked(&self) -> Vec<(&'static str, Result<(), ItemError>)> {
        let email = if self.email.is_empty() { Ok(()) } else { check::address(&self.email).map(drop) };
        vec![
            ("contactName", check::name(&self.name)),
            ("contactEmail", email),
            ("telephone", check::text(&self.telephone, MAX_TELEPHONE)),
        ]
    }
}

/// An emergency contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmergencyContact {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Mobile number; empty if not set.
    pub mobile: String,
    /// Telephone number; empty if not set.
    pub telephone: String,
    /// Further addresses.
    pub alternates: Vec<String>,
}

/// A change of settings: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// Renames the account.
    pub name: Option<String>,
    /// Sets the name of the contact.
    pub contact_name: Option<String>,
    /// Sets the address of the contact.
    pub contact_email: Option<String>,
    /// Sets the telephone number of the contact.
    pub telephone: Option<String>,
    /// Replaces the packages.
    pub packages: Option<Vec<String>>,
    /// Turns `Basic-AD` on or off.
    pub basic_ad_as_cloud: Option<bool>,
    /// Replaces the emergency contact.
    pub emergency_contact: Option<EmergencyContact>,
}

impl SettingsUpdate {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the settings. The name is not one of them.
    pub fn apply(&self, settings: &mut Settings) {
        let contact = &mut settings.contact;
        for (new, old) in [
            (&self.contact_name, &mut contact.name),
            (&self.contact_email, &mut contact.email),
            (&self.telephone, &mut contact.telephone),
        ] {
            new.iter().for_each(|new| old.clone_from(new));
        }
        if let Some(packages) = &self.packages {
            settings.packages.clone_from(packages);
        }
        if let Some(on) = self.basic_ad_as_cloud {
            settings.basic_ad_as_cloud = on;
        }
        if let Some(contact) = &self.emergency_contact {
            settings.emergency_contact = Some(contact.clone());
        }
    }

    /// The change in words, for the audit. Of a contact only the address, because telephone numbers would stay there
    /// for ever.
    pub fn told(&self) -> String {
        let mut told = Vec::new();
        told.extend(self.name.as_ref().map(|name| format!("name {name}")));
        if self.contact_name.is_some() || self.contact_email.is_some() || self.telephone.is_some() {
            told.push(
                format!("contact {}", self.contact_email.as_deref().unwrap_or_default())
                    .trim_end()
                    .to_owned(),
            );
        }
        if let Some(packages) = &self.packages {
            told.push(format!("packages {}", packages.join(", ")));
        }
        if let Some(on) = self.basic_ad_as_cloud {
            told.push(format!("Basic-AD {}", if on { "treated as Basic-Cloud" } else { "refused" }));
        }
        if let Some(contact) = &self.emergency_contact {
            told.push(format!("emergency contact {}", contact.email));
        }
        told.join("; ")
    }
}

/// Checks a list of packages, and returns it without repetitions.
///
/// # Errors
/// When it is empty or too long, or a name is blank, too long or has invisible characters.
pub fn packages(names: &[String]) -> Result<Vec<String>, ItemError> {
    if names.is_empty() {
        return Err(ItemError::Blank);
    }
    if names.len() > MAX_PACKAGES {
        return Err(ItemError::TooLong { max: MAX_PACKAGES, unit: "packages" });
    }
    let mut packages = Vec::with_capacity(names.len());
    for name in names.iter().map(|name| name.trim()) {
        if name.is_empty() {
            return Err(ItemError::Blank);
        }
        check::name(name)?;
        if !packages.iter().any(|other| other == name) {
            packages.push(name.to_owned());
        }
    }
    Ok(packages)
}

/// Name and id of a package written as `Name [id]`; one without an id is its own id. `[ours]`
pub fn package_parts(package: &str) -> (&str, &str) {
    let parts = package.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match parts {
        Some((name, id)) if !name.trim().is_empty() && !id.trim().is_empty() => (name.trim(), id.trim()),
        _ => (package, package),
    }
}

impl EmergencyContact {
    /// Checks the fields.
    ///
    /// # Errors
    /// The wrong fields, by their names on the wire.
    pub fn checked(&self) -> Result<(), Vec<(&'static str, ItemError)>> {
        let telephone = |number: &str| check::text(number, MAX_TELEPHONE);
        let alternates = || {
            if self.alternates.len() > MAX_ALTERNATES {
                return Err(ItemError::TooLong { max: MAX_ALTERNATES, unit: "addresses" });
            }
            self.alternates.iter().try_for_each(|text| check::address(text).map(drop))
        };
        let wrong: Vec<_> = [
            ("contactName", check::name(&self.name)),
            ("contactEmailAddress", check::address(&self.email).map(drop)),
            ("mobilePhone", telephone(&self.mobile)),
            ("telephone", telephone(&self.telephone)),
            ("alternateEmailAddresses", alternates()),
        ]
        .into_iter()
        .filter_map(|(field, checked)| checked.err().map(|why| (field, why)))
        .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_set_has_its_default() {
        let settings: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.packages, ["Internal Directory [1]"]);
    }

    #[test]
    fn an_update_changes_what_it_names() {
        let mut settings = Settings::default();
        let update = SettingsUpdate { basic_ad_as_cloud: Some(true), ..SettingsUpdate::default() };
        update.apply(&mut settings);
        assert_eq!(settings, Settings { basic_ad_as_cloud: true, ..Settings::default() });
        assert_eq!(update.told(), "Basic-AD treated as Basic-Cloud");
        assert!(!update.is_empty() && SettingsUpdate::default().is_empty());
    }

    #[test]
    fn packages_have_names_and_ids() {
        let list = |names: &[&str]| packages(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(list(&[" A [1] ", "B", "A [1]"]).unwrap(), ["A [1]", "B"]);
        assert_eq!(list(&[]).unwrap_err(), ItemError::Blank);
        assert_eq!(list(&[" "]).unwrap_err(), ItemError::Blank);
        assert_eq!(list(&["a\u{7}"]).unwrap_err(), ItemError::Characters);
        assert!(matches!(list(&["a"; 101]).unwrap_err(), ItemError::TooLong { .. }));
        for (package, parts) in [
            ("A b [12]", ("A b", "12")),
            ("A", ("A", "A")),
            ("[1]", ("[1]", "[1]")),
            ("A []", ("A []", "A []")),
        ] {
            assert_eq!(package_parts(package), parts, "{package}");
        }
    }
}
