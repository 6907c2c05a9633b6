//! Users, groups, and what is around them, as entries.

use directory::attribute::Attribute as Further;
use directory::ldap::{Group, Person, Wanted};
use directory::user::User;

use crate::entry::{Attributes, Entry};
use crate::schema::{Attribute, time_text};
use crate::tree::{Branch, SUBSCHEMA, Tree};

/// Object classes of users.
pub(crate) const PERSON: [&str; 6] =
    ["top", "person", "organizationalPerson", "inetOrgPerson", "mailAccount", "posixAccount"];

/// Object classes of groups.
pub(crate) const GROUP: [&str; 4] = ["top", "groupOfNames", "groupOfUniqueNames", "posixGroup"];

/// Further data of users, and the attributes that show it.
const FURTHER: [(Further, Attribute); 7] = [
    (Further::Company, Attribute::Organization),
    (Further::Department, Attribute::DepartmentNumber),
    (Further::EmployeeId, Attribute::EmployeeNumber),
    (Further::MobileNumber, Attribute::Mobile),
    (Further::Office, Attribute::Office),
    (Further::PhoneNumber, Attribute::TelephoneNumber),
    (Further::Title, Attribute::Title),
];

/// What must be read of users for these attributes.
pub(crate) fn wanted_of_people(needed: Attributes) -> Wanted {
    let further = FURTHER.map(|(_, attribute)| attribute);
    Wanted {
        aliases: needed.has(Attribute::Mail),
        details: needed.has_any(&[Attribute::Sn, Attribute::GivenName]),
        attributes: needed.has_any(&further),
        groups: needed.has_any(&[Attribute::MemberOf, Attribute::IsMemberOf]),
        local: needed.has(Attribute::Uid),
        numbers: needed.has_any(&[Attribute::UidNumber, Attribute::GidNumber]),
        members: false,
    }
}

/// What must be read of groups for these attributes.
pub(crate) fn wanted_of_groups(needed: Attributes) -> Wanted {
    Wanted {
        members: needed.has_any(&[Attribute::Member, Attribute::UniqueMember]),
        numbers: needed.has(Attribute::GidNumber),
        ..Wanted::default()
    }
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// Attributes that every entry has.
fn common(entry: &mut Entry, needed: Attributes, classes: &[&str], structural: &str, has_entries: bool) {
    if needed.has(Attribute::ObjectClass) {
        entry.set(Attribute::ObjectClass, texts(classes));
    }
    if needed.has(Attribute::StructuralObjectClass) {
        entry.set_one(Attribute::StructuralObjectClass, structural);
    }
    if needed.has(Attribute::EntryDn) {
        entry.set_one(Attribute::EntryDn, entry.dn.clone());
    }
    if needed.has(Attribute::SubschemaSubentry) {
        entry.set_one(Attribute::SubschemaSubentry, SUBSCHEMA);
    }
    if needed.has(Attribute::HasSubordinates) {
        entry.set_one(Attribute::HasSubordinates, if has_entries { "TRUE" } else { "FALSE" });
    }
}

/// The name that a user is shown by.
fn shown_name(user: &User) -> &str {
    match user.name.trim() {
        "" => user.address.as_str().split('@').next().unwrap_or_default(),
        name => name,
    }
}

/// The entry of a user, with the attributes that are needed.
pub(crate) fn person(tree: &Tree, person: &Person, needed: Attributes) -> Entry {
    let user = &person.user;
    let mut entry = Entry::new(tree.user_dn(&user.address));
    common(&mut entry, needed, &PERSON, "inetOrgPerson", false);
    let mut set = |attribute: Attribute, value: &str| {
        if needed.has(attribute) && !value.is_empty() {
            entry.set_one(attribute, value);
        }
    };
    let name = shown_name(user);
    let words = name.rsplit_once(' ');
    let family = match person.details.family_name.as_str() {
        "" => words.map_or(name, |(_, last)| last),
        family => family,
    };
    let given = match person.details.given_name.as_str() {
        "" => words.map_or("", |(first, _)| first),
        given => given,
    };
    set(Attribute::Cn, name);
    set(Attribute::DisplayName, name);
    set(Attribute::Gecos, name);
    set(Attribute::Sn, family);
    set(Attribute::GivenName, given.trim());
    set(Attribute::HomeDirectory, &format!("/home/{}", user.address.as_str().to_lowercase()));
    set(Attribute::LoginShell, "/bin/bash");
    let number = person.number.map(|number| number.to_string()).unwrap_or_default();
    set(Attribute::UidNumber, &number);
    set(Attribute::GidNumber, &number);
    set(Attribute::EntryUuid, &user.id.to_string());
    set(Attribute::CreateTimestamp, &time_text(user.created_at));
    set(Attribute::ModifyTimestamp, &time_text(user.updated_at.unwrap_or(user.created_at)));
    if user.password.is_some() {
        let changed = user.password_changed_at.unwrap_or(user.created_at);
        set(Attribute::PwdChangedTime, &time_text(changed));
    }
    set(Attribute::NsAccountLock, if user.is_blocked() { "TRUE" } else { "" });
    for (further, value) in &person.attributes {
        if let Some((_, attribute)) = FURTHER.iter().find(|(own, _)| own == further) {
            set(*attribute, value);
        }
    }
    add_lists(tree, person, needed, &mut entry);
    entry
}

/// The attributes of a user that may have several values.
fn add_lists(tree: &Tree, person: &Person, needed: Attributes, entry: &mut Entry) {
    let address = person.user.address.as_str();
    if needed.has(Attribute::Uid) {
        let mut names = vec![address.to_owned()];
        let local = address.split('@').next().filter(|_| person.has_local);
        names.extend(local.map(str::to_owned));
        entry.set(Attribute::Uid, names);
    }
    if needed.has(Attribute::Mail) {
        let aliases = person.aliases.iter().map(|alias| alias.as_str().to_owned());
        entry.set(Attribute::Mail, std::iter::once(address.to_owned()).chain(aliases).collect());
    }
    for attribute in [Attribute::MemberOf, Attribute::IsMemberOf] {
        if needed.has(attribute) {
            entry.set(attribute, person.groups.iter().map(|group| tree.group_dn(group)).collect());
        }
    }
}

/// The entry of a group. `members` are the names of its members.
pub(crate) fn group(tree: &Tree, group: &Group, members: &[String], needed: Attributes) -> Entry {
    let mut entry = Entry::new(tree.group_dn(&group.name));
    common(&mut entry, needed, &GROUP, "groupOfNames", false);
    let mut set = |attribute: Attribute, value: &str| {
        if needed.has(attribute) && !value.is_empty() {
            entry.set_one(attribute, value);
        }
    };
    let created = group.name.id.made_at();
    set(Attribute::Cn, &group.name.name);
    set(Attribute::GidNumber, &group.number.map(|number| number.to_string()).unwrap_or_default());
    set(Attribute::EntryUuid, &group.name.id.to_string());
    set(Attribute::CreateTimestamp, &time_text(created));
    set(Attribute::ModifyTimestamp, &time_text(group.updated_at.unwrap_or(created)));
    for attribute in [Attribute::Member, Attribute::UniqueMember] {
        if needed.has(attribute) {
            entry.set(attribute, members.to_vec());
        }
    }
    entry
}

/// The entry above all others of an account.
pub(crate) fn base(tree: &Tree, needed: Attributes) -> Entry {
    let mut entry = Entry::new(tree.base_text.clone());
    let pair = tree.base.part(0);
    let named = pair.and_then(|pair| Attribute::named(&pair.attribute));
    let classes: &[&str] = match named {
        Some(Attribute::Dc) => &["top", "organization", "dcObject"],
        Some(Attribute::OrganizationalUnit) => &["top", "organizationalUnit"],
        _ => &["top", "organization"],
    };
    common(&mut entry, needed, classes, classes[1], true);
    let value = pair.map(|pair| pair.value.clone()).unwrap_or_default();
    if let Some(attribute) = named.filter(|attribute| needed.has(*attribute)) {
        entry.set_one(attribute, value.clone());
    }
    if needed.has(Attribute::Organization)
        && !matches!(named, Some(Attribute::Organization | Attribute::OrganizationalUnit))
    {
        entry.set_one(Attribute::Organization, if tree.name.is_empty() { value } else { tree.name.clone() });
    }
    entry
}

/// The entry above all users, groups or applications.
pub(crate) fn branch(tree: &Tree, branch: Branch, needed: Attributes) -> Entry {
    let mut entry = Entry::new(tree.branch_dn(branch));
    common(&mut entry, needed, &["top", "organizationalUnit"], "organizationalUnit", true);
    if needed.has(Attribute::OrganizationalUnit) {
        entry.set_one(Attribute::OrganizationalUnit, branch.name());
    }
    entry
}

/// The entry of an application, which only itself can read.
pub(crate) fn application(tree: &Tree, client_id: &str, name: &str, needed: Attributes) -> Entry {
    let mut entry = Entry::new(tree.application_dn(client_id));
    common(&mut entry, needed, &["top", "applicationProcess"], "applicationProcess", false);
    if needed.has(Attribute::Cn) {
        entry.set_one(Attribute::Cn, client_id);
    }
    if needed.has(Attribute::Description) && !name.is_empty() {
        entry.set_one(Attribute::Description, name);
    }
    entry
}
