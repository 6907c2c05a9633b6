//! Valid LDIF files (RFC 2849) of entries that are added.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::string::string_regex;
use proptest::test_runner::TestCaseError;

use super::Expected;

pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    /// The line on which each entry begins.
    begins: Vec<u64>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.bytes))
    }
}

impl File {
    /// What our reader should give, by the entries of another one, and how many of them are not people.
    pub(crate) fn expected(
        &self,
        entries: Vec<Vec<(String, String)>>,
    ) -> Result<(Vec<Expected>, u64), TestCaseError> {
        prop_assert_eq!(entries.len(), self.begins.len(), "entries of the other reader, and of the file");
        let (mut rows, mut others) = (Vec::new(), 0);
        for (entry, line) in entries.iter().zip(&self.begins) {
            match user(*line, entry) {
                Some(row) => rows.push(row),
                None => others += 1,
            }
        }
        Ok((rows, others))
    }
}

/// The user of an entry. `None`: it is not a person.
fn user(line: u64, entry: &[(String, String)]) -> Option<Expected> {
    let values = |wanted: &str| {
        let named = entry.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        let values: Vec<String> = named.map(|(_, hex)| String::from_utf8(unhex(hex)).unwrap()).collect();
        values
    };
    let filled = |name: &str| values(name).into_iter().find(|value| !value.trim().is_empty());
    let names = ["displayName", "cn", "displayName;lang-de"];
    let name = names.into_iter().find_map(filled).map(|name| name.trim().to_owned());
    let address = filled("mail").map_or_else(String::new, |mail| mail.trim().to_owned());
    // Of an unknown class, an entry with an address is a person.
    let is = |class: &str| values("objectClass").iter().any(|found| found.eq_ignore_ascii_case(class));
    if is("groupOfNames") || (is("top") && address.is_empty()) {
        return None;
    }
    let user = (!address.is_empty()).then(|| (name, filled("userPassword")));
    Some(Expected { line, address, user })
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// A line before it is folded.
#[derive(Clone, Debug)]
struct Line {
    text: String,
    folds: Vec<Index>,
}

#[derive(Clone, Debug)]
struct Entry {
    dn: Line,
    lines: Vec<Line>,
    /// Empty lines before it, next to the one that separates it from the entry before.
    blank_lines: usize,
    /// Comments before it.
    comments: Vec<Line>,
}

pub(crate) fn files() -> impl Strategy<Value = File> {
    let end = select(vec!["\n", "\r\n"]);
    // Net::LDAP 0.68 refuses the file if no blank is before the number, although a blank may be missing.
    let version = prop::option::of(select(vec!["version: 1", "version:   1"]));
    let entries = prop::collection::vec(entry(), 1..4);
    (end, version, any::<[bool; 2]>(), comments(), entries).prop_map(
        |(end, version, flags, comments, entries)| {
            let [apart, adds] = flags;
            let mut writer = Writer { end, adds, file: String::new(), line: 1, begins: Vec::new() };
            comments.iter().for_each(|comment| writer.write(comment));
            if let Some(version) = version {
                writer.write(&Line { text: version.to_owned(), folds: Vec::new() });
            }
            for (number, entry) in entries.iter().enumerate() {
                let separator = usize::from(number > 0 || (apart && version.is_some()));
                writer.write_entry(entry, separator);
            }
            File { bytes: writer.file.into_bytes(), begins: writer.begins }
        },
    )
}

struct Writer {
    end: &'static str,
    /// Every entry says that it is to be added.
    adds: bool,
    file: String,
    line: u64,
    begins: Vec<u64>,
}

impl Writer {
    fn end_line(&mut self) {
        self.file.push_str(self.end);
        self.line += 1;
    }

    /// Writes a line, folded at any place behind its first character, also twice at the same one.
    fn write(&mut self, line: &Line) {
        let mut folds: Vec<_> = line.folds.iter().map(|fold| 1 + fold.index(line.text.len())).collect();
        folds.sort_unstable();
        let mut from = 0;
        for fold in folds {
            self.file.push_str(&line.text[from..fold]);
            self.end_line();
            self.file.push(' ');
            from = fold;
        }
        self.file.push_str(&line.text[from..]);
        self.end_line();
    }

    fn write_entry(&mut self, entry: &Entry, separator: usize) {
        (0..separator + entry.blank_lines).for_each(|_| self.end_line());
        entry.comments.iter().for_each(|comment| self.write(comment));
        self.begins.push(self.line);
        self.write(&entry.dn);
        if self.adds {
            self.write(&Line { text: "changetype: add".to_owned(), folds: Vec::new() });
        }
        entry.lines.iter().for_each(|line| self.write(line));
    }
}

fn folded(text: impl Strategy<Value = String>) -> impl Strategy<Value = Line> {
    let folds = prop_oneof![3 => Just(0..1_usize), 1 => Just(1..4)]
        .prop_flat_map(|count| prop::collection::vec(any::<Index>(), count));
    (text, folds).prop_map(|(text, folds)| Line { text, folds })
}

fn comments() -> impl Strategy<Value = Vec<Line>> {
    let text = select(vec!["#", "# Ann, example.com", "#dn: uid=x", "# mail: other@example.com", "#  x: {"]);
    let comment = folded(text.prop_map(str::to_owned)).boxed();
    prop_oneof![3 => Just(0..1_usize), 1 => Just(1..3)]
        .prop_flat_map(move |count| prop::collection::vec(comment.clone(), count))
}

/// An attribute with its value: as it is, or in base64.
fn attribute(
    names: &'static [&'static str],
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = Line> {
    let line = (select(names.to_vec()), value, any::<bool>(), 0..3_usize).prop_map(
        |(name, value, coded, blanks)| {
            let blanks = " ".repeat(blanks);
            match coded || !is_safe(&value) {
                true => format!("{name}::{blanks}{}", STANDARD.encode(value)),
                false => format!("{name}:{blanks}{value}"),
            }
        },
    );
    folded(line)
}

/// Whether a value may be written as it is.
fn is_safe(value: &str) -> bool {
    // python-ldap 3.4.3 drops a tab and the like at the start of a plain value, although only blanks may be dropped.
    let dropped = ['\t', '\u{b}', '\u{c}'];
    value.is_ascii()
        && !value.starts_with([' ', ':', '<'])
        && !value.starts_with(dropped)
        && !value.contains(['\0', '\n', '\r'])
}

fn entry() -> impl Strategy<Value = Entry> {
    let dn = select(vec!["uid=ann,dc=example,dc=com", "cn=Åsa Lee, o=x", "uid=b+cn=c,dc=x"]);
    let dn = attribute(&["dn"], dn.prop_map(str::to_owned));
    (dn, lines(), prop_oneof![4 => Just(0), 1 => 1..4_usize], comments())
        .prop_map(|(dn, lines, blank_lines, comments)| Entry { dn, lines, blank_lines, comments })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let person =
        attribute(&["objectClass", "objectclass"], select(vec!["person", "Person"]).prop_map(str::to_owned));
    let other = attribute(&["objectClass"], select(vec!["groupOfNames", "top"]).prop_map(str::to_owned));
    let class = prop_oneof![6 => person.boxed(), 1 => other.boxed()];
    let address = (0..1000_u32).prop_map(|number| format!("u{number}@example.com"));
    let padded = Just(" Ann@example.com ".to_owned());
    let mail =
        attribute(&["mail"], prop_oneof![8 => address.boxed(), 1 => padded.boxed(), 1 => text().boxed()]);
    // Without this part, a password might look like a hash or like the mark of a locked account.
    let password = (text(), text()).prop_map(|(start, end)| format!("{start}Pw7{end}"));
    let password =
        prop_oneof![6 => password.boxed(), 1 => select(vec!["", "  "]).prop_map(str::to_owned).boxed()];
    // Net::LDAP 0.68 refuses the file if an attribute is named by its number, such as 2.5.4.20.
    let some = |line: BoxedStrategy<Line>, most: usize| prop::collection::vec(line, 0..=most);
    let parts = (
        class.prop_map(|line| vec![line]),
        some(mail.boxed(), 2),
        some(attribute(&["displayName", "DISPLAYNAME"], text()).boxed(), 1),
        some(attribute(&["cn"], text()).boxed(), 2),
        some(attribute(&["displayName;lang-de"], text()).boxed(), 1),
        some(attribute(&["userPassword"], password).boxed(), 2),
        some(attribute(&["description", "jpegPhoto;binary", "x-a-1"], text()).boxed(), 2),
        (comments(), some(folded(Just("jpegPhoto:< file:///dev/null".to_owned())).boxed(), 1)),
    );
    let all = parts.prop_map(|parts| {
        let (class, mail, name, cn, variant, password, others, (comments, file)) = parts;
        [class, mail, name, cn, variant, password, others, comments, file].concat()
    });
    all.prop_shuffle()
}

fn text() -> impl Strategy<Value = String> {
    let words = string_regex("[abÄß€😀0 :<#,;='\"\t\u{b}\u{c}\u{7f}-]{0,12}|[ <:a]{1,6}").unwrap();
    let lines = string_regex("[ab :<#]{0,5}((\n|\r\n|\r)[ab :<#]{0,5}){1,3}").unwrap();
    let text = prop_oneof![6 => words, 1 => lines];
    // A value may lie on the edge of the parts in which a file is read.
    prop_oneof![1000 => text.clone(), 1 => text.prop_map(|text| format!("{text}{}", "\r\n é".repeat(15_000)))]
}
