//! CSV (RFC 4180), as spreadsheets and directories write it.
//!
//! A quote that is opened and not closed would swallow the rows behind it. Then the row is refused at the line of the
//! quote, and reading goes on at the next line.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufRead, Read};

use super::decode::{Decoded, Encoding};
use super::lines::Lines;
use super::meaning::{Meaning, plain};
use super::person::{Field, Person, note};
use super::{Found, ImportError, MAX_ROW, Options, Summary, is_single, looks_like_formula, unreadable};

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

pub(super) struct Csv<R> {
    lines: Queue<R>,
    delimiter: char,
    columns: Vec<Column>,
    traced: bool,
}

struct Column {
    /// Its name; with a number if an earlier column has the same name, so that options can tell them apart.
    label: String,
    /// Whether the header has a name for it.
    named: bool,
    meaning: Meaning,
}

/// A field of a row.
#[derive(Debug, PartialEq)]
struct Cell {
    text: String,
    quoted: bool,
}

/// How far the fields of a row are after a line.
#[derive(Debug, PartialEq)]
enum Progress {
    Whole,
    /// A quote is open at the end of the line.
    Open,
    /// A quote from an earlier line closes within other text: it was not meant to open a field.
    Stray,
}

/// Lines in one quoted field, at most.
const MAX_LINES: usize = 1_000;

impl<R: Read> Csv<Decoded<R>> {
    pub(super) fn encoding(&self) -> Encoding {
        self.lines.lines.input().encoding()
    }
}

impl<R: BufRead> Csv<R> {
    /// Reads the header. The error says why it can't be used.
    pub(super) fn open(
        input: R,
        options: &Options,
        summary: &mut Summary,
    ) -> Result<(Self, Option<ImportError>), ImportError> {
        let mut lines = Queue { lines: Lines::new(input), pushed: VecDeque::new() };
        let traced = options.traced;
        let mut delimiter = None;
        let header = loop {
            let Some((_, line)) = lines.next()? else {
                return Ok((Self { lines, delimiter: ',', columns: Vec::new(), traced }, None));
            };
            let start = line.trim();
            // Excel's hint, PowerShell's type, the version of a template.
            if let Some(hint) = separator(start) {
                delimiter = Some(hint);
            } else if !start.is_empty() && !start.starts_with('#') && !is_version(start) {
                break line;
            }
        };
        // A line without a known name may be a row, and hold a password.
        let known = |name: &str| !matches!(options.meaning(name), Meaning::Unknown);
        let no_address = || match header.contains('@') {
            true => ImportError::NoHeader,
            false if DELIMITERS.iter().any(|delimiter| header.split(*delimiter).any(known)) => {
                ImportError::Header(format!(": found {}", super::printable(&header)))
            }
            false => ImportError::Header(", and none that is known".to_owned()),
        };
        let (delimiter, names) = names(&mut lines, &header, delimiter, options)?.ok_or_else(no_address)?;
        let (columns, mut unusable) = columns(names, options, summary);
        if !columns.iter().any(|column| matches!(column.meaning, Meaning::Address(_))) {
            if header.contains('@') {
                return Err(ImportError::NoHeader);
            }
            unusable.get_or_insert_with(no_address);
        }
        Ok((Self { lines, delimiter, columns, traced }, unusable))
    }

    /// The label of each column, its meaning, and whether the header names it.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, Meaning, bool)> {
        self.columns.iter().map(|column| (column.label.as_str(), column.meaning, column.named))
    }

    /// The next row of a person. Rows of groups, contacts and the like are counted.
    pub(super) fn next_row(&mut self, summary: &mut Summary) -> Result<Option<Found>, ImportError> {
        loop {
            let Some((line, text)) = self.lines.next()? else { return Ok(None) };
            if text.trim().is_empty() {
                continue;
            }
            let cells = match self.row(line, &text)? {
                Ok(cells) => cells,
                Err(message) => return Ok(Some(Found { line, person: Err(unreadable(message)) })),
            };
            // Spreadsheets leave lines of separators at the end.
            if cells.iter().all(|cell| cell.text.trim().is_empty()) {
                continue;
            }
            let person = self.person(line, &cells);
            match person.as_ref().ok().and_then(Person::other_class) {
                Some(class) => summary.skip(line, class),
                None => return Ok(Some(Found { line, person })),
            }
        }
    }

    /// The cells of the row that begins with a line; it may have more lines.
    fn row(&mut self, line: u64, text: &str) -> Result<Result<Vec<Cell>, String>, ImportError> {
        let (mut splitter, mut later, mut length) = (Splitter::new(self.delimiter), Vec::new(), text.len());
        let mut progress = splitter.feed(text);
        while progress == Progress::Open && length <= MAX_ROW && later.len() < MAX_LINES {
            let Some((number, text)) = self.lines.next()? else { break };
            length += text.len();
            progress = splitter.feed(&text);
            later.push((number, text));
        }
        if progress == Progress::Whole && !self.swallows_rows(&later) {
            return Ok(Ok(splitter.cells));
        }
        let name = self.columns.get(splitter.column).map_or("a field", |column| column.label.as_str());
        let message = format!(
            "line {line}: the quote that opens {} is not closed at the end of a field. Close it, or write it twice if it \
             belongs to the text",
            super::printable(name)
        );
        self.lines.push_back(later);
        Ok(Err(message))
    }

    /// Whether a line inside a quoted field looks like a row: then the quote was not meant to span it.
    fn swallows_rows(&self, later: &[(u64, String)]) -> bool {
        let is_row = |text: &str| {
            let cells = cells(text, self.delimiter)
                .filter(|cells| cells.len() > 1 && cells.len() == self.columns.len());
            let mut cells = self.columns.iter().zip(cells.into_iter().flatten());
            cells.any(|(column, cell)| {
                matches!(column.meaning, Meaning::Address(_)) && cell.text.contains('@')
            })
        };
        later.split_last().is_some_and(|(_, inner)| inner.iter().any(|(_, text)| is_row(text)))
    }

    fn person(&self, line: u64, cells: &[Cell]) -> Result<Person, crate::Error> {
        let (found, expected) = (cells.len(), self.columns.len());
        if found > expected && cells.iter().skip(expected).any(|cell| !cell.text.trim().is_empty()) {
            let message = format!(
                "line {line} has {found} fields, but the header has {expected}: does an unquoted field contain a separator?"
            );
            return Err(unreadable(message));
        }
        // Spreadsheets leave empty fields out at the end; a state that is left out could be that of a truncated file.
        let missing = self
            .columns
            .iter()
            .skip(found)
            .find(|column| column.meaning.is_state() || matches!(column.meaning, Meaning::MustChange));
        if let Some(column) = missing {
            let message = format!(
                "line {line} has {found} fields, and the header {expected}: the field {} is missing. Is the line cut off? \
                 Write a separator for each empty field",
                super::printable(&column.label)
            );
            return Err(unreadable(message));
        }
        let mut person = Person::new(self.traced);
        for (column, cell) in self.columns.iter().zip(cells) {
            let text = match column.meaning {
                Meaning::Address(_)
                | Meaning::Name(_)
                | Meaning::FirstName
                | Meaning::LastName
                | Meaning::AliasOf => unguarded(&cell.text),
                _ => cell.text.as_str(),
            };
            person.set(column.meaning, &column.label, Field::Text { text, exact: cell.quoted });
        }
        Ok(person)
    }
}

/// Lines, some of which were read before and are read again.
struct Queue<R> {
    lines: Lines<R>,
    pushed: VecDeque<(u64, String)>,
}

impl<R: BufRead> Queue<R> {
    fn next(&mut self) -> Result<Option<(u64, String)>, ImportError> {
        match self.pushed.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }

    fn push_back(&mut self, lines: Vec<(u64, String)>) {
        for line in lines.into_iter().rev() {
            self.pushed.push_front(line);
        }
    }
}

/// The fields of one line; `None`: a quote is open at its end.
fn cells(line: &str, delimiter: char) -> Option<Vec<Cell>> {
    let mut splitter = Splitter::new(delimiter);
    (splitter.feed(line) == Progress::Whole).then_some(splitter.cells)
}

/// Splits the lines of a row into fields.
struct Splitter {
    delimiter: char,
    cells: Vec<Cell>,
    /// The text of the quoted field so far.
    open: Option<String>,
    /// The column of the last quoted field that spans lines, or is open.
    column: usize,
}

impl Splitter {
    fn new(delimiter: char) -> Self {
        Self { delimiter, cells: Vec::new(), open: None, column: 0 }
    }

    fn feed(&mut self, line: &str) -> Progress {
        let (mut at, mut start) = (0, None);
        if let Some(open) = &mut self.open {
            open.push('\n');
        }
        loop {
            match self.open.take() {
                Some(mut text) => {
                    let Some(end) = closing(&line[at..], &mut text) else {
                        (self.open, self.column) = (Some(text), self.cells.len());
                        return Progress::Open;
                    };
                    at += end;
                    let junk = line[at..].find(self.delimiter).unwrap_or(line.len() - at);
                    let is_clean = line[at..at + junk].trim().is_empty();
                    at += junk;
                    match start.take() {
                        _ if is_clean => self.cells.push(Cell { text, quoted: true }),
                        // Quotes within the text, as in `"Ann" Lee`.
                        Some(start) => self.cells.push(Cell::plain(&line[start..at])),
                        None => return Progress::Stray,
                    }
                }
                None => {
                    let blanks = line[at..].len() - line[at..].trim_start_matches(' ').len();
                    if line[at + blanks..].starts_with('"') {
                        start = Some(at);
                        at += blanks + 1;
                        self.open = Some(String::new());
                        continue;
                    }
                    let length = line[at..].find(self.delimiter).unwrap_or(line.len() - at);
                    self.cells.push(Cell::plain(&line[at..at + length]));
                    at += length;
                }
            }
            if at >= line.len() {
                return Progress::Whole;
            }
            at += self.delimiter.len_utf8();
        }
    }
}

impl Cell {
    fn plain(text: &str) -> Self {
        Self { text: text.trim().to_owned(), quoted: false }
    }
}

/// Adds the text up to the closing quote, and gives the place after it; `None`: the line has no closing quote.
fn closing(line: &str, text: &mut String) -> Option<usize> {
    let mut from = 0;
    loop {
        let Some(quote) = line[from..].find('"').map(|at| from + at) else {
            text.push_str(&line[from..]);
            return None;
        };
        text.push_str(&line[from..quote]);
        if !line[quote + 1..].starts_with('"') {
            return Some(quote + 1);
        }
        text.push('"');
        from = quote + 2;
    }
}

/// The meanings of the columns: of several addresses or names the best one counts. The error says why they can't be
/// used.
fn columns(
    names: Vec<String>,
    options: &Options,
    summary: &mut Summary,
) -> (Vec<Column>, Option<ImportError>) {
    let mut columns: Vec<Column> = Vec::with_capacity(names.len());
    for (label, name) in labels(&names).into_iter().zip(&names) {
        let chosen = options.chosen(&label).or_else(|| options.chosen(name));
        let meaning = chosen.unwrap_or_else(|| options.recognised(name));
        columns.push(Column { label, named: !plain(name).is_empty(), meaning });
    }
    let mut unusable = options.missing_name().map(ImportError::NoColumn);
    let best =
        |kind: fn(Meaning) -> Option<u8>| columns.iter().filter_map(|column| kind(column.meaning)).min();
    let (address, name) = (best(address_rank), best(name_rank));
    for index in 0..columns.len() {
        let meaning = columns[index].meaning;
        let beaten = address_rank(meaning).is_some_and(|rank| Some(rank) > address)
            || name_rank(meaning).is_some_and(|rank| Some(rank) > name);
        if beaten {
            columns[index].meaning = Meaning::Unknown;
        } else if is_single(meaning) && columns[..index].iter().any(|column| column.meaning == meaning) {
            unusable.get_or_insert_with(|| ImportError::ColumnTwice(super::printable(&names[index])));
        }
        if columns[index].meaning == Meaning::Unknown && columns[index].named {
            note(&mut summary.ignored, &names[index]);
        }
    }
    (columns, unusable)
}

/// The names of the columns, each once: a repeated name gets a number, and a column without a name is called by its place.
fn labels(names: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = names.iter().map(|name| plain(name)).collect();
    // The next number of each name. Counting on keeps a header of equal names fast.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut labels = Vec::with_capacity(names.len());
    for (place, name) in (1..).zip(names) {
        let plain_name = plain(name);
        let unnamed = plain_name.is_empty();
        let first = !unnamed && !numbers.contains_key(&plain_name);
        let number = numbers.entry(plain_name).or_insert(if unnamed { place } else { 2 });
        if first {
            labels.push(name.clone());
            continue;
        }
        if unnamed {
            *number = place.max(*number);
        }
        let label = loop {
            let label = if unnamed { format!("column {number}") } else { format!("{name} ({number})") };
            *number += 1;
            if taken.insert(plain(&label)) {
                break label;
            }
        };
        labels.push(label);
    }
    labels
}

fn address_rank(meaning: Meaning) -> Option<u8> {
    if let Meaning::Address(rank) = meaning { Some(rank) } else { None }
}

fn name_rank(meaning: Meaning) -> Option<u8> {
    if let Meaning::Name(rank) = meaning { Some(rank) } else { None }
}

/// The separator in Excel's first line `sep=;`.
fn separator(line: &str) -> Option<char> {
    let line = line.trim_matches('"');
    let hint = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let mut chars = hint.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The first line of Entra's bulk template: `version:v1.0,,,`.
fn is_version(line: &str) -> bool {
    let start = line.split(DELIMITERS).next().unwrap_or_default().trim_matches('"');
    start.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("version:v"))
}

/// The separator of the header, and the names of the columns. `None`: a quote is not closed.
fn names<R: BufRead>(
    lines: &mut Queue<R>,
    header: &str,
    delimiter: Option<char>,
    options: &Options,
) -> Result<Option<(char, Vec<String>)>, ImportError> {
    /// Lines of a header, at most: spreadsheets allow line breaks in names.
    const MOST: usize = 20;
    let candidates = delimiter.map_or_else(|| DELIMITERS.to_vec(), |known| vec![known]);
    let mut text = vec![header.to_owned()];
    loop {
        let headers: Vec<_> =
            candidates.iter().map(|delimiter| Header::read(&text, *delimiter, options)).collect();
        let is_open = headers.iter().any(|header| header.progress == Progress::Open);
        let whole = headers.into_iter().filter(|header| header.progress == Progress::Whole);
        // A name may contain other separators. Of equals the first: `max_by_key` gives the last.
        let best = whole.rev().max_by_key(|header| (header.has_address, header.names.len()));
        let done = !is_open || text.len() == MOST || best.as_ref().is_some_and(|best| best.has_address);
        let next = if done { None } else { lines.next()? };
        match next {
            // With an address it is a row, and the quote before it is not closed.
            Some((_, line)) if !line.contains('@') => text.push(line),
            _ => return Ok(best.map(|best| (best.delimiter, best.names))),
        }
    }
}

/// A header as one separator splits it.
struct Header {
    delimiter: char,
    progress: Progress,
    names: Vec<String>,
    has_address: bool,
}

impl Header {
    fn read(text: &[String], delimiter: char, options: &Options) -> Self {
        let mut splitter = Splitter::new(delimiter);
        let mut progress = Progress::Open;
        for line in text {
            // A line behind the end of the header belongs to another separator's header.
            progress = if progress == Progress::Open { splitter.feed(line) } else { Progress::Stray };
        }
        let name = |cell: Cell| cell.text.replace('\n', " ").trim().to_owned();
        let names: Vec<String> = splitter.cells.into_iter().map(name).collect();
        let has_address = names.iter().any(|name| matches!(options.meaning(name), Meaning::Address(_)));
        Self { delimiter, progress, names, has_address }
    }
}

/// Without the apostrophe that guards a formula.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| looks_like_formula(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Vec<(String, bool)> {
        cells(text, ',').unwrap().into_iter().map(|cell| (cell.text, cell.quoted)).collect()
    }

    fn progress(lines: &[&str]) -> Progress {
        let mut splitter = Splitter::new(',');
        lines.iter().map(|line| splitter.feed(line)).last().unwrap()
    }

    #[test]
    fn fields_are_split_at_separators_outside_quotes() {
        let plain = |text: &str| (text.to_owned(), false);
        let quoted = |text: &str| (text.to_owned(), true);
        assert_eq!(whole("a, b ,,"), [plain("a"), plain("b"), plain(""), plain("")]);
        assert_eq!(whole(r#"" a ","b ""c"", d" , "e""#), [quoted(" a "), quoted(r#"b "c", d"#), quoted("e")]);
        assert_eq!(whole(r#""Ann" Lee,Bob "B" Lee"#), [plain(r#""Ann" Lee"#), plain(r#"Bob "B" Lee"#)]);
        assert_eq!(progress(&["\"a", "b\",c"]), Progress::Whole);
        assert_eq!(progress(&["a,\"b"]), Progress::Open);
        assert_eq!(progress(&["a,\"b", "c,\"d"]), Progress::Stray);
    }
}
