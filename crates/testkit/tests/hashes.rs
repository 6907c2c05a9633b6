//! What the directory refuses as a password because it is a hash, a file's reader takes for a hash: otherwise an import into
//! another service would make it a password. The two lists stand in crates that don't know each other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use directory::password::is_hash;
use wire::import::{Format, Rows};

/// The beginnings of hashes, by the programs that write them.
const BEGINNINGS: &[&str] = &[
    "$1$",
    "$apr1$",
    "$2a$10$",
    "$2b$10$",
    "$2x$10$",
    "$2y$10$",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$gy$",
    "$argon2id$",
    "$argon2i$",
    "$argon2d$",
    "argon2$argon2id$",
    "bcrypt$$2b$",
    "bcrypt_sha256$",
    "$bcrypt-sha256$",
    "$pbkdf2$",
    "$pbkdf2-sha256$",
    "pbkdf2_sha256$",
    "pbkdf2$",
    "pbkdf2-sha256$",
    "pbkdf2:sha256:",
    "$scrypt$",
    "scrypt:",
    "SCRAM-SHA-256$",
    "$wp$",
    "$P$",
    "$H$",
    "$S$",
    "{CRYPT}",
    "{BCRYPT}",
    "{BLF-CRYPT}",
    "{ARGON2}",
    "{ARGON2ID}",
    "{SSHA}",
    "{SSHA512}",
    "{SHA}",
    "{SHA256}",
    "{SMD5}",
    "{MD5}",
    "{PBKDF2}",
    "{PBKDF2-SHA256}",
    "{PBKDF2_SHA256}",
    "{SCRAM-SHA-1}",
    "{NT}",
    "{x-isSHA512, 15000}",
    "$3$$",
    "$md5$",
    "unix:$6$",
    "{LANMAN}",
    "{DES-CRYPT}",
    "{CRAM-MD5}",
    "{DIGEST-MD5}",
    "{PLAIN-MD5}",
    "{scrypt}",
    "{PKCS5S2}",
    "{argon2@SpringSecurity_v5_8}",
];

/// Whether the reader leaves a text in the password field.
fn stays_a_password(text: &str) -> bool {
    let file = serde_json::json!({"emailAddress": "ann@example.com", "password": text}).to_string();
    let row = Rows::new(file.as_bytes(), Some(Format::Json)).unwrap().next().unwrap().unwrap();
    row.item.is_ok_and(|entry| entry.into_user().unwrap().password.is_some())
}

#[test]
fn both_lists_know_the_same_hashes() {
    for beginning in BEGINNINGS {
        let hash = format!("{beginning}c2FsdHNhbHQ$bm90IGEgcGFzc3dvcmQgYnV0IGEgaGFzaA");
        assert!(is_hash(&hash), "{beginning} is no hash to the directory");
        assert!(!stays_a_password(&hash), "{beginning} is a password to the reader");
    }
    let digits = "0123456789ABCDEF0123456789abcdef01234567";
    for hash in [format!("*{digits}"), format!("0x0200{digits}{digits}")] {
        assert!(is_hash(&hash) && !stays_a_password(&hash), "{hash}");
    }
    for password in ["Sunny-Day-4711", "{Sun}ny-Day-4711", "$unny Day 4711", "argon2 is a hash function"] {
        assert!(!is_hash(password) && stays_a_password(password), "{password}");
    }
}
