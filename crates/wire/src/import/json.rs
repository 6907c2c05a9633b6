//! JSON: items of create-user, users of SCIM, and lists of users as identity providers export them.
//!
//! The file is split into objects, so that only one at a time is in memory; each is then parsed as JSON, or as what the
//! API's lenient reader accepts.

mod credentials;
mod unique;

use std::io::{BufRead, Read};

use serde_json::{Map, Value};

use super::decode::{Decoded, Encoding};
use super::meaning::{Meaning, plain};
use super::person::{Field, Person, note};
use super::words::flag;
use super::{Found, ImportError, MAX_ROW, Options, Summary, unreadable};
use crate::reader::{self, Limits};

/// Keys of lists whose objects are users, in lower case.
const LISTS: &[&str] =
    &["resources", "users", "data", "identities", "value", "operations", "members", "entries"];

pub(super) struct Json<R> {
    input: R,
    options: Options,
    line: u64,
    /// The open brackets and braces around the rows, each with its line.
    open: Vec<(u8, u64)>,
}

/// What a bracket or brace of the file turned out to be.
enum Object {
    Row(Vec<u8>),
    /// An object around a list of users; reading goes on in the list.
    Wrapper,
    /// It has no end.
    Open,
}

impl<R: Read> Json<Decoded<R>> {
    pub(super) fn encoding(&self) -> Encoding {
        self.input.encoding()
    }
}

impl<R: BufRead> Json<R> {
    pub(super) fn new(input: R, options: &Options) -> Self {
        Self { input, options: options.clone(), line: 1, open: Vec::new() }
    }

    pub(super) fn next_row(&mut self, summary: &mut Summary) -> Result<Option<Found>, ImportError> {
        loop {
            let line = self.line;
            let Some(byte) = self.byte()? else {
                return match self.open.pop() {
                    None => Ok(None),
                    Some((bracket, line)) => Err(ImportError::Unended { line, what: char::from(bracket) }),
                };
            };
            match byte {
                b'{' => match self.object(line)? {
                    Object::Row(text) => {
                        if let Some(person) = self.person(line, &text, summary) {
                            return Ok(Some(Found { line, person }));
                        }
                    }
                    Object::Wrapper => {}
                    Object::Open => {
                        self.open.clear();
                        let message = format!("line {line}: the object that begins here has no end");
                        return Ok(Some(Found { line, person: Err(unreadable(message)) }));
                    }
                },
                b'[' => self.open.push((byte, line)),
                b']' => {
                    self.open.pop();
                    if self.open.last().is_some_and(|(bracket, _)| *bracket == b'{') {
                        self.rest_of_wrapper()?;
                    }
                }
                b',' | b'}' => {}
                b'/' => self.comment()?,
                byte if byte.is_ascii_whitespace() => {}
                byte => {
                    self.scalar(byte)?;
                    let message = format!("line {line}: expected an object in braces");
                    return Ok(Some(Found { line, person: Err(unreadable(message)) }));
                }
            }
        }
    }

    /// The rest of an object, whose brace is read.
    fn object(&mut self, line: u64) -> Result<Object, ImportError> {
        let mut text = vec![b'{'];
        let mut scan = Scan { depth: 1, quote: None, escaped: false };
        while scan.depth > 0 {
            let Some(byte) = self.byte()? else { return Ok(Object::Open) };
            if byte == b'[' && scan.depth == 1 && scan.quote.is_none() && is_list(&text) {
                self.open.push((b'{', line));
                self.open.push((b'[', self.line));
                return Ok(Object::Wrapper);
            }
            text.push(byte);
            if text.len() > MAX_ROW {
                return Err(ImportError::RowTooLong { line });
            }
            scan.step(byte);
        }
        Ok(Object::Row(text))
    }

    /// What follows a list of users in the object around it, up to its end or the next list of users.
    fn rest_of_wrapper(&mut self) -> Result<(), ImportError> {
        let mut scan = Scan { depth: 1, quote: None, escaped: false };
        let mut text = Vec::new();
        while scan.depth > 0
            && let Some(byte) = self.byte()?
        {
            if byte == b'[' && scan.depth == 1 && scan.quote.is_none() && is_list(&text) {
                self.open.push((b'[', self.line));
                return Ok(());
            }
            scan.step(byte);
            if scan.depth == 1 {
                text.push(byte);
            }
            // Only the last key counts.
            if text.len() > 256 {
                text.drain(..128);
            }
        }
        if scan.depth == 0 {
            self.open.pop();
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), ImportError> {
        if self.peek()? == Some(b'*') {
            let mut before = 0;
            while let Some(byte) = self.byte()? {
                if before == b'*' && byte == b'/' {
                    break;
                }
                before = byte;
            }
            return Ok(());
        }
        while self.byte()?.is_some_and(|byte| byte != b'\n') {}
        Ok(())
    }

    /// The rest of a value that is not an object.
    fn scalar(&mut self, first: u8) -> Result<(), ImportError> {
        let quote = matches!(first, b'"' | b'\'').then_some(first);
        let mut escaped = false;
        while let Some(byte) = self.peek()? {
            match quote {
                None if matches!(byte, b',' | b']' | b'}' | b'{' | b'\n') => break,
                Some(quote) if byte == quote && !escaped => {
                    self.byte()?;
                    break;
                }
                _ => {}
            }
            escaped = byte == b'\\' && !escaped;
            self.byte()?;
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn byte(&mut self) -> Result<Option<u8>, ImportError> {
        let Some(byte) = self.peek()? else { return Ok(None) };
        self.input.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    /// The person of an object; `None`: it is none, which is counted.
    fn person(&self, line: u64, text: &[u8], summary: &mut Summary) -> Option<Result<Person, crate::Error>> {
        let object = match object(text) {
            Ok(object) => object,
            Err(message) => return Some(Err(unreadable(format!("line {line}: {message}")))),
        };
        if has_schema(&object, "ListResponse") {
            // A list of SCIM without `Resources`, which is empty.
            return None;
        }
        let reader = Reader { options: &self.options };
        if let Some(class) = reader.other_class(&object) {
            summary.skip(line, class);
            return None;
        }
        let mut person = Person::new(self.options.traced);
        reader.take_object(&mut person, &object, summary);
        Some(Ok(person))
    }
}

/// Follows brackets and quotes.
struct Scan {
    depth: u32,
    quote: Option<u8>,
    escaped: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        match (byte, self.quote) {
            _ if self.escaped => self.escaped = false,
            (b'\\', Some(_)) => self.escaped = true,
            (byte, Some(quote)) if byte == quote => self.quote = None,
            (_, Some(_)) => {}
            (b'"' | b'\'', None) => self.quote = Some(byte),
            (b'{' | b'[', None) => self.depth += 1,
            (b'}' | b']', None) => self.depth -= 1,
            _ => {}
        }
    }
}

/// Whether a text ends with the key of a list of users and a colon.
fn is_list(text: &[u8]) -> bool {
    let Some(text) = text.trim_ascii_end().strip_suffix(b":") else { return false };
    let text = text.trim_ascii_end();
    let Some((quote @ (b'"' | b'\''), text)) = text.split_last() else { return false };
    let Some(start) = text.iter().rposition(|byte| byte == quote) else { return false };
    let key = text[start + 1..].to_ascii_lowercase();
    LISTS.iter().any(|list| list.as_bytes() == key)
}

/// An object without duplicate keys, strictly or leniently.
fn object(text: &[u8]) -> Result<Map<String, Value>, String> {
    let value = match serde_json::from_slice::<unique::Unique>(text) {
        Ok(unique::Unique(value)) => value,
        Err(error) if error.is_data() => return Err(error.to_string()),
        Err(_) => reader::read(text, &Limits { bytes: MAX_ROW, ..Limits::default() })
            .map_err(|error| error.to_string())?,
    };
    match value {
        Value::Object(object) => Ok(object),
        _ => Err("expected an object in braces".to_owned()),
    }
}

struct Reader<'o> {
    options: &'o Options,
}

/// Whether an object of SCIM is of this kind (RFC 7643, 3.3).
fn has_schema(object: &Map<String, Value>, kind: &str) -> bool {
    let schemas = object.get("schemas").and_then(Value::as_array);
    let mut schemas = schemas.into_iter().flatten().filter_map(Value::as_str);
    schemas.any(|schema| schema.rsplit(':').next() == Some(kind))
}

/// The model and the fields of an object that Django wrote (`dumpdata`).
fn django_object(object: &Map<String, Value>) -> Option<(&str, &Map<String, Value>)> {
    Some((object.get("model")?.as_str()?, object.get("fields")?.as_object()?))
}

impl Reader<'_> {
    /// What an object is that is not a person: a group of SCIM, or another table of Django.
    fn other_class<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v str> {
        if let Some((model, fields)) = django_object(object) {
            let is_address = |name: &String| matches!(self.options.meaning(name), Meaning::Address(_));
            return (!fields.keys().any(is_address)).then_some(model);
        }
        has_schema(object, "Group").then_some("Group")
    }

    fn take_object(&self, person: &mut Person, object: &Map<String, Value>, summary: &mut Summary) {
        // An operation of SCIM's bulk request (RFC 7644, 3.7).
        if object.contains_key("method")
            && let Some(Value::Object(data)) = object.get("data")
        {
            return self.take_object(person, data, summary);
        }
        if let Some((_, fields)) = django_object(object) {
            return self.take_object(person, fields, summary);
        }
        for (key, value) in object {
            match value {
                Value::Object(inner) => self.take_inner(person, key, inner, summary),
                Value::Array(list) => self.take_list(person, key, list, summary),
                value => {
                    let meaning = self.options.meaning(key);
                    if meaning == Meaning::Unknown && !value.is_null() {
                        note(&mut summary.ignored, key);
                    }
                    take_value(person, meaning, key, value);
                }
            }
        }
    }

    /// An object within a user, such as SCIM's `name` or Okta's `profile`.
    fn take_inner(&self, person: &mut Person, key: &str, inner: &Map<String, Value>, summary: &mut Summary) {
        let mut known = false;
        let mut states = Vec::new();
        for (part, value) in inner {
            let label = format!("{key}.{part}");
            let meaning = self.options.meaning(&label);
            let is_used = !matches!(meaning, Meaning::Unknown | Meaning::Suspect);
            known |= is_used;
            match self.options.meaning(part) {
                _ if is_used => take_value(person, meaning, &label, value),
                state @ (Meaning::Active | Meaning::Disabled | Meaning::Locked) => {
                    states.push((state, label, value));
                }
                _ => take_value(person, Meaning::Unknown, &label, value),
            }
        }
        // The state in an object without fields of the user may be that of another thing, such as a manager.
        for (state, label, value) in states {
            take_value(person, if known { state } else { Meaning::Unknown }, &label, value);
        }
        match self.options.meaning(key) {
            Meaning::Suspect | Meaning::Password if !known && !inner.is_empty() => {
                person.set(Meaning::Suspect, key, Field::Other("an object"));
            }
            _ if !known => note(&mut summary.ignored, key),
            _ => {}
        }
    }

    fn take_list(&self, person: &mut Person, key: &str, list: &[Value], summary: &mut Summary) {
        let chosen = self.options.chosen(key);
        match plain(key).as_str() {
            _ if chosen == Some(Meaning::Ignored) => {}
            "emails" if matches!(chosen, None | Some(Meaning::Address(_))) => {
                if let Some(address) = best_address(list) {
                    person.set(chosen.unwrap_or(Meaning::Address(2)), key, Field::text(address));
                }
            }
            "credentials" if matches!(chosen, None | Some(Meaning::PasswordHash)) => {
                match credentials::password_hash(list) {
                    Some(hash) => person.set(Meaning::PasswordHash, key, Field::text(&hash)),
                    None if list.is_empty() => {}
                    None => person.set(Meaning::Suspect, key, Field::Other("a list")),
                }
            }
            "requiredactions" => {
                if list.iter().any(|action| action == "UPDATE_PASSWORD") {
                    person.set(Meaning::MustChange, key, Field::Flag(true));
                }
            }
            _ if list.is_empty() => {}
            _ => match self.options.meaning(key) {
                Meaning::Unknown | Meaning::Ignored | Meaning::Alias => note(&mut summary.ignored, key),
                meaning => person.set(meaning, key, Field::Other("a list")),
            },
        }
    }
}

fn take_value(person: &mut Person, meaning: Meaning, label: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => person.set(meaning, label, Field::Flag(*flag)),
        Value::String(text) => person.set(meaning, label, Field::Text { text, exact: true }),
        // A number may be a flag or bits, not for text.
        Value::Number(number) => match meaning {
            Meaning::Address(_)
            | Meaning::Name(_)
            | Meaning::FirstName
            | Meaning::LastName
            | Meaning::Password
            | Meaning::PasswordHash
            | Meaning::AccountCode
            | Meaning::AliasOf => person.set(meaning, label, Field::Other("a number")),
            meaning => person.set(meaning, label, Field::text(&number.to_string())),
        },
        Value::Array(_) => person.set(meaning, label, Field::Other("a list")),
        Value::Object(_) => person.set(meaning, label, Field::Other("an object")),
    }
}

/// The primary address of a list of SCIM, else the one for work, else the first.
fn best_address(list: &[Value]) -> Option<&str> {
    let is_primary = |entry: &&Value| match &entry["primary"] {
        Value::Bool(primary) => *primary,
        Value::String(text) => flag(text) == Some(true),
        _ => false,
    };
    let is_work =
        |entry: &&Value| entry["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let best = list.iter().find(is_primary).or_else(|| list.iter().find(is_work)).or_else(|| list.first())?;
    best.as_str().or_else(|| best["value"].as_str()).or_else(|| best["address"].as_str())
}
