//! Valid CSV files (RFC 4180), with the separators and line ends that spreadsheets write.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::string::string_regex;
use proptest::test_runner::TestCaseError;

use super::Expected;

pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) delimiter: char,
    /// The columns of address, name and password.
    columns: [usize; 3],
    /// Of every row that is not blank, whether its password is in quotes.
    quoted: Vec<bool>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?}", String::from_utf8_lossy(&self.bytes), self.delimiter)
    }
}

impl File {
    /// What our reader should give, by the records of another one.
    pub(crate) fn expected(&self, records: Vec<(u64, Vec<String>)>) -> Result<Vec<Expected>, TestCaseError> {
        // Rows without a word are ignored: spreadsheets leave them at the end.
        let is_blank = |fields: &[String]| fields.iter().all(|field| field.trim().is_empty());
        let rows: Vec<_> = records.into_iter().skip(1).filter(|(_, fields)| !is_blank(fields)).collect();
        prop_assert_eq!(rows.len(), self.quoted.len(), "rows of the other reader, and of the file");
        let rows = rows.into_iter().zip(&self.quoted);
        Ok(rows.map(|((line, fields), quoted)| self.row(line, &fields, *quoted)).collect())
    }

    fn row(&self, line: u64, fields: &[String], quoted: bool) -> Expected {
        // Every line break within a field is read as LF.
        let [address, name, password] = self.columns.map(|column| {
            fields.get(column).map_or_else(String::new, |text| text.replace("\r\n", "\n").replace('\r', "\n"))
        });
        let filled = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
        // Only quotes keep blanks at the ends of a password.
        let password = if quoted { &password } else { password.trim() };
        let address = address.trim().to_owned();
        let user = (!address.is_empty()).then(|| (filled(name.trim()), filled(password)));
        Expected { line, address, user }
    }
}

#[derive(Clone, Debug)]
struct Cell {
    text: String,
    quoted: bool,
}

#[derive(Clone, Debug)]
struct Row {
    /// Address, name, password and others.
    cells: Vec<Cell>,
    blank_lines: usize,
    /// Cells that are missing at the end.
    missing: usize,
}

/// How a file is written.
#[derive(Clone, Debug)]
struct Style {
    delimiter: char,
    end: &'static str,
    all_quoted: bool,
    mark: bool,
    last_end: bool,
    others: usize,
    order: Vec<usize>,
}

pub(crate) fn files() -> impl Strategy<Value = File> {
    (style(), header(), prop::collection::vec(row(), 0..5)).prop_map(|(style, header, rows)| {
        let columns = 3 + style.others;
        let order: Vec<usize> = style.order.iter().copied().filter(|column| *column < columns).collect();
        let mut file = String::new();
        if style.mark {
            file.push('\u{feff}');
        }
        file.push_str(&style.line(&order, &header, 0));
        let mut quoted = Vec::new();
        for row in &rows {
            file.push_str(style.end);
            file.push_str(&style.end.repeat(row.blank_lines));
            let missing = row.missing.min(columns - 1);
            file.push_str(&style.line(&order, &row.cells, missing));
            let written = &order[..columns - missing];
            if written.iter().any(|column| !row.cells[*column].text.trim().is_empty()) {
                quoted.push(style.is_quoted(&row.cells[2]));
            }
        }
        if style.last_end {
            file.push_str(style.end);
        }
        let at = |column| order.iter().position(|at| *at == column).unwrap();
        let columns = [at(0), at(1), at(2)];
        File { bytes: file.into_bytes(), delimiter: style.delimiter, columns, quoted }
    })
}

impl Style {
    fn is_quoted(&self, cell: &Cell) -> bool {
        let needs = |sign: char| sign == self.delimiter || matches!(sign, '"' | '\n' | '\r');
        self.all_quoted || cell.quoted || cell.text.contains(needs)
    }

    fn line(&self, order: &[usize], cells: &[Cell], missing: usize) -> String {
        let written = order[..order.len() - missing].iter().map(|column| {
            let cell = &cells[*column];
            match self.is_quoted(cell) {
                true => format!("\"{}\"", cell.text.replace('"', "\"\"")),
                false => cell.text.clone(),
            }
        });
        written.collect::<Vec<_>>().join(&self.delimiter.to_string())
    }
}

fn style() -> impl Strategy<Value = Style> {
    let delimiter = select(vec![',', ';', '\t', '|']);
    let end = select(vec!["\n", "\r\n", "\r"]);
    let order = Just(vec![0, 1, 2, 3, 4]).prop_shuffle();
    (delimiter, end, any::<[bool; 3]>(), 0..=2_usize, order).prop_map(
        |(delimiter, end, [all_quoted, mark, last_end], others, order)| Style {
            delimiter,
            end,
            all_quoted,
            mark,
            last_end,
            others,
            order,
        },
    )
}

fn header() -> impl Strategy<Value = Vec<Cell>> {
    let address = select(vec!["email", "E-Mail", "Email Address [Required]", "mail"]);
    let name = select(vec!["name", "displayName", "Name (Last, First)", "Display\nName"]);
    let password = select(vec!["password", "Initial password", "Kennwort"]);
    let other =
        || select(vec!["Badge", "Room; floor, desk | seat", "Two\nlines", "The \"x\"", "a,b,c,d,e,f"]);
    let names = (address, name, password, other(), other());
    (names, any::<[bool; 5]>()).prop_map(|((address, name, password, other, another), quoted)| {
        let names = [address, name, password, other, another];
        let cell = |(text, quoted): (&str, bool)| Cell { text: text.to_owned(), quoted };
        names.into_iter().zip(quoted).map(cell).collect()
    })
}

fn row() -> impl Strategy<Value = Row> {
    let address = prop_oneof![
        20 => (0..1000_u32).prop_map(|number| format!("u{number}@example.com")),
        1 => Just(String::new()),
        1 => Just("  ".to_owned()),
        2 => Just(" Ann@example.com ".to_owned()),
    ];
    // Without this part, a password might look like a hash or like the mark of a locked account.
    let password = prop_oneof![
        1 => select(vec![String::new(), "   ".to_owned()]),
        6 => (text(), text()).prop_map(|(start, end)| format!("{start}Pw7{end}")),
    ];
    let cells = (address, text(), password, text(), text());
    let missing = (any::<Index>(), any::<Index>());
    (cells, any::<[bool; 5]>(), prop_oneof![8 => Just(0), 1 => 1..3_usize], missing).prop_map(
        |((address, name, password, other, another), quoted, blank_lines, (some, missing))| {
            let texts = [address, name, password, other, another].map(bounded);
            let cells = texts.into_iter().zip(quoted).map(|(text, quoted)| Cell { text, quoted }).collect();
            let missing = if some.index(5) == 0 { missing.index(5) } else { 0 };
            Row { cells, blank_lines, missing }
        },
    )
}

/// With a letter at the end of a text of several lines. Our reader refuses a row if a line within its quotes looks like a
/// row with an address, because a quote may be missing: `docs/IMPORT.md` says so. Without the letter, the end of one text
/// and the start of another may look so.
fn bounded(text: String) -> String {
    if text.contains(['\n', '\r']) { text + "x" } else { text }
}

fn text() -> impl Strategy<Value = String> {
    let words =
        string_regex("[abÄß€😀0 '\",;|\t.#=+@:<-]{0,10}|[ \u{a0}\u{85}\u{2028}\u{b}\u{c}a]{1,6}").unwrap();
    let lines = string_regex("[ab '\",;|\t]{0,5}((\n|\r\n|\r)[ab '\",;|\t]{0,5}){1,3}").unwrap();
    // Our reader takes away the apostrophe before a formula.
    let text = prop_oneof![6 => words, 2 => lines].prop_map(|text| match text.trim().starts_with('\'') {
        true => format!("x{text}"),
        false => text,
    });
    // A field may lie on the edge of the parts in which a file is read.
    prop_oneof![1000 => text.clone(), 1 => text.prop_map(|text| format!("{text}{}", ("é ".repeat(120) + "\r\n").repeat(300)))]
}
