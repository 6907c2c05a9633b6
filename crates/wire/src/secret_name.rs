//! Names of fields whose value may be a password, however they are spelled: such a value is not shown.

/// Parts of such names, in lower case and without separators.
const PARTS: &[&str] =
    &["pass", "pasw", "pwd", "secret", "kennwort", "motdepasse", "contrase", "credential", "hash"];

/// Whether the value of a field may be a password or its hash. Rather too many than too few.
pub fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    PARTS.iter().any(|part| plain.contains(part))
        // One or two letters are wrong. Longer names are not compared: it takes time.
        || (plain.len() <= 16 && strsim::osa_distance(&plain, "password") <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_password_is_a_secret() {
        for name in [
            "password",
            "Pass-Word",
            "pasword",
            "passwrd",
            "p@ssword",
            "pwd",
            "passwort",
            "paswsord",
            "Kennwort",
            "mot_de_passe",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["emailAddress", "name", "accountCode", "forceChange", "id", "query", "aliasFor"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
