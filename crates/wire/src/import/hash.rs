//! Tells clear passwords from hashes in files. Which hashes can be verified is the server's decision.

/// What a password field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored<'a> {
    Clear(&'a str),
    Hash,
    /// No password can match: the account is locked, or has none.
    Unusable,
    /// Another system verifies the password.
    Elsewhere,
    /// Asterisks in place of the password.
    Masked,
}

/// Schemes in braces whose value is a hash; the name may continue, as in `{SSHA256}`.
const HASHES: &[&str] = &[
    "crypt",
    "bcrypt",
    "blf-crypt",
    "md5-crypt",
    "sha256-crypt",
    "sha512-crypt",
    "argon2",
    "ssha",
    "sha",
    "smd5",
    "md5",
    "pbkdf2",
    "scram-sha",
    "nt",
    "ns-mta-md5",
    "x-issha",
    "lanman",
    "lm",
    "des-crypt",
    "cram-md5",
    "digest-md5",
    "plain-md5",
    "ldap-md5",
    "scrypt",
    "pkcs5s2",
    "sm3",
    "otp",
];

/// Schemes in braces whose value is the password.
const CLEAR: &[&str] = &["clear", "cleartext", "plain", "noop"];

/// Schemes in braces that name another system.
const ELSEWHERE: &[&str] = &["sasl", "kerberos", "gssapi", "external"];

/// Prefixes of hashes without braces.
const PREFIXES: &[&str] = &[
    "$1$",
    "$apr1$",
    "$3$",
    "$md5",
    "$2$",
    "$2a$",
    "$2b$",
    "$2x$",
    "$2y$",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$gy$",
    "$argon2",
    "$bcrypt-sha256$",
    "$pbkdf2",
    "$scrypt$",
    "$P$",
    "$H$",
    "$S$",
    "$wp$",
    "$sha1$",
    "pbkdf2_",
    "pbkdf2$",
    "pbkdf2:",
    "pbkdf2-sha",
    "scrypt:",
    "scrypt$",
    "argon2$",
    "bcrypt$",
    "bcrypt_sha256$",
    "sha1$",
    "md5$",
    "sha256$",
    "sha512$",
    "crypt$",
    "unix:$",
    "SCRAM-SHA-",
];

/// What a password field holds.
pub(super) fn stored(text: &str) -> Stored<'_> {
    let trimmed = text.trim();
    if let Some((scheme, value)) = scheme(trimmed) {
        let is_in = |schemes: &[&str]| schemes.contains(&scheme.as_str());
        return match () {
            () if is_in(CLEAR) => Stored::Clear(value),
            () if is_in(ELSEWHERE) => Stored::Elsewhere,
            () if HASHES.iter().any(|hash| scheme.starts_with(hash)) => match is_unusable(value) {
                true => Stored::Unusable,
                false => Stored::Hash,
            },
            // Braces may begin a password.
            () => Stored::Clear(text),
        };
    }
    let prefixed = |prefix: &&str| {
        let starts = trimmed.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        starts && trimmed.len() > prefix.len() + 8
    };
    match () {
        () if is_masked(trimmed) => Stored::Masked,
        () if is_unusable(trimmed) => Stored::Unusable,
        () if PREFIXES.iter().any(prefixed) || is_of_a_database(trimmed) => Stored::Hash,
        () => Stored::Clear(text),
    }
}

/// The scheme in lower case, and what follows its braces.
fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, value) = text.strip_prefix('{')?.split_once('}')?;
    let named = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.,@ ".contains(&byte));
    named.then(|| (scheme.trim().to_ascii_lowercase().replace('_', "-"), value))
}

/// Whether it is a hash of MySQL (`*` and 40 hexadecimal digits) or of SQL Server (`0x0100` or `0x0200` and more of them).
fn is_of_a_database(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mysql = text.strip_prefix('*').is_some_and(|rest| rest.len() == 40 && is_hex(rest));
    let sql_server = ["0x0100", "0x0200"]
        .iter()
        .any(|start| text.strip_prefix(start).is_some_and(|rest| rest.len() >= 40 && is_hex(rest)));
    mysql || sql_server
}

/// Whether it is a Unix lock or Django's mark of an unusable password.
fn is_unusable(text: &str) -> bool {
    matches!(text, "!" | "!!" | "*" | "x" | "*LK*" | "!*" | "NP" | "*NP*")
        || text
            .strip_prefix('!')
            .is_some_and(|rest| rest.len() == 40 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
        || text.strip_prefix('!').is_some_and(|rest| rest.starts_with('$'))
}

fn is_masked(text: &str) -> bool {
    text.chars().count() >= 3 && text.chars().all(|c| matches!(c, '*' | '•'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_begin_a_scheme_only_where_it_is_known() {
        assert_eq!(stored("{Sun}ny-Day-4711"), Stored::Clear("{Sun}ny-Day-4711"));
        assert_eq!(stored("{} x"), Stored::Clear("{} x"));
        assert_eq!(stored("{CLEARTEXT}Sunny"), Stored::Clear("Sunny"));
        for hash in
            ["{SSHA512}abc", "{ssha}abc", "{CRYPT}$6$salt$abc", "{PBKDF2_SHA256}AAA", "{BLF-CRYPT}$2y$10$x"]
        {
            assert_eq!(stored(hash), Stored::Hash, "{hash}");
        }
        assert_eq!(stored("{SASL}ann@REALM"), Stored::Elsewhere);
    }

    #[test]
    fn hashes_locks_and_masks_are_no_passwords() {
        for hash in [
            "$2b$10$abcdefghijk",
            "pbkdf2_sha256$36000$salt$hash",
            "argon2$argon2id$v=19$x",
            "$6$saltsalt$hash",
        ] {
            assert_eq!(stored(hash), Stored::Hash, "{hash}");
        }
        for lock in [
            "!",
            "!!",
            "*",
            "{crypt}!!",
            "{CRYPT}*",
            "!$6$saltsalt$hash",
            "!abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123",
        ] {
            assert_eq!(stored(lock), Stored::Unusable, "{lock}");
        }
        assert_eq!(stored("****"), Stored::Masked);
        for clear in ["$2b$", "!Sunny-Day-4711", "sha1$", "*", " x y "].iter().filter(|clear| **clear != "*")
        {
            assert_eq!(stored(clear), Stored::Clear(clear), "{clear}");
        }
    }
}
