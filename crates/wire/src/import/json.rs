//! JSON: items of create-user, users of SCIM, and lists of users as identity providers export them.
//!
//! The file is split into objects, so that only one at a time is in memory; each is then parsed as JSON, or as what the
//! API's lenient reader accepts.

mod credentials;
mod inner;
mod unique;
mod user;
mod wrapper;

use std::io::{BufRead, Read};

use serde_json::{Map, Value};

use super::decode::{Decoded, Encoding};
use super::person::Person;
use super::{Found, ImportError, MAX_ROW, Options, Summary, printable, unreadable};
use crate::reader::{self, Limits};
use wrapper::{Lists, Members, Scan, is_list};

pub(super) struct Json<R> {
    input: R,
    options: Options,
    line: u64,
    /// The column of the next byte, if only blanks precede it on its line.
    indent: Option<usize>,
    /// The rest of an object around a list of users, which is read again from its end.
    again: Vec<u8>,
    /// The open brackets and braces around the rows, each with its line.
    open: Vec<(u8, u64)>,
    /// The lists of the object that is open.
    lists: Lists,
}

/// What a bracket or brace of the file turned out to be.
enum Object {
    Row(Vec<u8>),
    /// An object around a list of users; reading goes on in the list.
    Wrapper,
    /// It has no end.
    Open,
}

/// How the text of an object ended.
#[derive(PartialEq, Eq)]
enum End {
    Closed,
    Cut,
    TooLong,
}

/// Where the first list of an object begins that may hold users.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    line: u64,
}

impl<R: Read> Json<Decoded<R>> {
    pub(super) fn encoding(&self) -> Encoding {
        self.input.encoding()
    }
}

impl<R: BufRead> Json<R> {
    pub(super) fn new(input: R, options: &Options) -> Self {
        Self {
            input,
            options: options.clone(),
            line: 1,
            indent: Some(0),
            again: Vec::new(),
            open: Vec::new(),
            lists: Lists::Certain,
        }
    }

    pub(super) fn next_row(&mut self, summary: &mut Summary) -> Result<Option<Found>, ImportError> {
        loop {
            let (line, indent) = (self.line, self.indent);
            let Some(byte) = self.byte()? else {
                return match self.open.pop() {
                    None => Ok(None),
                    Some((bracket, line)) => Err(ImportError::Unended { line, what: char::from(bracket) }),
                };
            };
            match byte {
                b'{' => match self.object(line, indent)? {
                    Object::Row(text) => {
                        if let Some(person) = self.person(line, &text, summary) {
                            return Ok(Some(Found { line, person }));
                        }
                    }
                    Object::Wrapper => {}
                    Object::Open => {
                        let message = format!("line {line}: the object that begins here has no end");
                        return Ok(Some(Found { line, person: Err(unreadable(message)) }));
                    }
                },
                b'[' => self.open.push((byte, line)),
                b']' => {
                    self.open.pop();
                    if let Some((b'{', line)) = self.open.last().copied()
                        && let Some(key) = self.rest_of_wrapper()?
                    {
                        let key = printable(&key);
                        let message = format!(
                            "line {line}: the object that begins here has a list of users, and also the field {key} of a user"
                        );
                        return Ok(Some(Found { line, person: Err(unreadable(message)) }));
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

    /// The rest of an object, whose brace is read. `indent`: its column, if it begins its line.
    fn object(&mut self, line: u64, indent: Option<usize>) -> Result<Object, ImportError> {
        let mut text = vec![b'{'];
        let mut scan = Scan::default();
        scan.step(b'{');
        let mut list = None;
        let end = loop {
            if scan.depth() == 0 {
                break End::Closed;
            }
            if indent.is_some()
                && self.indent == indent
                && self.peek()? == Some(b'{')
                && is_cut(&text, &scan, list)
            {
                break End::Cut;
            }
            let Some(byte) = self.byte()? else { break End::Cut };
            if text.len() >= MAX_ROW {
                self.again.push(byte);
                break End::TooLong;
            }
            let is_start = byte == b'[' && list.is_none() && scan.is_in_object() && is_list(&text);
            text.push(byte);
            scan.step(byte);
            if is_start {
                list = Some(Start { at: text.len(), line: self.line });
            }
        };
        if let Some(start) = list
            && let Some(lists) = self.lists_of(&text)
        {
            self.read_list(line, start, &text, lists);
            return Ok(Object::Wrapper);
        }
        match end {
            End::Closed => Ok(Object::Row(text)),
            End::Cut => Ok(Object::Open),
            End::TooLong => Err(ImportError::RowTooLong { line }),
        }
    }

    /// The lists of users in an object; `None`: it is a row itself. An object in a list of users is never around another one,
    /// but a list may hold several realms of Keycloak.
    fn lists_of(&self, text: &[u8]) -> Option<Lists> {
        match self.open.as_slice() {
            [] => wrapper::lists(text, &self.options),
            [(b'[', _)] => wrapper::lists(text, &self.options).filter(|lists| *lists == Lists::Certain),
            _ => None,
        }
    }

    /// Goes back to the beginning of a list in the object that was read.
    fn read_list(&mut self, line: u64, start: Start, text: &[u8], lists: Lists) {
        self.again.extend(text[start.at..].iter().rev());
        self.line = start.line;
        self.indent = None;
        self.lists = lists;
        self.open.push((b'{', line));
        self.open.push((b'[', start.line));
    }

    /// What follows a list of users in the object around it, up to its end or the next list of users. The result is a field of
    /// a user in it.
    fn rest_of_wrapper(&mut self) -> Result<Option<String>, ImportError> {
        let mut members = Members::default();
        members.step(b'{');
        let mut found = None;
        while members.depth() > 0
            && let Some(byte) = self.byte()?
        {
            if byte == b'[' && members.is_at_list() {
                self.open.push((b'[', self.line));
                return Ok(found);
            }
            if let Some(member) = members.step(byte)
                && found.is_none()
                && member.is_field(self.lists, &self.options)
            {
                found = Some(member.key);
            }
        }
        if members.depth() == 0 {
            self.open.pop();
        }
        Ok(found)
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
        match self.again.last() {
            Some(byte) => Ok(Some(*byte)),
            None => Ok(self.input.fill_buf()?.first().copied()),
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, ImportError> {
        let Some(byte) = self.peek()? else { return Ok(None) };
        if self.again.pop().is_none() {
            self.input.consume(1);
        }
        self.line += u64::from(byte == b'\n');
        self.indent = match byte {
            b'\n' => Some(0),
            b' ' | b'\t' => self.indent.map(|column| column + 1),
            _ => None,
        };
        Ok(Some(byte))
    }

    /// The person of an object; `None`: it is none, which is counted.
    fn person(&self, line: u64, text: &[u8], summary: &mut Summary) -> Option<Result<Person, crate::Error>> {
        let object = match object(text) {
            Ok(object) => object,
            Err(message) => return Some(Err(unreadable(format!("line {line}: {message}")))),
        };
        user::person(&object, &self.options, line, summary)
    }
}

/// Whether an object ended unclosed before a brace in the same column. Objects of several lines may go on so,
/// where a value is expected.
fn is_cut(text: &[u8], scan: &Scan, list: Option<Start>) -> bool {
    let text = text.trim_ascii_end();
    if text.len() > 1 && !text.contains(&b'\n') {
        return list.is_none_or(|list| list.at != text.len());
    }
    let expects_value = match text.last() {
        Some(b':' | b'[') => true,
        Some(b',') => scan.is_in_list(),
        _ => false,
    };
    scan.is_quoted() || !expects_value
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
