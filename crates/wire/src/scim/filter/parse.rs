//! Parses filters, and paths of PATCH, which have filters in brackets.

use serde_json::{Number, Value};

use super::super::error::{ScimError, ScimType, shown};
use super::super::path::{AttributePath, Name, resolve_loosely, sub_attribute};
use super::super::schema::{Kind, ResourceType, Returned};
use super::super::text::{boolean, comparable};
use super::{Comparison, Filter, Literal, Operand, Operator};

/// Longest filter, in bytes. `[ours]`
const MAX_BYTES: usize = 8_192;

/// Most parentheses and brackets within each other. `[ours]`
const MAX_DEPTH: usize = 32;

pub(super) fn parse(text: &str, resource_type: &ResourceType) -> Result<Filter, ScimError> {
    let mut parser = Parser::new(text, resource_type)?;
    let filter = parser.alternatives(None)?;
    parser.end("and, or, or the end of the filter")?;
    Ok(filter)
}

/// Parses `name`, `name[filter]` and `name[filter].sub`. Errors of the names are `invalidPath`.
pub(in super::super) fn parse_path(
    text: &str,
    resource_type: &ResourceType,
) -> Result<(Name, Option<Filter>), ScimError> {
    let invalid =
        |problem: String| ScimError::new(ScimType::InvalidPath, format!("Invalid path: {problem}."));
    let mut parser = Parser::new(text, resource_type)?;
    parser.skip_blanks();
    let name = resolve_loosely(parser.word(), resource_type).map_err(invalid)?;
    parser.skip_blanks();
    if parser.rest().is_empty() {
        return Ok((name, None));
    }
    let mut path = match name {
        Name::Attribute(path) if path.sub().is_none() && path.attribute().multi_valued => path,
        _ => return Err(invalid("expected a filter only after a multi-valued attribute".to_owned())),
    };
    let filter = parser.brackets(path)?;
    if parser.take('.') {
        path = sub_attribute(path, parser.word()).map_err(invalid)?;
    }
    parser.end("a sub-attribute, or the end of the path")?;
    Ok((Name::Attribute(path), Some(filter)))
}

struct Parser<'t> {
    text: &'t str,
    /// Bytes read so far.
    at: usize,
    resource_type: &'t ResourceType,
    /// Open parentheses and brackets.
    depth: usize,
    /// Most of them since the last open bracket.
    deepest: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, resource_type: &'t ResourceType) -> Result<Self, ScimError> {
        if text.len() > MAX_BYTES {
            let detail = format!(
                "Invalid filter: expected at most {MAX_BYTES} bytes, found {}. Split the request.",
                text.len()
            );
            return Err(ScimError::new(ScimType::InvalidFilter, detail));
        }
        Ok(Self { text, at: 0, resource_type, depth: 0, deepest: 0 })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, sign: char) -> bool {
        let is_next = self.rest().starts_with(sign);
        self.at += if is_next { sign.len_utf8() } else { 0 };
        is_next
    }

    /// The characters of names, operators and URNs that come next.
    fn word(&mut self) -> &'t str {
        let is_part = |c: char| c.is_alphanumeric() || "$:._-".contains(c);
        let rest = self.rest();
        let word = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// An error at a byte of the text. Positions are counted in characters, from 1.
    fn error(&self, at: usize, problem: &str) -> ScimError {
        let position = self.text[..at].chars().count() + 1;
        let detail = format!("Invalid filter at position {position}: {problem}.");
        ScimError::new(ScimType::InvalidFilter, detail)
    }

    fn expected(&self, what: &str) -> ScimError {
        let found = match self.rest() {
            "" => "the end".to_owned(),
            rest => shown(rest),
        };
        self.error(self.at, &format!("expected {what}, found {found}"))
    }

    fn end(&mut self, what: &str) -> Result<(), ScimError> {
        self.skip_blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(what)) }
    }

    /// Conditions joined by `or`. In brackets, `scope` is the attribute before them.
    fn alternatives(&mut self, scope: Option<AttributePath>) -> Result<Filter, ScimError> {
        let mut any = Vec::new();
        loop {
            match self.conjunction(scope)? {
                Filter::Or(inner) => any.extend(inner),
                filter => any.push(filter),
            }
            if !self.take_word("or") {
                return Ok(one_or(any, Filter::Or));
            }
        }
    }

    /// Conditions joined by `and`, which binds more tightly than `or`.
    fn conjunction(&mut self, scope: Option<AttributePath>) -> Result<Filter, ScimError> {
        let mut all = Vec::new();
        loop {
            match self.condition(scope)? {
                Filter::And(inner) => all.extend(inner),
                filter => all.push(filter),
            }
            if !self.take_word("and") {
                return Ok(one_or(all, Filter::And));
            }
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let start = self.at;
        let is_next = self.word().eq_ignore_ascii_case(word);
        self.at = if is_next { self.at } else { start };
        is_next
    }

    fn condition(&mut self, scope: Option<AttributePath>) -> Result<Filter, ScimError> {
        self.skip_blanks();
        if self.rest().starts_with('(') {
            return self.group('(', ')', scope);
        }
        let start = self.at;
        let word = self.word();
        if word.is_empty() {
            return Err(self.expected("an attribute, not or a parenthesis"));
        }
        self.skip_blanks();
        if word.eq_ignore_ascii_case("not") && self.rest().starts_with('(') {
            return Ok(Filter::Not(Box::new(self.group('(', ')', scope)?)));
        }
        let path = self.attribute(word, start, scope)?;
        if self.rest().starts_with('[') && scope.is_none() && path.sub().is_none() {
            return self.value_path(path, start);
        }
        self.comparison(path, start)
    }

    fn group(&mut self, open: char, close: char, scope: Option<AttributePath>) -> Result<Filter, ScimError> {
        if self.depth == MAX_DEPTH {
            let problem = format!("expected at most {MAX_DEPTH} nested parentheses and brackets");
            return Err(self.error(self.at, &problem));
        }
        self.take(open);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let filter = self.alternatives(scope)?;
        self.depth -= 1;
        self.skip_blanks();
        match self.take(close) {
            true => Ok(filter),
            false => Err(self.expected(&format!("and, or or {close}"))),
        }
    }

    /// The condition in brackets after a multi-valued attribute.
    fn brackets(&mut self, attribute: AttributePath) -> Result<Filter, ScimError> {
        if !self.rest().starts_with('[') {
            return Err(self.expected("a bracket"));
        }
        if attribute.attribute().sub_attributes.is_empty() {
            let problem = format!("{attribute} has no sub-attributes that brackets could select by");
            return Err(self.error(self.at, &problem));
        }
        self.deepest = self.depth;
        self.group('[', ']', Some(attribute))
    }

    /// `attribute[filter]`, and `attribute[filter].sub operator value`: Entra ID sends the latter, which is not in the
    /// grammar of the RFC. One element must satisfy all of it. `[ours]`
    fn value_path(&mut self, path: AttributePath, start: usize) -> Result<Filter, ScimError> {
        let condition = self.brackets(path)?;
        if !self.take('.') {
            return Ok(Filter::Element(path, Box::new(condition)));
        }
        let sub_start = self.at;
        let word = self.word();
        let sub = self.attribute(word, sub_start, Some(path))?;
        let mut all = match condition {
            Filter::And(all) => all,
            // The canonical text has parentheses around it.
            Filter::Or(_) if self.deepest >= MAX_DEPTH => {
                let problem = format!("expected fewer than {MAX_DEPTH} nested parentheses and brackets");
                return Err(self.error(start, &problem));
            }
            condition => vec![condition],
        };
        all.push(self.comparison(sub, sub_start)?);
        Ok(Filter::Element(path, Box::new(Filter::And(all))))
    }

    fn attribute(
        &self,
        word: &str,
        start: usize,
        scope: Option<AttributePath>,
    ) -> Result<AttributePath, ScimError> {
        let path = match scope {
            Some(attribute) => sub_attribute(attribute, word),
            None => resolve_loosely(word, self.resource_type).and_then(|name| match name {
                Name::Attribute(path) => Ok(path),
                Name::Extension(_) => Err("expected an attribute after the URN".to_owned()),
            }),
        };
        let path = path.map_err(|problem| self.error(start, &problem))?;
        if path.leaf().returned == Returned::Never {
            let detail = format!("{path} cannot be used in a filter, because nobody may read it.");
            return Err(ScimError::new(ScimType::Sensitive, detail));
        }
        Ok(path)
    }

    /// The operator and the value after an attribute.
    fn comparison(&mut self, path: AttributePath, start: usize) -> Result<Filter, ScimError> {
        self.skip_blanks();
        let at = self.at;
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(operator) =
            Operator::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
        else {
            self.at = at;
            return Err(self.expected("one of eq, ne, co, sw, ew, gt, ge, lt, le, pr"));
        };
        self.skip_blanks();
        let value = self.literal()?;
        let path = path.with_value();
        let (value, operand) =
            prepare(&path, operator, value).map_err(|problem| self.error(start, &problem))?;
        Ok(Filter::Compare(Comparison { path, operator, value, operand }))
    }

    fn literal(&mut self) -> Result<Value, ScimError> {
        const EXPECTED: &str = "a text in double quotes, a number, true, false or null";
        let rest = self.rest();
        if rest.starts_with('"') {
            let end = end_of_text(rest).ok_or_else(|| self.error(self.at, "the closing quote is missing"))?;
            let text: String = serde_json::from_str(&rest[..end])
                .map_err(|_| self.error(self.at, "expected a text with the escapes of JSON"))?;
            self.at += end;
            return Ok(Value::String(text));
        }
        let is_end = |c: char| c.is_whitespace() || "()[]\"".contains(c);
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let literal = match boolean(word) {
            Some(flag) => Value::Bool(flag),
            None if word.eq_ignore_ascii_case("null") => Value::Null,
            None => {
                let number: Result<Number, _> = serde_json::from_str(word);
                Value::Number(number.map_err(|_| self.expected(EXPECTED))?)
            }
        };
        self.at += word.len();
        Ok(literal)
    }
}

fn one_or(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            join(filters)
        }
    }
}

/// The number of bytes of a text in quotes, with both quotes.
fn end_of_text(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Prepares a value for comparisons with its attribute, or says in a sentence why that is impossible.
fn prepare(path: &AttributePath, operator: Operator, value: Value) -> Result<(Literal, Operand), String> {
    let (leaf, word) = (path.leaf(), operator.as_str());
    match leaf.kind {
        Kind::Complex => {
            let part = leaf.sub_attributes.first().map_or("value", |sub| sub.name);
            return Err(format!("{path} has several parts; compare one of them, such as {path}.{part}"));
        }
        Kind::Boolean if !operator.is_equality() => {
            return Err(format!("{path} is a boolean, which cannot be compared with {word}"));
        }
        Kind::Binary if operator.is_order() => {
            return Err(format!("{path} has no order, so it cannot be compared with {word}"));
        }
        _ => {}
    }
    match (leaf.kind, value) {
        (_, Value::Null) if operator.is_equality() => Ok((Literal::Null, Operand::Null)),
        (Kind::Boolean, Value::Bool(flag)) => Ok((Literal::Boolean(flag), Operand::Boolean(flag))),
        // Entra ID sends `primary eq "True"`. [ours]
        (Kind::Boolean, Value::String(text)) => match boolean(&text) {
            Some(flag) => Ok((Literal::Boolean(flag), Operand::Boolean(flag))),
            None => Err(format!("{path}: expected true or false, found {}", shown(&text))),
        },
        (Kind::DateTime, Value::String(text)) if operator.is_equality() || operator.is_order() => {
            match text.parse() {
                Ok(instant) => Ok((Literal::Text(text), Operand::Instant(instant))),
                Err(_) => {
                    let expected = "expected a time such as 2026-01-31T12:00:00Z";
                    Err(format!("{path}: {expected}, found {}", shown(&text)))
                }
            }
        }
        (_, Value::String(text)) => {
            let operand = comparable(&text, leaf.case_exact).into_owned();
            Ok((Literal::Text(text), Operand::Text(operand)))
        }
        (Kind::Boolean, value) => Err(format!("{path}: expected true or false, found {value}")),
        (_, value) => Err(format!("{path}: expected a text in double quotes, found {value}")),
    }
}
