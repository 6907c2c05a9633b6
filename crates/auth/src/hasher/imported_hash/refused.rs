//! Schemes that are known and refused.

use super::{HashError, starts_with};

const MD5: &str = "MD5 is too weak";
const UNSALTED: &str = "without a salt it can be looked up in tables";
const LOCKED: &str = "nobody can log in with it";
const UNSUPPORTED: &str = "this server cannot verify it";

/// Prefix, scheme, reason.
const REFUSED: &[(&str, &str, &str)] = &[
    ("$1$", "MD5-crypt", MD5),
    ("$apr1$", "Apache MD5-crypt", MD5),
    ("$md5", "Solaris MD5-crypt", MD5),
    ("{MD5-CRYPT", "MD5-crypt", MD5),
    ("{MD5", "MD5", MD5),
    ("{SMD5", "salted MD5", MD5),
    ("{PLAIN-MD5", "MD5", MD5),
    ("{LDAP-MD5", "MD5", MD5),
    ("{CRAM-MD5", "CRAM-MD5", MD5),
    ("{DIGEST-MD5", "DIGEST-MD5", MD5),
    ("{HMAC-MD5", "HMAC-MD5", MD5),
    ("md5$", "MD5", MD5),
    ("$P$", "phpass", MD5),
    ("$H$", "phpass", MD5),
    ("{NT}", "NT", UNSALTED),
    ("{LANMAN}", "LAN Manager", UNSALTED),
    ("$3$", "NT", UNSALTED),
    ("$NT$", "NT", UNSALTED),
    ("{SHA}", "unsalted SHA-1", UNSALTED),
    ("{SHA1", "unsalted SHA-1", UNSALTED),
    ("{SHA.", "unsalted SHA-1", UNSALTED),
    ("{SHA256", "unsalted SHA-256", UNSALTED),
    ("{SHA384", "unsalted SHA-384", UNSALTED),
    ("{SHA512", "unsalted SHA-512", UNSALTED),
    ("{DES-CRYPT", DES_CRYPT.0, DES_CRYPT.1),
    ("$scrypt$", "scrypt", UNSUPPORTED),
    ("scrypt$", "scrypt", UNSUPPORTED),
    ("scrypt:", "scrypt", UNSUPPORTED),
    ("{SCRYPT", "scrypt", UNSUPPORTED),
    ("$7$", "scrypt", UNSUPPORTED),
    ("$y$", "yescrypt", UNSUPPORTED),
    ("$gy$", "gost-yescrypt", UNSUPPORTED),
    ("$wp$", "WordPress bcrypt", UNSUPPORTED),
    ("$bcrypt-sha256$", "Passlib bcrypt_sha256", UNSUPPORTED),
    ("pbkdf2:", "Werkzeug PBKDF2", UNSUPPORTED),
    ("sha1$", "Django SHA-1", UNSUPPORTED),
    ("$S$", "Drupal SHA-512", UNSUPPORTED),
    ("SCRAM-SHA-", "SCRAM", UNSUPPORTED),
    ("{SCRAM-SHA-", "SCRAM", UNSUPPORTED),
    ("!", "a locked password", LOCKED),
    ("*", "a locked password", LOCKED),
    ("{SASL}", "SASL", "it refers to another system and contains no hash"),
];

const DES_CRYPT: (&str, &str) = ("DES crypt", "it ignores all but the first eight characters");

/// Why a text that no reader knows is refused.
pub(super) fn reason(text: &str) -> HashError {
    // `$P$` and `$p$` are different schemes; names in braces have no case.
    let is = |prefix: &str| match prefix.starts_with('{') {
        true => starts_with(text, prefix),
        false => text.starts_with(prefix),
    };
    let found = REFUSED.iter().find(|(prefix, ..)| is(prefix));
    found.map_or(HashError::Scheme, |&(_, scheme, why)| HashError::Refused { scheme, why })
}

/// Why the content of `{CRYPT}` is refused. DES crypt has no prefix.
pub(super) fn unix_crypt(text: &str) -> HashError {
    let (scheme, why) = DES_CRYPT;
    let des =
        text.len() >= 13 && text.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"./_".contains(&sign));
    if des { HashError::Refused { scheme, why } } else { HashError::Scheme }
}
