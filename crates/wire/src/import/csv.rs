//! CSV (RFC 4180) and the variants of spreadsheets.

use std::io::{BufRead, Chain, Cursor, Read};

use csv::{ByteRecord, ReaderBuilder, Terminator};
use serde_json::{Map, Value};

use super::{Found, ImportError, MAX_ROW, text, unreadable};

/// Fields of create-user with their column names, ignoring case, spaces, `_` and `-`.
const COLUMNS: &[(&str, &[&str])] = &[
    ("emailAddress", &["email", "emailaddress", "mail", "address", "primaryemail"]),
    ("name", &["name", "displayname", "fullname"]),
    ("password", &["password"]),
    ("passwordHash", &["passwordhash", "hash"]),
    ("accountCode", &["accountcode", "account"]),
    ("forcePasswordChange", &["forcepasswordchange", "mustchangepassword"]),
];

pub(super) struct Csv<R> {
    reader: csv::Reader<Bounded<Chain<Cursor<Vec<u8>>, R>>>,
    columns: Vec<Option<&'static str>>,
    unknown: Vec<String>,
    record: ByteRecord,
}

impl<R: BufRead> Csv<R> {
    pub(super) fn new(mut input: R) -> Result<Self, ImportError> {
        let mut first = Vec::new();
        (&mut input).take(MAX_ROW as u64).read_until(b'\n', &mut first)?;
        let header = text(&first);
        // The most frequent separator in the header, because column names contain none.
        let count = |delimiter: char| header.matches(delimiter).count();
        let delimiter = [',', ';', '\t'].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(',');
        let (mut columns, mut unknown) = (Vec::new(), Vec::new());
        for name in header.trim_end().split(delimiter) {
            let name = name.trim().trim_matches('"').trim();
            let plain: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect();
            let plain = plain.to_lowercase();
            let known =
                COLUMNS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(field, _)| *field);
            match known {
                Some(field) if columns.contains(&Some(field)) => return Err(ImportError::ColumnTwice(field)),
                None if !name.is_empty() => unknown.push(name.to_owned()),
                _ => {}
            }
            columns.push(known);
        }
        if !columns.contains(&Some("emailAddress")) {
            return Err(ImportError::Header(header.trim_end().chars().take(200).collect()));
        }
        // The header is read twice, because the CSV reader removes a byte order mark from its first input.
        let input = Bounded { input: Cursor::new(first).chain(input), left: 0 };
        let reader = ReaderBuilder::new()
            .delimiter(u8::try_from(delimiter).unwrap_or(b','))
            .flexible(true)
            // With CR LF as one terminator, line numbers would be late; the CR is removed below.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(input);
        Ok(Self { reader, columns, unknown, record: ByteRecord::new() })
    }

    pub(super) fn unknown_columns(&self) -> &[String] {
        &self.unknown
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Found>, ImportError> {
        loop {
            let line = self.reader.position().line();
            self.reader.get_mut().left = MAX_ROW as u64;
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => return Err(failed(error, line)),
            }
            let line = self.record.position().map_or(line, |position| position.line());
            // A line with only separators, as spreadsheets leave at the end.
            if self.record.iter().all(|field| field.trim_ascii().is_empty()) {
                continue;
            }
            let (found, expected) = (self.record.len(), self.columns.len());
            if found > expected && self.record.iter().skip(expected).any(|field| !field.is_empty()) {
                let message = format!(
                    "line {line} has {found} fields, but the header has {expected}: does an unquoted field contain a separator?"
                );
                return Ok(Some(Found { line, fields: Err(unreadable(message)) }));
            }
            return Ok(Some(Found { line, fields: Ok(fields(&self.columns, &self.record)) }));
        }
    }
}

fn fields(columns: &[Option<&'static str>], record: &ByteRecord) -> Map<String, Value> {
    let mut fields = Map::new();
    for (number, (column, value)) in columns.iter().zip(record).enumerate() {
        let last = number + 1 == record.len();
        let value = if last { value.strip_suffix(b"\r").unwrap_or(value) } else { value };
        let (Some(field), false) = (column, value.is_empty()) else { continue };
        let value = text(value);
        let value = match *field {
            "forcePasswordChange" => flag(value),
            "emailAddress" | "name" => Value::String(unguarded(value)),
            _ => Value::String(value),
        };
        fields.insert((*field).to_owned(), value);
    }
    fields
}

/// Removes the apostrophe that protects exported text from being read as a formula.
fn unguarded(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest.to_owned(),
        _ => text,
    }
}

/// Yes or no, as people write it in tables; the item parser knows only true and false.
fn flag(value: String) -> Value {
    match value.trim().to_ascii_lowercase().as_str() {
        "" => Value::Null,
        "yes" | "y" | "1" => true.into(),
        "no" | "n" | "0" => false.into(),
        other => other.to_owned().into(),
    }
}

fn failed(error: csv::Error, line: u64) -> ImportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            ImportError::RowTooLong { line }
        }
        csv::ErrorKind::Io(error) => ImportError::Read(error),
        // Byte records of any length have no other errors.
        other => ImportError::Read(std::io::Error::other(format!("{other:?}"))),
    }
}

/// Stops at a row that does not end. The CSV reader reads whole buffers, so the limit is approximate.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let read = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
