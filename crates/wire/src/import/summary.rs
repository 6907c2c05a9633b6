//! What was noticed about a file.

use std::collections::BTreeSet;

use super::Encoding;
use crate::printable::printable;

/// What was noticed about a file, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// Names of fields that are not used; at most 100.
    pub ignored: BTreeSet<String>,
    /// Entries that are not people.
    pub skipped: u64,
    /// Some of these: the line and the object class.
    pub skipped_entries: Vec<(u64, String)>,
    /// Users that are created disabled.
    pub disabled: u64,
    /// Users that are created locked.
    pub locked: u64,
    /// Users whose password begins or ends with a blank, in a format in which it belongs to the password.
    pub blank_passwords: u64,
    /// The line and the address of some of these.
    pub blank_password_rows: Vec<(u64, String)>,
    /// Users whose account has a date on which it expires.
    pub expiring: u64,
    /// The line and the address of some of these.
    pub expiring_rows: Vec<(u64, String)>,
    /// Names that were read as a field because an option said so, and the field.
    pub chosen: Vec<(String, &'static str)>,
    /// Users whose password field has no usable password: they are created without one.
    pub without_password: u64,
    /// Some of these: the line, the address and the reason.
    pub without_password_rows: Vec<(u64, String, &'static str)>,
}

/// Examples that a summary keeps of a kind.
const EXAMPLES: usize = 20;

impl Summary {
    pub(super) fn skip(&mut self, line: u64, class: &str) {
        count(&mut self.skipped, &mut self.skipped_entries, || (line, class.to_owned()));
    }

    pub(super) fn without_password(&mut self, line: u64, address: &str, why: &'static str) {
        let row = || (line, address.to_owned(), why);
        count(&mut self.without_password, &mut self.without_password_rows, row);
    }

    pub(super) fn expires(&mut self, line: u64, address: &str) {
        count(&mut self.expiring, &mut self.expiring_rows, || (line, address.to_owned()));
    }

    pub(super) fn blank_password(&mut self, line: u64, address: &str) {
        count(&mut self.blank_passwords, &mut self.blank_password_rows, || (line, address.to_owned()));
    }

    /// What the person who imports should know, one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(encoding) = self.encoding.filter(|encoding| *encoding != Encoding::Utf8) {
            notes.push(format!("The file was read as {}", encoding.name()));
        }
        if self.skipped > 0 {
            let entries = list_named(&self.skipped_entries, self.skipped);
            notes.push(format!("{} not people, and no users: {entries}", entries_are(self.skipped)));
        }
        if self.disabled > 0 {
            notes.push(format!(
                "{} not active in the file; new ones are created disabled",
                users_are(self.disabled)
            ));
        }
        if self.locked > 0 {
            notes.push(format!("{} locked in the file; new ones are created locked", users_are(self.locked)));
        }
        if self.without_password > 0 {
            let rows = self.without_password_rows.iter();
            let rows =
                rows.map(|(line, address, why)| format!("{} on line {line} ({why})", printable(address)));
            let users = users_are(self.without_password);
            notes.push(format!("{users} created without a password: {}", list(rows, self.without_password)));
        }
        if self.expiring > 0 {
            notes.push(format!(
                "{} a date on which the account expires, which is not imported: disable those that are past: {}",
                if self.expiring == 1 { "1 user has".to_owned() } else { format!("{} users have", self.expiring) },
                list_named(&self.expiring_rows, self.expiring)
            ));
        }
        if self.blank_passwords > 0 {
            let passwords = match self.blank_passwords {
                1 => "1 password begins or ends".to_owned(),
                count => format!("{count} passwords begin or end"),
            };
            notes.push(format!(
                "{passwords} with a blank, which belongs to the password: {}",
                list_named(&self.blank_password_rows, self.blank_passwords)
            ));
        }
        notes
    }

    pub(super) fn count_state(&mut self, disabled: bool, locked: bool) {
        self.disabled += u64::from(disabled);
        self.locked += u64::from(locked && !disabled);
    }
}

/// Counts one more, and keeps it as an example if there is room.
fn count<T>(all: &mut u64, examples: &mut Vec<T>, example: impl FnOnce() -> T) {
    *all += 1;
    if examples.len() < EXAMPLES {
        examples.push(example());
    }
}

fn users_are(count: u64) -> String {
    if count == 1 { "1 user is".to_owned() } else { format!("{count} users are") }
}

fn entries_are(count: u64) -> String {
    if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") }
}

/// Names with their lines, as examples of so many.
fn list_named(rows: &[(u64, String)], count: u64) -> String {
    list(rows.iter().map(|(line, name)| format!("{} on line {line}", printable(name))), count)
}

/// Examples of so many.
fn list(examples: impl Iterator<Item = String>, count: u64) -> String {
    let examples: Vec<String> = examples.take(5).collect();
    let more = count.saturating_sub(examples.len() as u64);
    let end = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{end}", examples.join(", "))
}
