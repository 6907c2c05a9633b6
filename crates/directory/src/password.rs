//! What a password must satisfy (spec/protocol.md 6: length, classes of characters; the rest is `[ours]`).

use serde::{Deserialize, Serialize};

/// Longest password, in bytes. `[ours]`
pub const MAX_PASSWORD: usize = 1_024;

/// The policy of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Fewest characters.
    pub min_length: usize,
    /// How many of the four classes (upper case, lower case, digit, other) must occur: 0 to 4.
    pub min_classes: usize,
    /// How hard it must be to guess, by the scale of zxcvbn: 0 (anything) to 4 (very hard).
    pub min_strength: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_length: 8, min_classes: 3, min_strength: 2 }
    }
}

/// A rule that a password breaks, in words that finish the sentence "the password must …".
pub type Unmet = String;

impl Policy {
    /// Every rule the password breaks; empty when it satisfies all.
    ///
    /// `about` is what the password must not be made of: the address and the name.
    pub fn unmet(&self, password: &str, about: &[&str]) -> Vec<Unmet> {
        let mut unmet = Vec::new();
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
        // Guessing takes time that grows with the length; what decides stands at the beginning.
        let start = password.char_indices().nth(72).map_or(password, |(end, _)| &password[..end]);
        if self.min_strength > 0 && u8::from(zxcvbn::zxcvbn(start, &parts).score()) < self.min_strength {
            unmet.push(
                "be harder to guess: longer, without common words, names, dates or rows of keys".to_owned(),
            );
        }
        unmet
    }
}

fn classes(password: &str) -> usize {
    let has = |class: fn(char) -> bool| usize::from(password.chars().any(class));
    has(char::is_uppercase)
        + has(char::is_lowercase)
        + has(char::is_numeric)
        + has(|c| !c.is_uppercase() && !c.is_lowercase() && !c.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("correct Horse 7 battery", 0)]
    #[case("Zx9!", 2)]
    #[case("Password1", 1)]
    #[case("aaaaaaaaaaaaaaaa", 2)]
    #[case("Ann.Lee@Example.com", 2)]
    fn a_password_breaks_as_many_rules_as_it_breaks(#[case] password: &str, #[case] unmet: usize) {
        let rules = Policy::default().unmet(password, &["ann.lee@example.com", "Ann Lee"]);
        assert_eq!(rules.len(), unmet, "{rules:?}");
    }

    #[test]
    fn a_policy_of_nothing_takes_anything_short_of_the_upper_bound() {
        let policy = Policy { min_length: 0, min_classes: 0, min_strength: 0 };
        assert!(policy.unmet("x", &[]).is_empty());
        assert_eq!(policy.unmet(&"x".repeat(MAX_PASSWORD + 1), &[]), ["have at most 1024 bytes"]);
    }

    #[test]
    fn a_policy_reads_from_settings_and_refuses_what_it_does_not_know() {
        let policy: Policy = serde_json::from_str(r#"{"min_length": 12}"#).unwrap();
        assert_eq!(policy, Policy { min_length: 12, ..Policy::default() });
        assert!(serde_json::from_str::<Policy>(r#"{"minimum": 12}"#).is_err());
    }
}
