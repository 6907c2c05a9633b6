//! Files of users to be created: CSV, JSON, LDIF and SCIM. They are read row by row, in constant memory, into the items of
//! create-user. `[ours]`
//!
//! Each format gives fields with names; the module `meaning` says what a name means, and `person` puts a user together, by the
//! same rules for every format. A row that cannot be used is a row with errors, and reading goes on with the next one.

mod csv;
mod decode;
mod hash;
mod json;
mod ldif;
mod lines;
mod meaning;
mod person;
mod preview;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::create_user::Item;
pub use crate::printable::printable;
use crate::users::Alias;
use crate::{Code, Error};
use decode::Decoded;
pub use decode::Encoding;
use meaning::{Meaning, meaning, plain};
use person::Person;
pub use preview::{ChoiceError, FieldPreview, MAX_FIELDS, Preview, SHOWN_ROWS, Use, preview};

/// Longest row, in bytes. `[ours]`
pub const MAX_ROW: usize = 1 << 20;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and rows, separated by commas, semicolons, tabs or bars.
    Csv,
    /// Items of create-user, users of SCIM (RFC 7643) or of another export: one on a line, one after the other, in a
    /// list, or in an object around a list.
    Json,
    /// Entries of LDAP (RFC 2849).
    Ldif,
}

/// What to do with an account that is not active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inactive {
    /// Create it, disabled or locked.
    #[default]
    Create,
    /// Refuse the row.
    Refuse,
}

/// How to read a file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its format; `None`: by its beginning.
    pub format: Option<Format>,
    /// What to do with an account that is not active.
    pub inactive: Inactive,
    /// Names that mean a field.
    mapped: Vec<(String, Meaning)>,
    /// What names mean by choice; a lookup, because it is asked for every field of every row. Sorted, because an import
    /// that is resumed compares its options.
    chosen: BTreeMap<String, Meaning>,
    /// The chosen names that occurred in the file.
    occurred: Occurred,
    /// Each person keeps what was read about it, for a preview.
    traced: bool,
}

/// Names that occurred. Copies of the options share them, and an import that is resumed does not compare them.
#[derive(Clone, Default)]
struct Occurred(Arc<Mutex<HashSet<String>>>);

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
const FIELDS: &[(&str, Meaning)] = &[
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

    fn map_meaning(&mut self, name: &str, meaning: Meaning) {
        self.mapped.push((name.trim().to_owned(), meaning));
        self.chosen.entry(plain(name)).or_insert(meaning);
    }

    /// Ignores a column, key or attribute.
    pub fn ignore(&mut self, name: &str) {
        self.chosen.insert(plain(name), Meaning::Ignored);
    }

    fn meaning(&self, name: &str) -> Meaning {
        self.chosen(name).unwrap_or_else(|| self.recognised(name))
    }

    /// The meaning that was chosen for a name.
    fn chosen(&self, name: &str) -> Option<Meaning> {
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

    /// Fails when a mapped name did not occur in the file.
    fn check_occurred(&self) -> Result<(), ImportError> {
        match self.mapped.iter().find(|(name, _)| !self.occurred.contains(&plain(name))) {
            Some((missing, _)) => Err(ImportError::NoName(printable(missing))),
            None => Ok(()),
        }
    }

    /// The meaning by the name itself, unless another name was chosen for the same field.
    fn recognised(&self, name: &str) -> Meaning {
        let meaning = meaning(name);
        let is_replaced = self.mapped.iter().any(|(_, mapped)| is_same_field(*mapped, meaning));
        if is_replaced { Meaning::Unknown } else { meaning }
    }

    /// The mapped names, and their fields.
    fn mapped_fields(&self) -> Vec<(String, &'static str)> {
        let field =
            |meaning: Meaning| FIELDS.iter().find(|(_, known)| *known == meaning).map(|(field, _)| *field);
        self.mapped.iter().filter_map(|(name, meaning)| Some((name.clone(), field(*meaning)?))).collect()
    }

    fn is_mapped(&self, name: &str) -> bool {
        self.chosen(name).is_some_and(|meaning| meaning != Meaning::Ignored)
    }

    /// Fails when a mapped name is missing.
    fn check<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> Result<(), ImportError> {
        let is_there = |mapped: &str| names.clone().any(|name| plain(name) == plain(mapped));
        match self.mapped.iter().find(|(mapped, _)| !is_there(mapped)) {
            Some((missing, _)) => Err(ImportError::NoColumn(printable(missing))),
            None => Ok(()),
        }
    }
}

/// The field of create-user that files call so; `None`: none, or only with others.
pub fn field_of(name: &str) -> Option<&'static str> {
    match meaning(name) {
        Meaning::Address(_) => Some("emailAddress"),
        Meaning::Name(_) => Some("name"),
        Meaning::Password => Some("password"),
        Meaning::PasswordHash => Some("passwordHash"),
        Meaning::AccountCode => Some("accountCode"),
        Meaning::MustChange => Some("forcePasswordChange"),
        Meaning::Disabled | Meaning::DisabledSince | Meaning::Active | Meaning::Status => {
            Some("accountDisabled")
        }
        Meaning::Locked => Some("accountLocked"),
        Meaning::FirstName
        | Meaning::LastName
        | Meaning::LockedSince
        | Meaning::StatusOrRegion
        | Meaning::SambaFlags
        | Meaning::RoleOfDirectory
        | Meaning::Expires
        | Meaning::AccountControl
        | Meaning::PasswordSetAt
        | Meaning::Alias
        | Meaning::AliasOf
        | Meaning::ObjectClass
        | Meaning::Ignored
        | Meaning::Suspect
        | Meaning::Unknown => None,
    }
}

fn is_same_field(one: Meaning, other: Meaning) -> bool {
    match (one, other) {
        (Meaning::Address(_), Meaning::Address(_)) | (Meaning::Name(_), Meaning::Name(_)) => true,
        (one, other) => one == other,
    }
}

/// Whether two columns of this meaning contradict each other.
fn is_single(meaning: Meaning) -> bool {
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

/// A row of a file.
pub struct Row {
    /// Its number, from 1; the header does not count.
    pub number: u64,
    /// The line it begins on, from 1.
    pub line: u64,
    /// The address, if there is one: to name the row by.
    pub address: String,
    /// What it says, or every reason why it can't be used.
    pub item: Result<Entry, Vec<Error>>,
}

/// A usable row.
pub enum Entry {
    /// A user, for create-user.
    User(Box<Item>),
    /// Another address of a user, for update-alias. The user has an earlier row, or exists.
    Alias(Alias),
}

impl Entry {
    /// The user; `None`: it is an alias.
    pub fn user(&self) -> Option<&Item> {
        match self {
            Entry::User(user) => Some(user),
            Entry::Alias(_) => None,
        }
    }

    /// The alias; `None`: it is a user.
    pub fn alias(&self) -> Option<&Alias> {
        match self {
            Entry::User(_) => None,
            Entry::Alias(alias) => Some(alias),
        }
    }

    /// The user; `None`: it is an alias.
    pub fn into_user(self) -> Option<Item> {
        match self {
            Entry::User(user) => Some(*user),
            Entry::Alias(_) => None,
        }
    }
}

/// What was noticed about a file, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// Names of fields that are not used; at most 100.
    pub ignored: BTreeSet<String>,
    /// Entries that are not people.
    pub skipped: u64,
    /// Some of these: the line and the object class.
    pub skipped_entries: Vec<(u64, String)>,
    /// Users that are created disabled.
    pub disabled: u64,
    /// Users that are created locked.
    pub locked: u64,
    /// Users whose password begins or ends with a blank, in a format in which it belongs to the password.
    pub blank_passwords: u64,
    /// The line and the address of some of these.
    pub blank_password_rows: Vec<(u64, String)>,
    /// Users whose account has a date on which it expires.
    pub expiring: u64,
    /// The line and the address of some of these.
    pub expiring_rows: Vec<(u64, String)>,
    /// Names that were read as a field because an option said so, and the field.
    pub chosen: Vec<(String, &'static str)>,
    /// Users whose password field has no usable password: they are created without one.
    pub without_password: u64,
    /// Some of these: the line, the address and the reason.
    pub without_password_rows: Vec<(u64, String, &'static str)>,
}

/// Examples that a summary keeps of a kind.
const EXAMPLES: usize = 20;

impl Summary {
    fn skip(&mut self, line: u64, class: &str) {
        self.skipped += 1;
        if self.skipped_entries.len() < EXAMPLES {
            self.skipped_entries.push((line, class.to_owned()));
        }
    }

    fn without_password(&mut self, line: u64, address: &str, why: &'static str) {
        self.without_password += 1;
        if self.without_password_rows.len() < EXAMPLES {
            self.without_password_rows.push((line, address.to_owned(), why));
        }
    }

    fn expires(&mut self, line: u64, address: &str) {
        self.expiring += 1;
        if self.expiring_rows.len() < EXAMPLES {
            self.expiring_rows.push((line, address.to_owned()));
        }
    }

    fn blank_password(&mut self, line: u64, address: &str) {
        self.blank_passwords += 1;
        if self.blank_password_rows.len() < EXAMPLES {
            self.blank_password_rows.push((line, address.to_owned()));
        }
    }

    /// What the person who imports should know, one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(encoding) = self.encoding.filter(|encoding| *encoding != Encoding::Utf8) {
            notes.push(format!("The file was read as {}", encoding.name()));
        }
        if self.skipped > 0 {
            let entries = self
                .skipped_entries
                .iter()
                .map(|(line, class)| format!("{} on line {line}", printable(class)));
            notes.push(format!(
                "{} not people, and no users: {}",
                entries_are(self.skipped),
                list(entries, self.skipped)
            ));
        }
        if self.disabled > 0 {
            notes.push(format!(
                "{} not active in the file; new ones are created disabled",
                users_are(self.disabled)
            ));
        }
        if self.locked > 0 {
            notes.push(format!("{} locked in the file; new ones are created locked", users_are(self.locked)));
        }
        if self.without_password > 0 {
            let rows = self.without_password_rows.iter();
            let rows =
                rows.map(|(line, address, why)| format!("{} on line {line} ({why})", printable(address)));
            let users = users_are(self.without_password);
            notes.push(format!("{users} created without a password: {}", list(rows, self.without_password)));
        }
        if self.expiring > 0 {
            let rows = self.expiring_rows.iter();
            let rows = rows.map(|(line, address)| format!("{} on line {line}", printable(address)));
            notes.push(format!(
                "{} a date on which the account expires, which is not imported: disable those that are past: {}",
                if self.expiring == 1 { "1 user has".to_owned() } else { format!("{} users have", self.expiring) },
                list(rows, self.expiring)
            ));
        }
        if self.blank_passwords > 0 {
            let rows = self.blank_password_rows.iter();
            let rows = rows.map(|(line, address)| format!("{} on line {line}", printable(address)));
            let passwords = match self.blank_passwords {
                1 => "1 password begins or ends".to_owned(),
                count => format!("{count} passwords begin or end"),
            };
            notes.push(format!(
                "{passwords} with a blank, which belongs to the password: {}",
                list(rows, self.blank_passwords)
            ));
        }
        notes
    }

    fn count_state(&mut self, disabled: bool, locked: bool) {
        self.disabled += u64::from(disabled);
        self.locked += u64::from(locked && !disabled);
    }
}

fn users_are(count: u64) -> String {
    if count == 1 { "1 user is".to_owned() } else { format!("{count} users are") }
}

fn entries_are(count: u64) -> String {
    if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") }
}

/// Examples of so many.
fn list(examples: impl Iterator<Item = String>, count: u64) -> String {
    let examples: Vec<String> = examples.take(5).collect();
    let more = count.saturating_sub(examples.len() as u64);
    let end = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{end}", examples.join(", "))
}

/// Why a file can't be read on.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The system says so.
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The format was not recognised.
    #[error("it is neither CSV with an `email` column, nor JSON, nor LDIF")]
    Format,
    /// It is a workbook or another archive.
    #[error("it is an Excel workbook or a ZIP archive: save the sheet as CSV")]
    Workbook,
    /// It is compressed.
    #[error("it is compressed with gzip: decompress it first")]
    Compressed,
    /// The header has no column with an address.
    #[error(
        "the header line has no column `email` (or `emailAddress`, `mail`){0}. Rename the column, or use --column \
         of `matricula import`"
    )]
    Header(String),
    /// The first line has an address and no column for one. It may hold a password, so the message doesn't quote it.
    #[error(
        "the first line contains an address instead of names of columns: add a header line such as \
         `email,name,password`"
    )]
    NoHeader,
    /// A column is there twice.
    #[error(
        "the header line names the column {0} twice, or another column for the same field: remove one, or use --ignore of \
         `matricula import`"
    )]
    ColumnTwice(String),
    /// A mapped column is missing.
    #[error("the header line has no column {0}")]
    NoColumn(String),
    /// A mapped name is nowhere in the file.
    #[error("no row has a field {0}, which --column names: correct the name")]
    NoName(String),
    /// A name is mapped to an unknown field.
    #[error(
        "there is no field {0}; the fields are email, name, firstName, lastName, password, passwordHash, accountCode, \
         forcePasswordChange, active, disabled, locked, status and aliasOf"
    )]
    Field(String),
    /// A row has no end.
    #[error(
        "line {line}: the row is longer than {MAX_ROW} bytes; perhaps a quote or a bracket is not closed"
    )]
    RowTooLong {
        /// Where it begins.
        line: u64,
    },
    /// A list has no end.
    #[error("the `{what}` on line {line} is not closed: the file was truncated")]
    Unended {
        /// Where it begins.
        line: u64,
        /// Its bracket.
        what: char,
    },
}

/// The rows of a file.
pub struct Rows<R> {
    reader: Reader<R>,
    options: Options,
    summary: Summary,
    number: u64,
    ended: bool,
}

enum Reader<R> {
    Csv(csv::Csv<Decoded<R>>),
    Json(json::Json<Decoded<R>>),
    Ldif(ldif::Ldif<Decoded<R>>),
}

/// A row as a format gives it: the line it begins on, and its user or an error.
struct Found {
    line: u64,
    person: Result<Person, Error>,
}

impl Format {
    /// By the extension of a file's name.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit('.').next()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Format::Csv),
            "json" | "jsonl" | "ndjson" | "scim" => Some(Format::Json),
            "ldif" | "ldf" => Some(Format::Ldif),
            _ => None,
        }
    }

    /// By the beginning of a file. `None`: it is blank.
    pub fn of_beginning(text: &[u8]) -> Option<Self> {
        let mut in_comment = false;
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            // Comments of LDIF are folded as well: a long name of an entry has several lines.
            let continues = in_comment && line.first() == Some(&b' ');
            in_comment = continues || line.first() == Some(&b'#') || (in_comment && line.is_empty());
            if continues {
                continue;
            }
            let line = line.trim_ascii();
            let starts =
                |start: &[u8]| line.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
            match line.first() {
                None => {}
                Some(b'#') if starts(b"#TYPE") => return Some(Format::Csv),
                Some(b'#') => {}
                Some(b'{' | b'[') => return Some(Format::Json),
                Some(_) if starts(b"//") || starts(b"/*") => return Some(Format::Json),
                Some(_) if starts(b"dn:") => return Some(Format::Ldif),
                Some(_) if starts(b"version:") && line[8..].trim_ascii().iter().all(u8::is_ascii_digit) => {
                    return Some(Format::Ldif);
                }
                Some(_) => return Some(Format::Csv),
            }
        }
        None
    }
}

impl<R: Read> Reader<R> {
    /// Opens a file. The error says why its header can't be used; a preview reads on nevertheless.
    fn open(
        input: R,
        options: &Options,
        summary: &mut Summary,
    ) -> Result<(Self, Option<ImportError>), ImportError> {
        let mut input = Decoded::new(input)?;
        match input.start() {
            [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => return Err(ImportError::Workbook),
            [0x1f, 0x8b, ..] => return Err(ImportError::Compressed),
            _ => {}
        }
        let format = options.format.or(Format::of_beginning(input.fill_buf()?)).unwrap_or(Format::Csv);
        Ok(match format {
            Format::Csv => {
                let (csv, unusable) = csv::Csv::open(input, options, summary)?;
                (Reader::Csv(csv), unusable)
            }
            Format::Json => (Reader::Json(json::Json::new(input, options)), None),
            Format::Ldif => (Reader::Ldif(ldif::Ldif::new(input, options)), None),
        })
    }

    fn next_row(&mut self, summary: &mut Summary) -> Result<Option<Found>, ImportError> {
        match self {
            Reader::Csv(csv) => csv.next_row(summary),
            Reader::Json(json) => json.next_row(summary),
            Reader::Ldif(ldif) => ldif.next_row(summary),
        }
    }
}

impl<R: Read> Rows<R> {
    /// Reads a file; without a format, by its beginning.
    ///
    /// # Errors
    /// When it can't be read, or its header can't be used.
    pub fn new(input: R, format: Option<Format>) -> Result<Self, ImportError> {
        Self::with_options(input, &Options { format, ..Options::default() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it can't be read, its header can't be used, or an option names a column that it does not have.
    pub fn with_options(input: R, options: &Options) -> Result<Self, ImportError> {
        let mut summary = Summary { chosen: options.mapped_fields(), ..Summary::default() };
        match Reader::open(input, options, &mut summary)? {
            (_, Some(error)) => Err(error),
            (reader, None) => Ok(Self { reader, options: options.clone(), summary, number: 0, ended: false }),
        }
    }

    /// What was noticed so far.
    pub fn summary(&self) -> Summary {
        let encoding = match &self.reader {
            Reader::Csv(csv) => csv.encoding(),
            Reader::Json(json) => json.encoding(),
            Reader::Ldif(ldif) => ldif.encoding(),
        };
        Summary { encoding: Some(encoding), ..self.summary.clone() }
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let missing = if matches!(self.reader, Reader::Ldif(_)) { "attribute mail" } else { "emailAddress" };
        match self.reader.next_row(&mut self.summary) {
            Ok(Some(Found { line, person })) => {
                self.number += 1;
                let row = match person {
                    Ok(person) => {
                        person.into_row(self.number, line, missing, self.options.inactive, &mut self.summary)
                    }
                    Err(error) => {
                        Row { number: self.number, line, address: String::new(), item: Err(vec![error]) }
                    }
                };
                Some(Ok(row))
            }
            Ok(None) => {
                self.ended = true;
                self.options.check_occurred().err().map(Err)
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

/// A file to fill in.
pub const TEMPLATE: &str = "\
email,name,password,forcePasswordChange
ann@example.com,Ann Lee,,
bob@example.com,\"Berg, Bob\",A password of his own 7,yes
";

/// Whether a spreadsheet would take a cell for a formula. Exported files guard such a cell by an apostrophe, and the reader
/// removes it.
pub fn looks_like_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The error of a row that can't be read at all.
fn unreadable(message: impl Into<String>) -> Error {
    Error::new(Code::Deserialise, message)
}

/// Bytes of a coded value as text: UTF-8, or else Windows-1252.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}
