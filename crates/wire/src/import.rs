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
mod options;
mod person;
mod preview;
mod summary;
mod words;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read};

use thiserror::Error;

use crate::create_user::Item;
pub use crate::printable::printable;
use crate::users::Alias;
use crate::{Code, Error};
use decode::Decoded;
pub use decode::Encoding;
use meaning::{Meaning, meaning};
pub use options::Options;
use options::{FIELDS, is_same_field, is_single};
use person::Person;
pub use preview::{ChoiceError, FieldPreview, MAX_FIELDS, Preview, SHOWN_ROWS, Use, preview};
pub use summary::Summary;

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
        let options = options.for_file();
        let mut summary = Summary { chosen: options.mapped_fields(), ..Summary::default() };
        match Reader::open(input, &options, &mut summary)? {
            (_, Some(error)) => Err(error),
            (reader, None) => Ok(Self { reader, options, summary, number: 0, ended: false }),
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
                self.options.missing_name().map(|name| Err(ImportError::NoName(name)))
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
