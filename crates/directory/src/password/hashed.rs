//! Recognises password hashes. `[ours]`

/// Prefixes of hashes: PHC strings and Unix formats.
const STARTS: &[&str] = &[
    "$1$",
    "$apr1$",
    "$3$",
    "$md5",
    "$wp$",
    "$P$",
    "$H$",
    "$S$",
    "$gy$",
    "$2a$",
    "$2b$",
    "$2x$",
    "$2y$",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$argon2",
    "argon2$argon2",
    "bcrypt$$2",
    "bcrypt_sha256$",
    "$bcrypt-sha256$",
    "$pbkdf2",
    "$scrypt$",
    "pbkdf2_sha",
    "pbkdf2$",
    "pbkdf2-sha",
    "pbkdf2:sha",
    "scrypt:",
    "unix:$",
    "SCRAM-SHA-",
];

/// Schemes that LDAP directories write in braces; the name may continue, as in `{SSHA256}`.
const SCHEMES: &[&str] = &[
    "CRYPT",
    "BCRYPT",
    "BLF-CRYPT",
    "ARGON2",
    "SSHA",
    "SHA",
    "SMD5",
    "MD5",
    "PBKDF2",
    "SCRAM-SHA",
    "NT}",
    "x-is",
    "LANMAN}",
    "DES-CRYPT}",
    "CRAM-MD5}",
    "DIGEST-MD5}",
    "PLAIN-MD5}",
    "SCRYPT",
    "PKCS5S2}",
];

/// Whether a text is a password hash in a form that directories export. Everybody with a dump of the old directory
/// knows that text, and could log in if it were the password.
pub fn is_hash(text: &str) -> bool {
    let text = text.trim();
    let starts =
        |start: &&str| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    // A hash has a separator after its prefix; the word alone is not a hash.
    let body = |start: &&str| text.len() > start.len() + 8;
    let scheme = |scheme: &&str| {
        let named = text.strip_prefix('{').and_then(|rest| rest.get(..scheme.len()));
        named.is_some_and(|named| named.eq_ignore_ascii_case(scheme)) && text.contains('}')
    };
    STARTS.iter().any(|start| starts(start) && body(start))
        || SCHEMES.iter().any(scheme)
        || is_of_a_database(text)
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
