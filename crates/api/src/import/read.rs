//! Reads the rows of a file by the rules of `matricula import`.

use std::collections::HashSet;
use std::io;

use directory::EmailAddress;
use wire::import::{Entry, ImportError, Options, Rows};
use wire::{Code, Error};

use super::row::{ENVELOPE_SIZE, Row, RowOutcome};

/// Maximum bytes of a file.
pub const MAX_FILE: usize = 16 << 20;

/// Maximum rows of a file.
pub const MAX_ROWS: usize = 100_000;

/// A file that was read.
pub struct ParsedFile {
    /// Its rows.
    pub rows: Vec<Row>,
    /// How it was read.
    pub report: Report,
}

/// What the person who imports should know about how the file was read.
#[derive(Clone, Default)]
pub struct Report {
    /// Names of columns that are not used.
    pub unknown: Vec<String>,
    /// Sentences.
    pub notes: Vec<String>,
    /// Each column that is used, and what it was read as.
    pub columns: Vec<(String, String)>,
    /// Columns that a person chose to ignore.
    pub ignored: Vec<String>,
}

/// Reads the rows of a file. A request holds at most `max_body` bytes.
///
/// # Errors
/// Why the file can't be used, in words.
pub fn read_rows(bytes: &[u8], options: &Options, max_body: usize) -> Result<ParsedFile, String> {
    let to_text = |error: ImportError| error.to_string();
    let mut reader = Rows::with_options(bytes, options).map_err(to_text)?;
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    for row in &mut reader {
        let row = row.map_err(to_text)?;
        if rows.len() == MAX_ROWS {
            return Err(format!("it has more than {MAX_ROWS} rows; `matricula import` has no limit"));
        }
        let item = row.item.and_then(|item| match length(&item) {
            length if length + ENVELOPE_SIZE > max_body => {
                Err(vec![Error::new(Code::Length, "The row is longer than a request may be")])
            }
            length => Ok((item, length)),
        });
        let item = item.and_then(|(item, length)| match seen.insert(key(&row.address)) {
            true => Ok((item, length)),
            false => Err(vec![Error::in_field(
                Code::UserAlreadyExists,
                "emailAddress",
                "An earlier row of the file has this address",
            )]),
        });
        let name = item.as_ref().map_or_else(|_| String::new(), |(entry, _)| shown_name(entry));
        let (outcome, length) = match item {
            Ok((item, length)) => (RowOutcome::Unchecked(item), length),
            Err(errors) => (RowOutcome::Refused(errors), 0),
        };
        rows.push(Row { line: row.line, address: row.address, name, length, outcome });
    }
    if rows.is_empty() {
        let notes = reader.summary().notes().into_iter().map(|note| format!(". {note}")).collect::<String>();
        return Err(format!("it contains no user{notes}"));
    }
    let summary = reader.summary();
    let unknown = summary.ignored.iter().map(|name| short(name)).collect();
    let report = Report { unknown, notes: summary.notes(), ..Report::default() };
    Ok(ParsedFile { rows, report })
}

/// The comparison key of an address.
fn key(address: &str) -> String {
    EmailAddress::parse(address).map_or_else(|_| address.to_lowercase(), |parsed| parsed.key().to_owned())
}

/// The name of a user, or whose alias it is.
fn shown_name(entry: &Entry) -> String {
    match entry {
        Entry::User(user) => user.name.clone().unwrap_or_default(),
        Entry::Alias(alias) => format!("alias of {}", alias.alias_for),
    }
}

/// Bytes of an item in a request, counted without a copy of its password.
fn length(entry: &Entry) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(1);
    let written = match entry {
        Entry::User(user) => serde_json::to_writer(&mut count, user),
        Entry::Alias(alias) => serde_json::to_writer(&mut count, alias),
    };
    match written {
        Ok(()) => count.0,
        Err(_) => usize::MAX - ENVELOPE_SIZE,
    }
}

/// The text, shortened for display.
pub fn short(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The name of a file without folders.
pub fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = short(&name.replace(char::is_control, ""));
    if name.trim().is_empty() { "The file".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, String, String)> {
        let read =
            read_rows(text.as_bytes(), &Options::default(), 1 << 20).unwrap_or_else(|why| panic!("{why}"));
        let summary = |row: Row| match row.outcome {
            RowOutcome::Refused(errors) => (row.line, row.address, errors[0].message.clone()),
            RowOutcome::Unchecked(_) | RowOutcome::Ready(_) | RowOutcome::Created(_) => {
                (row.line, row.address, row.name)
            }
        };
        read.rows.into_iter().map(summary).collect()
    }

    #[test]
    fn an_address_counts_once_however_it_is_written() {
        let twice = "An earlier row of the file has this address";
        let rows = read("mail,name\nann@Example.com,Ann\nANN@example.com,Anna\n,Bob\n");
        assert_eq!(rows[0], (2, "ann@Example.com".to_owned(), "Ann".to_owned()));
        assert_eq!(rows[1], (3, "ANN@example.com".to_owned(), twice.to_owned()));
        assert_eq!(rows[2].2, "This field is mandatory");
    }

    #[test]
    fn an_unusable_file_has_an_error() {
        let wrong = |bytes: &[u8]| read_rows(bytes, &Options::default(), 1 << 20).err().unwrap_or_default();
        assert!(wrong(b"PK\x03\x04...").contains("save the sheet as CSV"));
        assert!(wrong(b"").contains("contains no user"));
        assert!(wrong(b"email\n").contains("contains no user"));
        assert!(wrong(b"a,b\n1,2\n").contains("has no column `email`"));
        let many = format!("email\n{}", "a@b.c\n".repeat(MAX_ROWS + 1));
        assert!(wrong(many.as_bytes()).contains("more than 100000 rows"));
        let long = format!("email,name\na@b.c,{}\n", "x".repeat(2_000));
        let long = read_rows(long.as_bytes(), &Options::default(), 2_048);
        assert!(long.is_ok_and(|read| matches!(read.rows[0].outcome, RowOutcome::Refused(_))));
    }

    #[test]
    fn a_file_name_has_no_folders() {
        for (given, called) in [
            ("users.csv", "users.csv"),
            ("C:\\people\\a b.csv", "a b.csv"),
            ("../../x\r\n", "x"),
            ("", "The file"),
        ] {
            assert_eq!(file_name(given), called);
        }
    }
}
