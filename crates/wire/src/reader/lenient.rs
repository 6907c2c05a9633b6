use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::error::{Fault, Step};

/// Parses `text` in the syntax of Python's `repr` or hand-made templates, a superset of JSON. Recurses at most `depth`
/// levels.
pub(super) fn read(text: &str, depth: usize) -> Result<Value, Fault> {
    let mut reader = Reader { text, rest: text, depth, string_had_line_break: false };
    let value = reader.value(depth)?;
    reader.skip_blanks();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.expected("the end of the body")) }
}

/// A position in a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// The unread end of `text`.
    pub(super) rest: &'a str,
    /// The requested limit, for the error message.
    depth: usize,
    /// Whether the last string spans lines: if an error follows soon, its closing quote may be missing.
    pub(super) string_had_line_break: bool,
}

impl Reader<'_> {
    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    pub(super) fn fault(&self, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(self.at(), message)
    }

    fn expected(&self, what: &str) -> Fault {
        let found = found(self.rest);
        let hint = if self.string_had_line_break {
            "; the string before it spans lines: is a closing quote missing?"
        } else {
            ""
        };
        self.fault(format!("expected {what}, found {found}{hint}"))
    }

    pub(super) fn take(&mut self, sign: char) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Consumes `sign` after spaces, if it is next.
    fn takes(&mut self, sign: char) -> bool {
        self.skip_blanks();
        self.take(sign)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        self.skip_blanks();
        match self.rest.bytes().next() {
            Some(b'{') => self.object(self.deeper(depth)?),
            Some(b'[') => self.list(self.deeper(depth)?),
            Some(b'"' | b'\'') => self.string().map(Value::String),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => self.word(),
            Some(b'(') => Err(self.fault("found a Python tuple: write a list, in square brackets")),
            _ => Err(self.expected("a value")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, Fault> {
        let refusal =
            || self.fault(format!("lists and objects are nested deeper than {} levels", self.depth));
        depth.checked_sub(1).ok_or_else(refusal)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        self.take('[');
        let mut items = Vec::new();
        while !self.takes(']') {
            let item = self.value(depth).map_err(|fault| fault.inside(Step::Item(items.len())))?;
            items.push(item);
            if !self.takes(',') {
                if self.take(']') {
                    break;
                }
                return Err(self.expected("`,` or `]`"));
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.take('{');
        let mut fields = Map::new();
        while !self.takes('}') {
            let key = self.key()?;
            if !self.takes(':') {
                return Err(self.expected("`:` after the key"));
            }
            let value = match self.value(depth) {
                Ok(value) => value,
                Err(fault) => return Err(fault.inside(Step::Field(key))),
            };
            fields.insert(key, value);
            if !self.takes(',') {
                if self.take('}') {
                    break;
                }
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(Value::Object(fields))
    }

    fn key(&mut self) -> Result<String, Fault> {
        match self.rest.bytes().next() {
            Some(b'"' | b'\'') => self.string(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
                let message = prefixed(self.rest, word(self.rest));
                Err(self.fault(message.unwrap_or("found a key without quotes: put it in double quotes")))
            }
            _ => Err(self.expected("a key in quotes")),
        }
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let word = word(self.rest);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        let value = if is("true") {
            Value::Bool(true)
        } else if is("false") {
            Value::Bool(false)
        } else if is("null") || is("none") {
            Value::Null
        } else if is_no_number(word) {
            return Err(self.fault(NO_NUMBER));
        } else {
            return Err(self.fault(prefixed(self.rest, word).unwrap_or(NO_QUOTES)));
        };
        self.rest = &self.rest[word.len()..];
        Ok(value)
    }

    /// The next number, with the same value as in strict JSON.
    fn number(&mut self) -> Result<Value, Fault> {
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '+' | '-' | '.' | '_');
        let token = leading(self.rest, is_part);
        match serde_json::from_str::<Number>(token) {
            Ok(number) => {
                self.rest = &self.rest[token.len()..];
                Ok(Value::Number(number))
            }
            Err(_) if is_no_number(&token[1..]) => Err(self.fault(NO_NUMBER)),
            Err(_) if token.parse().is_ok_and(f64::is_infinite) => Err(self.fault(
                "found a number too large for a double: send it as text, in quotes",
            )),
            Err(_) => Err(self.fault(
                "found something that is not a number as JSON writes it: if it is text, put it in double quotes; \
                 if it is a number, leave out plus signs and leading zeros",
            )),
        }
    }
}

const NO_NUMBER: &str =
    "found nan or infinity, for which JSON has no number: send null, or leave the field out";

const NO_QUOTES: &str = "found a word without quotes: put text in double quotes; \
                         without quotes only true, false, null and numbers can be read";

fn is_no_number(word: &str) -> bool {
    ["nan", "inf", "infinity"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The advice if `word`, at the start of `text`, is the prefix of a Python string.
fn prefixed(text: &str, word: &str) -> Option<&'static str> {
    if !text[word.len()..].starts_with(['"', '\'']) || word.len() > 2 {
        return None;
    }
    Some(match word.bytes().any(|letter| matches!(letter, b'b' | b'B')) {
        true => "found Python bytes such as b'…': decode them to text before they are sent",
        false => {
            "found a Python string with a prefix such as u'…': leave the prefix out, or send json.dumps(payload)"
        }
    })
}

fn word(text: &str) -> &str {
    leading(text, |sign| sign.is_alphanumeric() || matches!(sign, '_' | '.'))
}

fn leading(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|sign| !is_part(sign)).unwrap_or(text.len())]
}

/// Describes the start of `text` without quoting a possible value.
fn found(text: &str) -> &'static str {
    let Some(first) = text.chars().next() else { return "the end of the body" };
    match first {
        '{' => "`{`",
        '}' => "`}`",
        '[' => "`[`",
        ']' => "`]`",
        '(' => "`(`",
        ')' => "`)`",
        ',' => "`,`",
        ':' => "`:`",
        ';' => "`;`",
        '=' => "`=`",
        '"' => "a double quote",
        '\'' => "a single quote",
        '#' => "a comment, which JSON does not have: leave it out",
        '/' if text.starts_with("//") || text.starts_with("/*") => {
            "a comment, which JSON does not have: leave it out"
        }
        '0'..='9' => "a digit",
        _ if first.is_ascii_alphabetic() => "a letter",
        _ if first.is_control() => "a control character",
        _ if first.is_ascii() => "a punctuation mark",
        _ if first.is_whitespace() => "a blank that JSON does not know, such as a no-break space",
        _ => "a character beyond ASCII",
    }
}
