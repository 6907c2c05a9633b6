//! A preview of a file: its fields, what each is read as, and the first values. A person can choose other meanings, and
//! the file is then read with them.
//!
//! The readers themselves report the fields, so that a preview shows what an import would read.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use thiserror::Error;

use super::meaning::{Meaning, meaning, plain};
use super::person::Field;
use super::{FIELDS, ImportError, Options, Reader, Summary, is_same_field, is_single};
use crate::printable::printable_start;

/// Fields of a file that are shown; the others are read by their names.
pub const MAX_FIELDS: usize = 300;

/// Rows whose values are shown.
pub const SHOWN_ROWS: usize = 5;

/// Rows that are examined for fields. CSV has all fields in its header; objects and entries may differ.
const EXAMINED_ROWS: usize = 1_000;

/// Characters of a value that are shown.
const SHOWN_CHARACTERS: usize = 60;

/// What a field of a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A field to which names can be mapped; see [`Options::map`].
    Field(&'static str),
    /// Read by its name alone, with what it says.
    Recognised(&'static str),
    /// Not used.
    Ignored,
    /// The name suggests a password, a state or a forced change. A person must choose.
    Undecided,
}

impl Use {
    /// The fields to which a name can be mapped.
    pub fn fields() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|(name, _)| *name)
    }

    /// Whether values of this field must not be shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Use::Field("password" | "passwordHash") | Use::Undecided)
    }

    fn of(read: Meaning, has_values: bool) -> Self {
        let field = FIELDS.iter().find(|(_, known)| is_same_field(*known, read));
        match read {
            _ if let Some((name, _)) = field => Use::Field(name),
            Meaning::AccountControl => Use::Recognised("state of the account"),
            Meaning::LockedSince => Use::Recognised("time of the lock"),
            Meaning::PasswordSetAt => Use::Recognised("time of the password"),
            Meaning::Alias => Use::Recognised("alias"),
            Meaning::Suspect if has_values => Use::Undecided,
            // A value in a later row is still refused.
            Meaning::Suspect => Use::Recognised("empty"),
            _ => Use::Ignored,
        }
    }

    fn meaning(self) -> Option<Meaning> {
        let Use::Field(name) = self else { return None };
        FIELDS.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
    }
}

/// A field of a file.
#[derive(Clone, Debug)]
pub struct FieldPreview {
    /// Its name, as [`Options::map`] takes it.
    pub name: String,
    /// What it is read as by its name.
    pub read_as: Use,
    /// Its values in the first rows, shortened and without control characters. `None`: it may be a password.
    pub values: Vec<Option<String>>,
}

/// The fields of a file.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// The fields, at most [`MAX_FIELDS`].
    pub fields: Vec<FieldPreview>,
    /// Whether the file has more fields.
    pub has_more: bool,
    /// Whether two fields of the same meaning contradict each other in every row.
    is_table: bool,
}

/// Why a choice of fields can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChoiceError {
    /// No field is the address.
    #[error("no field is the address")]
    NoAddress,
    /// Two fields are read as one that a user has only once.
    #[error("two fields are read as the same one")]
    Twice {
        /// The field of the user.
        field: &'static str,
        /// The places of the first two.
        places: [usize; 2],
    },
    /// A field must be chosen or ignored.
    #[error("a field is not decided")]
    Undecided(usize),
}

/// Previews a file, also one whose header can't be used.
///
/// # Errors
/// When it can't be read, it is not text, or its first line is no header.
pub fn preview(input: impl Read) -> Result<Preview, ImportError> {
    let options = Options { traced: true, ..Options::default() };
    let mut summary = Summary::default();
    let (mut reader, _) = Reader::open(input, &options, &mut summary)?;
    let mut fields = Fields::default();
    let mut unnamed = HashSet::new();
    if let Reader::Csv(csv) = &reader {
        for (label, meaning, named) in csv.columns() {
            fields.find(label, meaning);
            unnamed.extend((!named).then(|| label.to_owned()));
        }
    }
    let is_table = matches!(reader, Reader::Csv(_));
    let mut row = 0;
    while row < EXAMINED_ROWS
        && let Some(found) = reader.next_row(&mut summary)?
    {
        let Ok(person) = found.person else { continue };
        person.into_seen().into_iter().for_each(|seen| fields.add(row, seen));
        row += 1;
    }
    // Spreadsheets leave empty columns at the end.
    fields.list.retain(|field| field.has_values || !unnamed.contains(&field.preview.name));
    Ok(fields.into_preview(is_table))
}

impl Preview {
    /// The options to read the file with these choices, one for each field.
    ///
    /// # Errors
    /// When the choices can't be used.
    pub fn choose(&self, choices: &[Use]) -> Result<Options, ChoiceError> {
        let chosen = || self.fields.iter().zip(choices);
        if !choices.contains(&Use::Field("email")) {
            return Err(ChoiceError::NoAddress);
        }
        if let Some(place) = choices.iter().position(|choice| *choice == Use::Undecided) {
            return Err(ChoiceError::Undecided(place));
        }
        // Objects and entries may have an address under one of several names. Together these stay what they are.
        let is_kept = |choice: Use| {
            !self.is_table && chosen().all(|(field, other)| *other != choice || field.read_as == choice)
        };
        let mut options = Options::default();
        for (place, (field, choice)) in chosen().enumerate() {
            match (*choice, choice.meaning()) {
                (Use::Ignored, _) => options.ignore(&field.name),
                (Use::Field(name), Some(meaning)) if !is_kept(*choice) => {
                    let earlier = choices[..place].iter().position(|other| other == choice);
                    if let Some(earlier) = earlier.filter(|_| is_single(meaning)) {
                        return Err(ChoiceError::Twice { field: name, places: [earlier, place] });
                    }
                    options.map_meaning(&field.name, meaning);
                }
                _ => {}
            }
        }
        Ok(options)
    }

    /// What each field is read as by its name.
    pub fn recognised(&self) -> Vec<Use> {
        self.fields.iter().map(|field| field.read_as).collect()
    }

    /// Whether the file can be read without choices.
    pub fn is_understood(&self) -> bool {
        self.choose(&self.recognised()).is_ok()
    }
}

/// The fields that were found so far.
#[derive(Default)]
struct Fields {
    list: Vec<Found>,
    /// The place of each name.
    places: HashMap<String, usize>,
    has_more: bool,
}

struct Found {
    preview: FieldPreview,
    meaning: Meaning,
    has_values: bool,
}

impl Fields {
    fn find(&mut self, label: &str, meaning: Meaning) -> Option<&mut Found> {
        let place = match self.places.get(&plain(label)) {
            Some(place) => *place,
            None if self.list.len() == MAX_FIELDS => {
                self.has_more = true;
                return None;
            }
            None => {
                let preview =
                    FieldPreview { name: label.to_owned(), read_as: Use::Ignored, values: Vec::new() };
                self.places.insert(plain(label), self.list.len());
                self.list.push(Found { preview, meaning, has_values: false });
                self.list.len() - 1
            }
        };
        Some(&mut self.list[place])
    }

    fn add(&mut self, row: usize, seen: Seen) {
        let Some(found) = self.find(&seen.label, seen.meaning) else { return };
        if seen.shown.as_deref() == Some("") {
            return;
        }
        found.has_values = true;
        let values = &mut found.preview.values;
        // Of several values in one row the first is shown.
        if row < SHOWN_ROWS && values.len() <= row {
            values.resize(row, Some(String::new()));
            values.push(seen.shown);
        }
    }

    fn into_preview(self, is_table: bool) -> Preview {
        let finish = |Found { preview, meaning, has_values }| FieldPreview {
            read_as: Use::of(meaning, has_values),
            ..preview
        };
        Preview { fields: self.list.into_iter().map(finish).collect(), has_more: self.has_more, is_table }
    }
}

/// A field as a reader found it.
pub(super) struct Seen {
    label: String,
    meaning: Meaning,
    /// Its value; `None`: it may be a password. Blank: there is none.
    shown: Option<String>,
}

impl Seen {
    pub(super) fn new(meaning: Meaning, label: &str, value: Field<'_>) -> Self {
        let shown = match value {
            Field::Text { text, .. } if text.trim().is_empty() => Some(String::new()),
            Field::Text { text, .. } => {
                is_harmless(meaning, label, text).then(|| printable_start(text.trim(), SHOWN_CHARACTERS))
            }
            Field::Flag(flag) => Some(flag.to_string()),
            Field::Other(kind) => Some(kind.to_owned()),
        };
        Self { label: label.to_owned(), meaning, shown }
    }
}

/// Whether a value can be shown. A field that is not recognised may hold passwords under any name, so that of its values
/// only addresses and words are shown.
fn is_harmless(read: Meaning, label: &str, text: &str) -> bool {
    let is_secret = |meaning| matches!(meaning, Meaning::Password | Meaning::PasswordHash | Meaning::Suspect);
    match read {
        _ if is_secret(read) || is_secret(meaning(label)) => false,
        Meaning::Address(_)
        | Meaning::Name(_)
        | Meaning::FirstName
        | Meaning::LastName
        | Meaning::AccountCode => true,
        Meaning::Unknown | Meaning::Ignored => is_address(text) || are_words(text),
        // Other text could be the password of a shifted row.
        _ => are_words(text) || text.trim().chars().all(|c| c.is_ascii_digit()),
    }
}

fn are_words(text: &str) -> bool {
    text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | ',' | '-' | '\'' | '’'))
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.trim().split_once('@') else { return false };
    let is_top = |top: &str| top.len() > 1 && top.chars().all(char::is_alphabetic);
    !local.is_empty()
        && !text.trim().contains(char::is_whitespace)
        && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        && domain.rsplit_once('.').is_some_and(|(_, top)| is_top(top))
}
