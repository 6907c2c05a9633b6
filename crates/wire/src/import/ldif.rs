//! LDIF (RFC 2849): entries as LDAP directories export them.

use std::io::{BufRead, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::decode::{Decoded, Encoding};
use super::lines::Lines;
use super::meaning::{Meaning, plain};
use super::person::{Field, Person, note};
use super::{Found, ImportError, MAX_ROW, Options, Summary, unreadable};

pub(super) struct Ldif<R> {
    lines: Lines<R>,
    /// A line that was read to see whether it continues the one before.
    ahead: Option<(u64, String)>,
    /// The first line of the next entry, whole.
    begun: Option<(u64, String)>,
    options: Options,
}

/// An entry.
#[derive(Default)]
struct Entry {
    line: u64,
    length: usize,
    has_name: bool,
    change: bool,
    person: Person,
    wrong: Option<String>,
}

impl<R: Read> Ldif<Decoded<R>> {
    pub(super) fn encoding(&self) -> Encoding {
        self.lines.input().encoding()
    }
}

impl<R: BufRead> Ldif<R> {
    pub(super) fn new(input: R, options: &Options) -> Self {
        Self { lines: Lines::new(input), ahead: None, begun: None, options: options.clone() }
    }

    /// The next entry of a person. Entries of groups, contacts and the like are counted.
    pub(super) fn next_row(&mut self, summary: &mut Summary) -> Result<Option<Found>, ImportError> {
        loop {
            let Some(entry) = self.entry(summary)? else { return Ok(None) };
            match entry.other_class() {
                Some(class) if entry.wrong.is_none() && !entry.change => summary.skip(entry.line, &class),
                _ => return Ok(Some(entry.into_found())),
            }
        }
    }

    fn entry(&mut self, summary: &mut Summary) -> Result<Option<Entry>, ImportError> {
        let mut entry = Entry { person: Person::new(self.options.traced), ..Entry::default() };
        while let Some((number, line)) = self.unfolded()? {
            if line.trim().is_empty() {
                if entry.line > 0 {
                    return Ok(Some(entry));
                }
                continue;
            }
            // The version of the format, and what ldapsearch reports at the end.
            let is_report = ["version:", "search:", "result:"].iter().any(|start| starts_with(&line, start));
            if line.starts_with('#') || (entry.line == 0 && is_report) {
                continue;
            }
            if entry.has_name && starts_with(&line, "dn:") {
                // The blank line between two entries is missing.
                self.begun = Some((number, line));
                return Ok(Some(entry));
            }
            entry.length += line.len();
            if entry.length > MAX_ROW {
                return Err(ImportError::RowTooLong { line: entry.line.max(1) });
            }
            if entry.line == 0 {
                entry.line = number;
            }
            entry.add(number, &line, &self.options, summary);
        }
        Ok((entry.line > 0).then_some(entry))
    }

    /// A line with its continuations, which begin with a blank.
    fn unfolded(&mut self) -> Result<Option<(u64, String)>, ImportError> {
        if let Some(begun) = self.begun.take() {
            return Ok(Some(begun));
        }
        let first = match self.ahead.take() {
            Some(line) => Some(line),
            None => self.lines.next()?,
        };
        let Some((number, mut line)) = first else { return Ok(None) };
        while let Some((next, text)) = self.lines.next()? {
            match text.strip_prefix(' ') {
                // A line of blanks continues the one before as well: some programs fold within blanks.
                Some(rest) if !line.trim().is_empty() => line.push_str(rest),
                _ => {
                    self.ahead = Some((next, text));
                    break;
                }
            }
            if line.len() > MAX_ROW {
                return Err(ImportError::RowTooLong { line: number });
            }
        }
        Ok(Some((number, line)))
    }
}

impl Entry {
    fn add(&mut self, number: u64, line: &str, options: &Options, summary: &mut Summary) {
        let Some((name, value)) = line.split_once(':') else {
            // `-` separates the parts of a modification.
            if line.trim() == "-" {
                self.change = true;
            } else {
                self.wrong.get_or_insert_with(|| {
                    format!("line {number}: expected an attribute, a colon and a value")
                });
            }
            return;
        };
        // An option such as `;lang-fr` marks a variant of the attribute.
        let (attribute, variant) = match name.split_once(';') {
            Some((attribute, options)) => (attribute, !options.eq_ignore_ascii_case("binary")),
            None => (name, false),
        };
        let attribute = attribute.trim();
        let Some(value) = Value::read(value) else {
            let attribute = super::printable(attribute);
            self.wrong
                .get_or_insert_with(|| format!("line {number}: the value of {attribute} is not base64"));
            return;
        };
        let text = value.text.as_str();
        match plain(attribute).as_str() {
            "dn" => self.has_name = true,
            "changetype" => self.change |= !text.trim().eq_ignore_ascii_case("add"),
            "objectclass" => self.person.add_classes(text),
            _ if variant => self.set_variant(attribute, &value, options),
            _ => self.set(attribute, &value, options, summary),
        }
    }

    /// A name in another language counts if there is none without an option; a state always counts.
    fn set_variant(&mut self, attribute: &str, value: &Value, options: &Options) {
        /// Behind every rank of a name.
        const BEHIND: u8 = 10;
        match options.meaning(attribute) {
            Meaning::Name(rank) => self.set_meaning(Meaning::Name(rank + BEHIND), attribute, value),
            meaning if meaning.is_state() || meaning == Meaning::MustChange => {
                self.set_meaning(meaning, attribute, value);
            }
            _ => {}
        }
    }

    fn set(&mut self, attribute: &str, value: &Value, options: &Options, summary: &mut Summary) {
        let meaning = match options.meaning(attribute) {
            // An address is the attribute `mail`: a login name may be none.
            Meaning::Address(rank) if rank > 3 && !options.is_mapped(attribute) => Meaning::Unknown,
            meaning => meaning,
        };
        if meaning == Meaning::Unknown {
            note(&mut summary.ignored, attribute);
        }
        self.set_meaning(meaning, attribute, value);
    }

    fn set_meaning(&mut self, meaning: Meaning, attribute: &str, value: &Value) {
        let in_file = value.in_file || (meaning == Meaning::Password && value.may_mean_a_file());
        if in_file && !matches!(meaning, Meaning::Unknown | Meaning::Ignored) {
            let message = "The value is in another file: put it into the LDIF";
            self.person.refuse(crate::Code::NotOneOf, attribute, message);
            return;
        }
        self.person.set(meaning, attribute, Field::Text { text: &value.text, exact: true });
    }

    /// The class of an entry that is not a person.
    fn other_class(&self) -> Option<String> {
        match self.person.other_class() {
            Some(class) => Some(class.to_owned()),
            // A preview shows entries whose address is not recognised yet.
            None if self.person.has_person_class()
                || self.person.has_address()
                || self.person.is_traced() =>
            {
                None
            }
            None => Some(self.person.last_class().unwrap_or("no object class").to_owned()),
        }
    }

    fn into_found(self) -> Found {
        let Self { line, change, person, wrong, .. } = self;
        let wrong = match change {
            true => Some(format!(
                "line {line}: the entry changes something that exists; only entries that add can be imported"
            )),
            false => wrong,
        };
        Found { line, person: wrong.map_or(Ok(person), |wrong| Err(unreadable(wrong))) }
    }
}

/// The value of an attribute.
struct Value {
    text: String,
    coded: bool,
    /// The text is the URL of a file with the value.
    in_file: bool,
}

impl Value {
    /// Reads what follows the first colon. `None`: it is not base64.
    fn read(written: &str) -> Option<Self> {
        if let Some(coded) = written.strip_prefix(':') {
            let bytes = STANDARD.decode(coded.trim()).ok()?;
            return Some(Self { text: super::text(&bytes), coded: true, in_file: false });
        }
        let text = written.trim_start_matches(' ').to_owned();
        Some(Self { text, coded: false, in_file: written.starts_with('<') })
    }

    /// Whether a file is meant, but a blank is before the sign. Base64 delimits the value, so that any sign may begin it.
    fn may_mean_a_file(&self) -> bool {
        !self.coded && self.text.starts_with('<')
    }
}

fn starts_with(line: &str, start: &str) -> bool {
    line.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}
