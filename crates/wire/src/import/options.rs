//! How a file is read: its format, and what a person says about its fields.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::meaning::{Meaning, meaning, plain};
use super::{Format, ImportError, Inactive};
use crate::printable::printable;

/// How to read a file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its format; `None`: by its beginning.
    pub format: Option<Format>,
    /// What to do with an account that is not active.
    pub inactive: Inactive,
    /// Names that mean a field.
    pub(super) mapped: Vec<(String, Meaning)>,
    /// What names mean by choice; a lookup, because it is asked for every field of every row. Sorted, because an import
    /// that is resumed compares its options.
    pub(super) chosen: BTreeMap<String, Meaning>,
    /// The chosen names that occurred in the file.
    pub(super) occurred: Occurred,
    /// Each person keeps what was read about it, for a preview.
    pub(super) traced: bool,
}

/// Names that occurred. The copies of the options that read one file share them, and an import that is resumed does not
/// compare them.
#[derive(Clone, Default)]
pub(super) struct Occurred(Arc<Mutex<HashSet<String>>>);

impl Occurred {
    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: String) {
        self.names().insert(name);
    }

    fn contains(&self, name: &str) -> bool {
        self.names().contains(name)
    }
}

impl fmt::Debug for Occurred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// The fields to which a name can be mapped.
pub(super) const FIELDS: &[(&str, Meaning)] = &[
    ("email", Meaning::Address(0)),
    ("name", Meaning::Name(0)),
    ("firstName", Meaning::FirstName),
    ("lastName", Meaning::LastName),
    ("password", Meaning::Password),
    ("passwordHash", Meaning::PasswordHash),
    ("accountCode", Meaning::AccountCode),
    ("forcePasswordChange", Meaning::MustChange),
    ("active", Meaning::Active),
    ("disabled", Meaning::Disabled),
    ("locked", Meaning::Locked),
    ("status", Meaning::Status),
    ("aliasOf", Meaning::AliasOf),
];

impl Options {
    /// Reads a column, key or attribute as this field: `email`, `name`, `firstName`, `lastName`, `password`,
    /// `passwordHash`, `accountCode`, `forcePasswordChange`, `active`, `disabled`, `locked`, `status` or `aliasOf`. Other names of
    /// the same field are ignored then.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn map(&mut self, field: &str, name: &str) -> Result<(), ImportError> {
        let wanted = plain(field);
        let meaning = FIELDS.iter().find(|(known, _)| plain(known) == wanted || wanted == "emailaddress");
        let Some((_, meaning)) = meaning else { return Err(ImportError::Field(printable(field))) };
        self.map_meaning(name, *meaning);
        Ok(())
    }

    pub(super) fn map_meaning(&mut self, name: &str, meaning: Meaning) {
        self.mapped.push((name.trim().to_owned(), meaning));
        self.chosen.entry(plain(name)).or_insert(meaning);
    }

    /// Ignores a column, key or attribute.
    pub fn ignore(&mut self, name: &str) {
        self.chosen.insert(plain(name), Meaning::Ignored);
    }

    pub(super) fn meaning(&self, name: &str) -> Meaning {
        self.chosen(name).unwrap_or_else(|| self.recognised(name))
    }

    /// The meaning that was chosen for a name.
    pub(super) fn chosen(&self, name: &str) -> Option<Meaning> {
        if self.chosen.is_empty() {
            return None;
        }
        let name = plain(name);
        let meaning = self.chosen.get(&name).copied();
        if meaning.is_some() {
            self.occurred.add(name);
        }
        meaning
    }

    /// A mapped name that did not occur in the file so far.
    pub(super) fn missing_name(&self) -> Option<String> {
        let mut names = self.mapped.iter().map(|(name, _)| name);
        names.find(|name| !self.occurred.contains(&plain(name))).map(|name| printable(name))
    }

    /// The options to read one file with.
    pub(super) fn for_file(&self) -> Self {
        Self { occurred: Occurred::default(), ..self.clone() }
    }

    /// The meaning by the name itself, unless another name was chosen for the same field.
    pub(super) fn recognised(&self, name: &str) -> Meaning {
        let meaning = meaning(name);
        let is_replaced = self.mapped.iter().any(|(_, mapped)| is_same_field(*mapped, meaning));
        if is_replaced { Meaning::Unknown } else { meaning }
    }

    /// The mapped names, and their fields.
    pub(super) fn mapped_fields(&self) -> Vec<(String, &'static str)> {
        let field =
            |meaning: Meaning| FIELDS.iter().find(|(_, known)| *known == meaning).map(|(field, _)| *field);
        self.mapped.iter().filter_map(|(name, meaning)| Some((name.clone(), field(*meaning)?))).collect()
    }

    pub(super) fn is_mapped(&self, name: &str) -> bool {
        self.chosen(name).is_some_and(|meaning| meaning != Meaning::Ignored)
    }
}

pub(super) fn is_same_field(one: Meaning, other: Meaning) -> bool {
    match (one, other) {
        (Meaning::Address(_), Meaning::Address(_)) | (Meaning::Name(_), Meaning::Name(_)) => true,
        (one, other) => one == other,
    }
}

/// Whether two columns of this meaning contradict each other.
pub(super) fn is_single(meaning: Meaning) -> bool {
    matches!(
        meaning,
        Meaning::Address(_)
            | Meaning::Name(_)
            | Meaning::Password
            | Meaning::PasswordHash
            | Meaning::AccountCode
            | Meaning::AliasOf
    )
}
