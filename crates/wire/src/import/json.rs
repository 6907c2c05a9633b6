//! JSON: items of create-user or users of SCIM, in sequence, in a list, or in a list response of SCIM.
//!
//! Splits the file into objects, so that only one is in memory, and parses each as JSON.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::{Found, ImportError, MAX_ROW, unreadable};

pub(super) struct Json<R> {
    input: R,
    line: u64,
    /// Inside `Resources` of a list response, whose objects are the rows.
    in_list: bool,
}

impl<R: BufRead> Json<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, in_list: false }
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Found>, ImportError> {
        loop {
            let Some(byte) = self.byte()? else { return Ok(None) };
            match byte {
                b'{' => {
                    if let Some(found) = self.object()? {
                        return Ok(Some(found));
                    }
                }
                b']' if self.in_list => {
                    self.in_list = false;
                    self.skip_rest()?;
                }
                b'[' | b']' | b',' | b'}' => {}
                byte if byte.is_ascii_whitespace() => {}
                _ => {
                    let line = self.line;
                    self.skip_line()?;
                    let message = format!("line {line}: expected an object in braces");
                    return Ok(Some(Found { line, fields: Err(unreadable(message)) }));
                }
            }
        }
    }

    /// The rest of an object after its brace; `None` if it is a list response.
    fn object(&mut self) -> Result<Option<Found>, ImportError> {
        let line = self.line;
        let mut text = vec![b'{'];
        let (mut depth, mut quoted, mut escaped) = (1_u32, false, false);
        while depth > 0 {
            let Some(byte) = self.byte()? else {
                let message = format!("line {line}: the object has no end");
                return Ok(Some(Found { line, fields: Err(unreadable(message)) }));
            };
            text.push(byte);
            if text.len() > MAX_ROW {
                return Err(ImportError::RowTooLong { line });
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'[' if depth == 1 && !self.in_list && names_resources(&text) => {
                    self.in_list = true;
                    return Ok(None);
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        let fields = serde_json::from_slice::<Map<String, Value>>(&text);
        let fields = fields.map_err(|error| unreadable(format!("line {line}: {error}"))).and_then(item);
        Ok(Some(Found { line, fields }))
    }

    /// Skips the rest of a list response after its list.
    fn skip_rest(&mut self) -> Result<(), ImportError> {
        let (mut depth, mut quoted, mut escaped) = (1_u32, false, false);
        while depth > 0
            && let Some(byte) = self.byte()?
        {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth += 1,
                b'}' | b']' if !quoted => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) -> Result<(), ImportError> {
        while self.byte()?.is_some_and(|byte| byte != b'\n') {}
        Ok(())
    }

    fn byte(&mut self) -> Result<Option<u8>, ImportError> {
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(None) };
        self.input.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }
}

/// Whether the text so far ends with the key of the list in a list response.
fn names_resources(text: &[u8]) -> bool {
    let text = text[..text.len() - 1].trim_ascii_end();
    text.strip_suffix(b":").is_some_and(|text| text.trim_ascii_end().ends_with(b"\"Resources\""))
}

/// An object as an item of create-user.
fn item(object: Map<String, Value>) -> Result<Map<String, Value>, crate::Error> {
    if object.contains_key("emailAddress")
        || !["userName", "emails", "schemas"].iter().any(|key| object.contains_key(*key))
    {
        return Ok(object);
    }
    // A user of SCIM (RFC 7643, 4.1).
    if object.get("active") == Some(&Value::Bool(false)) {
        return Err(crate::Error::in_field(
            crate::Code::NotOneOf,
            "active",
            "The user is not active, but create-user creates active users: leave it out, or create it and disable it",
        ));
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let emails = object.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let primary = emails.iter().find(|email| email["primary"] == true).or_else(|| emails.first());
    let address = primary.and_then(|email| text(email.get("value"))).or_else(|| text(object.get("userName")));
    let full_name = || {
        let name = object.get("name")?;
        let parts = ["givenName", "familyName"].into_iter().filter_map(|part| text(name.get(part)));
        text(name.get("formatted")).or_else(|| Some(parts.collect::<Vec<_>>().join(" ")))
    };
    let name = text(object.get("displayName")).or_else(full_name).filter(|name| !name.is_empty());
    let mut fields = Map::new();
    for (field, value) in [("emailAddress", address), ("name", name)] {
        if let Some(value) = value {
            fields.insert(field.to_owned(), value.into());
        }
    }
    if let Some(value) = text(object.get("password")) {
        super::password(&mut fields, value);
    }
    Ok(fields)
}
