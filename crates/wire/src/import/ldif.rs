//! LDIF (RFC 2849): entries exported from an LDAP directory.

use std::io::{BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Found, ImportError, MAX_ROW, text, unreadable};

/// Object classes of people.
const PEOPLE: &[&str] = &["person", "organizationalperson", "inetorgperson", "user", "posixaccount"];

pub(super) struct Ldif<R> {
    input: R,
    line: u64,
    /// The next line, read to detect a continuation.
    ahead: Option<Vec<u8>>,
}

/// The relevant attributes of an entry.
#[derive(Default)]
struct Entry {
    line: u64,
    change: bool,
    is_person: bool,
    mail: Option<String>,
    display_name: Option<String>,
    common_name: Option<String>,
    password: Option<String>,
    wrong: Option<String>,
}

impl<R: BufRead> Ldif<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, ahead: None }
    }

    /// The next entry of a person. Units, groups and other entries are skipped.
    pub(super) fn next_row(&mut self) -> Result<Option<Found>, ImportError> {
        loop {
            let Some(entry) = self.entry()? else { return Ok(None) };
            if entry.mail.is_some() || entry.is_person || entry.wrong.is_some() || entry.change {
                return Ok(Some(entry.into_found()));
            }
        }
    }

    fn entry(&mut self) -> Result<Option<Entry>, ImportError> {
        let mut entry = Entry::default();
        let mut length = 0;
        while let Some((number, line)) = self.unfolded()? {
            if line.is_empty() {
                if entry.line > 0 {
                    return Ok(Some(entry));
                }
                continue;
            }
            if line.starts_with(b"#") {
                continue;
            }
            length += line.len();
            if length > MAX_ROW {
                return Err(ImportError::RowTooLong { line: entry.line.max(1) });
            }
            if entry.line == 0 && line.to_ascii_lowercase().starts_with(b"version:") {
                continue;
            }
            if entry.line == 0 {
                entry.line = number;
            }
            entry.add(number, &line);
        }
        Ok((entry.line > 0).then_some(entry))
    }

    /// A line with its continuation lines, which begin with a space.
    fn unfolded(&mut self) -> Result<Option<(u64, Vec<u8>)>, ImportError> {
        let first = match self.ahead.take() {
            Some(line) => Some(line),
            None => self.read_line()?,
        };
        let Some(mut line) = first else { return Ok(None) };
        let number = self.line;
        while let Some(next) = self.read_line()? {
            match next.split_first() {
                Some((b' ', rest)) if !line.is_empty() => line.extend_from_slice(rest),
                _ => {
                    self.ahead = Some(next);
                    break;
                }
            }
            if line.len() > MAX_ROW {
                return Err(ImportError::RowTooLong { line: number });
            }
        }
        // The look-ahead line was counted as well.
        let number = if self.ahead.is_some() { number.min(self.line - 1) } else { number };
        Ok(Some((number, line)))
    }

    fn read_line(&mut self) -> Result<Option<Vec<u8>>, ImportError> {
        let mut line = Vec::new();
        let read = (&mut self.input).take(MAX_ROW as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if read > MAX_ROW {
            return Err(ImportError::RowTooLong { line: self.line });
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(line))
    }
}

impl Entry {
    fn add(&mut self, number: u64, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            self.wrong = Some(format!("line {number}: expected an attribute, a colon and a value"));
            return;
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        // Options such as `;lang-de` are variants of the attribute.
        let name =
            text(name.split(|byte| *byte == b';').next().unwrap_or_default()).trim().to_ascii_lowercase();
        let value = match value.first() {
            Some(b':') => match STANDARD.decode(value[1..].trim_ascii()) {
                Ok(value) => text(&value),
                Err(_) => {
                    self.wrong = Some(format!("line {number}: what follows `::` is not base64"));
                    return;
                }
            },
            // The value is in another file.
            Some(b'<') => return,
            _ => text(value.trim_ascii()),
        };
        let first = |slot: &mut Option<String>| {
            slot.get_or_insert(value.clone());
        };
        match name.as_str() {
            "mail" | "rfc822mailbox" => first(&mut self.mail),
            "displayname" => first(&mut self.display_name),
            "cn" | "commonname" => first(&mut self.common_name),
            "userpassword" => first(&mut self.password),
            "objectclass" => self.is_person |= PEOPLE.contains(&value.to_ascii_lowercase().as_str()),
            "changetype" => self.change |= !value.eq_ignore_ascii_case("add"),
            _ => {}
        }
    }

    fn into_found(self) -> Found {
        let Self { line, change, mail, display_name, common_name, password, wrong, .. } = self;
        let wrong = wrong.or_else(|| {
            change.then(|| {
                format!(
                    "line {line}: the entry modifies an existing entry; only entries that add can be imported"
                )
            })
        });
        if let Some(wrong) = wrong {
            return Found { line, fields: Err(unreadable(wrong)) };
        }
        let mut fields = Map::new();
        for (field, value) in [("emailAddress", mail), ("name", display_name.or(common_name))] {
            if let Some(value) = value {
                fields.insert(field.to_owned(), Value::String(value));
            }
        }
        if let Some(value) = password {
            super::password(&mut fields, value);
        }
        Found { line, fields: Ok(fields) }
    }
}
