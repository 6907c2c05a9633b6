//! Files of users to create: CSV, JSON, LDIF and SCIM. Rows are read one by one, in constant memory, into the items of
//! create-user. `[ours]`
//!
//! An invalid row becomes a row with errors in the codes of the API; reading continues after it.

mod csv;
mod json;
mod ldif;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::create_user::Item;
use crate::item::Entry;
use crate::{Code, Error};

/// Longest row, in bytes. `[ours]`
pub const MAX_ROW: usize = 1 << 20;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Columns `email`, `name`, `password`, as in the service's spreadsheets; also `accountCode`,
    /// `forcePasswordChange`, `passwordHash`. Separated by `,`, `;` or tabs, depending on the header.
    Csv,
    /// Items of create-user or users of SCIM (RFC 7643): one per line, in sequence, in a list, or in a list response of
    /// SCIM.
    Json,
    /// Entries of LDAP (RFC 2849): `mail`, `displayName` or `cn`, `userPassword`.
    Ldif,
}

/// A row of a file.
pub struct Row {
    /// Its number, from 1; the header does not count.
    pub number: u64,
    /// The number of its first line, from 1.
    pub line: u64,
    /// The address if found, to identify the row.
    pub address: String,
    /// The item, or all its errors.
    pub item: Result<Item, Vec<Error>>,
}

/// Why reading a file fails.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The system reports an error.
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The format cannot be detected.
    #[error("it is neither CSV with an `email` column, nor JSON, nor LDIF")]
    Format,
    /// The header is missing or has no address column.
    #[error("the header line has no column `email` (or `emailAddress`, `mail`): found {0}")]
    Header(String),
    /// A column occurs twice.
    #[error("the header line names the column {0} twice")]
    ColumnTwice(&'static str),
    /// A row does not end.
    #[error(
        "line {line}: the row is longer than {MAX_ROW} bytes; perhaps a quote or a bracket is not closed"
    )]
    RowTooLong {
        /// The line on which it begins.
        line: u64,
    },
}

/// The rows of a file.
pub struct Rows<R> {
    reader: Reader<R>,
    number: u64,
    ended: bool,
}

enum Reader<R> {
    Csv(csv::Csv<R>),
    Json(json::Json<R>),
    Ldif(ldif::Ldif<R>),
}

/// A row from a format's reader: its first line, and its fields or error.
struct Found {
    line: u64,
    fields: Result<Map<String, Value>, Error>,
}

impl Format {
    /// The format by the extension of a file name.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit('.').next()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Format::Csv),
            "json" | "jsonl" | "ndjson" | "scim" => Some(Format::Json),
            "ldif" | "ldf" => Some(Format::Ldif),
            _ => None,
        }
    }

    /// The format by the beginning of the file.
    pub fn of_beginning(bytes: &[u8]) -> Option<Self> {
        let text = bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii_start();
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let begins =
            |word: &[u8]| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        match line.first()? {
            b'{' | b'[' => Some(Format::Json),
            _ if begins(b"dn:") || begins(b"version:") || line.starts_with(b"#") => Some(Format::Ldif),
            _ => Some(Format::Csv),
        }
    }
}

/// The byte order mark that some programs put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

impl<R: BufRead> Rows<R> {
    /// Reads a file; without `format`, the format is detected from the beginning.
    ///
    /// # Errors
    /// When the file cannot be read, or its header is unusable.
    pub fn new(mut input: R, format: Option<Format>) -> Result<Self, ImportError> {
        let beginning = input.fill_buf()?;
        let format = match format {
            Some(format) => format,
            None if beginning.is_empty() => Format::Json,
            None => Format::of_beginning(beginning).ok_or(ImportError::Format)?,
        };
        if beginning.starts_with(BOM) {
            input.consume(BOM.len());
        }
        let reader = match format {
            Format::Csv => Reader::Csv(csv::Csv::new(input)?),
            Format::Json => Reader::Json(json::Json::new(input)),
            Format::Ldif => Reader::Ldif(ldif::Ldif::new(input)),
        };
        Ok(Self { reader, number: 0, ended: false })
    }

    /// Unknown columns of the header, which are ignored.
    pub fn unknown_columns(&self) -> &[String] {
        match &self.reader {
            Reader::Csv(csv) => csv.unknown_columns(),
            Reader::Json(_) | Reader::Ldif(_) => &[],
        }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = match &mut self.reader {
            Reader::Csv(csv) => csv.next_row(),
            Reader::Json(json) => json.next_row(),
            Reader::Ldif(ldif) => ldif.next_row(),
        };
        match found {
            Ok(Some(found)) => {
                self.number += 1;
                Some(Ok(found.into_row(self.number)))
            }
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

impl Found {
    fn into_row(self, number: u64) -> Row {
        let Self { line, fields } = self;
        let fields = match fields {
            Ok(fields) => fields,
            Err(error) => return Row { number, line, address: String::new(), item: Err(vec![error]) },
        };
        let address =
            fields.get("emailAddress").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let item = match Entry::<Item>::read(Value::Object(fields)).item {
            Ok(Item { email_address: None, .. }) => {
                Err(vec![Error::in_field(Code::Null, "emailAddress", "This field is mandatory")])
            }
            Ok(Item { email_address: Some(given), .. }) if given.trim().is_empty() => {
                Err(vec![Error::in_field(Code::Blank, "emailAddress", "This field must not be blank")])
            }
            Ok(item) => Ok(Item { email_address: Some(address.clone()), ..item }),
            Err(errors) => Err(errors),
        };
        Row { number, line, address, item }
    }
}

fn unreadable(message: impl Into<String>) -> Error {
    Error::new(Code::Deserialise, message)
}

/// Decodes UTF-8, else Latin-1, in which every byte is a character (spec/clients.md 3.4).
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A password from a directory: in clear text or, after the name of a scheme in braces, hashed.
fn password(fields: &mut Map<String, Value>, value: String) {
    let hashed = value.starts_with('{') && value.contains('}');
    fields.insert(if hashed { "passwordHash" } else { "password" }.to_owned(), value.into());
}
