//! The password policy (spec/protocol.md 6: length, classes of characters; the rest is `[ours]`).

mod common;
mod hashed;
mod prepared;

#[cfg(test)]
mod tests;

pub use hashed::is_hash;
use jiff::{SignedDuration, Timestamp};
pub use prepared::prepare;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::characters::hides;

/// Longest password, in bytes. `[ours]`
pub const MAX_PASSWORD: usize = 1_024;

/// The policy of an account. Missing settings have the values of [`Policy::default`], so that a policy stored before a
/// setting existed can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Minimum length, in characters.
    pub min_length: usize,
    /// The number of the four classes (upper case, lower case, digit, other) that must occur: 0 to 4.
    pub min_classes: usize,
    /// Minimum strength on the scale of zxcvbn: 0 (anything) to 4 (very hard to guess).
    pub min_strength: u8,
    /// Whether a password is refused that equals one of the 30,000 most common ones, without case; independent of
    /// `min_strength`. `[ours]`
    pub common: bool,
    /// The number of earlier passwords, the current one included, that may not be reused; 0: all may. Checked when
    /// users change their own password, because only hashes are stored. `[ours]`
    pub history: u8,
    /// Days until a password must be changed (spec/protocol.md 6: expiry is the account's); `None`: never.
    pub max_age_days: Option<u32>,
    /// Failed logins in a row that lock a user out (spec/protocol.md 4); 0: no lockout.
    pub lockout_tries: u32,
    /// Minutes a user stays locked (spec/protocol.md 4).
    pub lockout_minutes: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_length: 8,
            min_classes: 3,
            min_strength: 2,
            common: true,
            history: 5,
            max_age_days: None,
            lockout_tries: 5,
            lockout_minutes: 15,
        }
    }
}

/// A rule that a password breaks, in words that finish the sentence "the password must …".
pub type Unmet = String;

impl Policy {
    /// Every rule that the password breaks in the form that is hashed ([`prepare`]); empty if it satisfies all. Every
    /// policy refuses hashes ([`is_hash`]) and invisible characters (RFC 8265, 4.2).
    ///
    /// `about`: texts that the password must not be made of, such as address and name.
    pub fn unmet(&self, password: &str, about: &[&str]) -> Vec<Unmet> {
        let prepared = prepare(password);
        let password = prepared.as_ref().map_or(password, |prepared| prepared.expose_secret());
        let mut unmet = Vec::new();
        if hides(password) {
            unmet.push("not contain a control character or another invisible one".to_owned());
        }
        if is_hash(password) {
            unmet.push(
                "not be a password hash: send a hash in passwordHash, or the password itself".to_owned(),
            );
        }
        if password.len() > MAX_PASSWORD {
            unmet.push(format!("have at most {MAX_PASSWORD} bytes"));
        }
        if password.chars().count() < self.min_length {
            unmet.push(format!("have at least {} characters", self.min_length));
        }
        if classes(password) < self.min_classes {
            unmet.push(format!(
                "hold at least {} of: upper case, lower case, digit, other character",
                self.min_classes
            ));
        }
        let same = |text: &&&str| text.chars().count() >= 3 && text.to_lowercase() == password.to_lowercase();
        let parts: Vec<&str> =
            about.iter().flat_map(|text| [*text, text.split('@').next().unwrap_or("")]).collect();
        if parts.iter().any(|text| same(&text)) {
            unmet.push("differ from the address and the name".to_owned());
        }
        if self.common && common::is_common(password) {
            unmet.push("not be a common password".to_owned());
        }
        // The estimate takes longer for long passwords; the beginning is enough.
        let start = password.char_indices().nth(72).map_or(password, |(end, _)| &password[..end]);
        if self.min_strength > 0 && u8::from(zxcvbn::zxcvbn(start, &parts).score()) < self.min_strength {
            unmet.push(
                "be harder to guess: longer, without common words, names, dates or rows of keys".to_owned(),
            );
        }
        unmet
    }

    /// Whether a password set at `changed_at` has expired: its days have 24 hours each.
    pub fn expired(&self, changed_at: Timestamp, now: Timestamp) -> bool {
        let day = SignedDuration::from_hours(24);
        self.max_age_days.is_some_and(|days| {
            let age = day.checked_mul(i32::try_from(days).unwrap_or(i32::MAX));
            age.is_some_and(|age| now.duration_since(changed_at) >= age)
        })
    }
}

fn classes(password: &str) -> usize {
    let has = |class: fn(char) -> bool| usize::from(password.chars().any(class));
    has(char::is_uppercase)
        + has(char::is_lowercase)
        + has(char::is_numeric)
        + has(|c| !c.is_uppercase() && !c.is_lowercase() && !c.is_numeric())
}
