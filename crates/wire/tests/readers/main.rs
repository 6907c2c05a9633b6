//! Compares the readers of CSV and LDIF files with two independent readers each, over generated valid files: the rows,
//! the line of each, and its address, name and password.
//!
//! CSV: CPython's `csv` and npm's csv-parse. LDIF: python-ldap and Perl's Net::LDAP. `scripts/test-tools` installs them.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail as the test does")]

mod csv;
mod ldif;
mod reference;

use std::cell::RefCell;
use std::fmt::Debug;

use matricula_wire::import::{Format, Rows, Summary};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use reference::Reference;
use secrecy::ExposeSecret as _;

/// A row as every reader should give it. Without an address it is refused, and still a row.
#[derive(Debug, PartialEq)]
struct Expected {
    line: u64,
    address: String,
    /// Name and password of a row that is not refused.
    user: Option<(Option<String>, Option<String>)>,
}

/// The rows of our reader.
fn rows(file: &[u8], format: Format) -> Result<(Vec<Expected>, Summary), TestCaseError> {
    let fail = |error: &dyn ToString| TestCaseError::fail(error.to_string());
    let mut rows = Rows::new(file, Some(format)).map_err(|error| fail(&error))?;
    let mut all = Vec::new();
    for row in rows.by_ref() {
        let row = row.map_err(|error| fail(&error))?;
        let user = match row.item {
            Ok(entry) => {
                let user = entry.into_user().unwrap();
                Some((user.name, user.password.map(|password| password.expose_secret().to_owned())))
            }
            Err(errors) => {
                let refused: Vec<_> = errors.iter().map(|error| error.field.as_deref()).collect();
                prop_assert_eq!(refused, [Some("emailAddress")], "{:?}", errors);
                None
            }
        };
        all.push(Expected { line: row.line, address: row.address, user });
        prop_assert_eq!(row.number, all.len() as u64);
    }
    let summary = rows.summary();
    Ok((all, summary))
}

/// Compares every generated file; a file that differs is made as small as possible.
fn compare<F: Debug>(
    readers: Vec<Reference>,
    files: impl Strategy<Value = F>,
    one: impl Fn(&F, &mut [Reference]) -> Result<(), TestCaseError>,
) {
    if readers.is_empty() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]
    let cases = std::env::var("MATRICULA_FUZZ_CASES").map_or(2000, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[24; 32]));
    let readers = RefCell::new(readers);
    let outcome = runner.run(&files, |file| one(&file, &mut readers.borrow_mut()));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn csv_is_read_as_other_readers_read_it() {
    compare(Reference::of_csv(), csv::files(), |file, readers| {
        let (found, _) = rows(&file.bytes, Format::Csv)?;
        for reader in readers {
            let expected = file.expected(reader.read(&file.bytes, file.delimiter)?)?;
            prop_assert_eq!(&found, &expected, "{}", reader.version);
        }
        Ok(())
    });
}

#[test]
fn ldif_is_read_as_other_readers_read_it() {
    compare(Reference::of_ldif(), ldif::files(), |file, readers| {
        let (found, summary) = rows(&file.bytes, Format::Ldif)?;
        for reader in readers {
            let (expected, others) = file.expected(reader.read(&file.bytes, ' ')?)?;
            prop_assert_eq!(&found, &expected, "{}", reader.version);
            prop_assert_eq!(summary.skipped, others, "{}", reader.version);
        }
        Ok(())
    });
}
