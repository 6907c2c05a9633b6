//! Files of users as other systems export them, in `tests/import`: each row as it is read, and what is reported.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail as the test does")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use matricula_wire::Error;
use matricula_wire::import::{Entry, Row, Rows};

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/import");
    let entries = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries(root).flat_map(entries).collect();
    files.sort();
    files
}

fn shown(row: Row) -> String {
    let Row { number, line, address, item } = row;
    let item = match item {
        Ok(Entry::User(user)) => serde_json::to_string(&user).unwrap(),
        Ok(Entry::Alias(alias)) => serde_json::to_string(&alias).unwrap(),
        Err(errors) => {
            let shown = |error: &Error| match &error.field {
                Some(field) => format!("{field}: {}", error.message),
                None => error.message.clone(),
            };
            format!(
                "refused {} {}",
                address.escape_debug(),
                errors.iter().map(shown).collect::<Vec<_>>().join("; ")
            )
        }
    };
    format!("{number} (line {line}) {item}")
}

/// Rows and report of a file. Of many rows like each other only the first and the refused ones.
fn report(file: &Path) -> String {
    let mut report = String::new();
    let bytes = fs::read(file).unwrap();
    let mut rows = match Rows::new(&bytes[..], None) {
        Ok(rows) => rows,
        Err(error) => return format!("the file: {error}\n"),
    };
    let mut count = 0;
    for row in rows.by_ref() {
        count += 1;
        match row {
            Ok(row) if count > 8 && row.item.is_ok() => {}
            Ok(row) => writeln!(report, "{}", shown(row)).unwrap(),
            Err(error) => writeln!(report, "the file: {error}").unwrap(),
        }
    }
    let summary = rows.summary();
    let encoding = summary.encoding.map_or("", |encoding| encoding.name());
    write!(report, "{count} rows, {encoding}").unwrap();
    for (name, list) in [
        ("ignored", format!("{:?}", summary.ignored)),
        ("not people", format!("{:?}", summary.skipped_entries)),
        ("without password", format!("{:?}", summary.without_password_rows)),
    ] {
        if !matches!(list.as_str(), "{}" | "[]") {
            write!(report, ", {name} {list}").unwrap();
        }
    }
    for (name, count) in [("disabled", summary.disabled), ("locked", summary.locked)] {
        if count > 0 {
            write!(report, ", {count} {name}").unwrap();
        }
    }
    report.push('\n');
    report
}

#[test]
fn every_file_gives_its_rows() {
    let mut all = String::new();
    for file in files() {
        let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        write!(all, "== {folder}/{name}\n{}", report(&file)).unwrap();
    }
    insta::assert_snapshot!(all);
}
