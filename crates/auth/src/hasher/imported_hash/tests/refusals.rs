//! Hashes that are refused, and the reasons.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::*;

fn refusal(hash: &str) -> HashError {
    read_imported_hash(&SecretString::from(hash), CHEAP).unwrap_err()
}

#[rstest]
#[case("secret", HashError::Scheme)]
#[case("{CRYPT}", HashError::Scheme)]
#[case("{PBKDF2-MD5}1000$AQIDBAUGBwg$XKbQwVihYfxEgFFIFADqfdmhzo0", HashError::Scheme)]
#[case("{SSHA.b32}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==", HashError::Scheme)]
#[case("{SSHA}", HashError::Broken("salted SHA"))]
#[case("{SSHA}xbu/hyepfYZYuDIvR4qphodRH2I=", HashError::Unsalted)]
#[case("{SSHA}###", HashError::Broken("salted SHA"))]
#[case("{SSHA.hex}c5b", HashError::Broken("salted SHA"))]
#[case("$2b$04$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.", HashError::Broken("bcrypt"))]
#[case("$2b$04$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6:C", HashError::Broken("bcrypt"))]
#[case("bcrypt_sha256$secret", HashError::Broken("bcrypt"))]
#[case("$pbkdf2-sha256$1000$AQIDBAUGBwg$Hy7R", HashError::Broken("PBKDF2"))]
#[case(
    "$pbkdf2-sha256$i=1000,l=20$AQIDBAUGBwgBAgMEBQYHCA$o4zF+2dlnygUzdRFQ5rfINFtDI7X00NyhMKsonvyQJM",
    HashError::Broken("PBKDF2")
)]
#[case(
    "$pbkdf2-sha256$0$AQIDBAUGBwg$Hy7RilX1wkp/2f66M6PSo.OPAmGN3gfSnK1ypGP6guk",
    HashError::Broken("PBKDF2")
)]
#[case("$pbkdf2-sha256$1000$$Hy7RilX1wkp/2f66M6PSo.OPAmGN3gfSnK1ypGP6guk", HashError::Unsalted)]
#[case("{PBKDF2_SHA256}AAAIAAABAgMEBQYHCAkKCwwNDg8QERITFBUW", HashError::Broken("PBKDF2"))]
#[case("{PBKDF2}$1$S4.XPu8Hi/DPuOqa$5000$c47b7ff39b2", HashError::Broken("PBKDF2"))]
#[case("$5$saltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D", HashError::Broken("SHA-crypt"))]
#[case("$5$saltstringsaltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3", HashError::Broken("SHA-crypt"))]
#[case(
    "$5$rounds=01000$saltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3",
    HashError::Broken("SHA-crypt")
)]
#[case("$5$rounds=500$saltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3", HashError::Rounds(500))]
#[case("$5$rounds=1000$$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3", HashError::Unsalted)]
#[case("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ", HashError::Broken("Argon2"))]
#[case(
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0",
    HashError::Broken("Argon2")
)]
fn malformed_hashes_are_refused(#[case] hash: &str, #[case] why: HashError) {
    assert_eq!(refusal(hash), why);
}

#[rstest]
#[case::bcrypt("$2b$15$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C", "bcrypt", 80)]
#[case::bcrypt("$2b$13$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C", "bcrypt", 20)]
#[case::dovecot_bcrypt(
    "{BLF-CRYPT}$2y$13$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C",
    "bcrypt",
    20
)]
#[case::django_bcrypt("bcrypt$$2b$13$V.TwnbW0HL0DcZfpNF3wxeBDHtFLLRu8H.ATtnYbs9rTdeqbclZxS", "bcrypt", 20)]
#[case::django_bcrypt_sha256(
    "bcrypt_sha256$$2b$13$MD2Luk7wpd8nRkiRViJnM.Bujm8k71mhRaIjbvfjfq9kKE9sHDuwO",
    "bcrypt",
    20
)]
#[case::pbkdf2(
    "$pbkdf2-sha256$9000000$AQIDBAUGBwg$Hy7RilX1wkp/2f66M6PSo.OPAmGN3gfSnK1ypGP6guk",
    "PBKDF2",
    72
)]
#[case::pbkdf2(
    "$pbkdf2-sha256$1260000$AQIDBAUGBwg$Hy7RilX1wkp/2f66M6PSo.OPAmGN3gfSnK1ypGP6guk",
    "PBKDF2",
    11
)]
#[case::keycloak(
    "$pbkdf2-sha256$i=1260000$AQIDBAUGBwgJCgsMDQ4PEA$v5lb3xNfFwyvKNKH6m6ev0uHvWdZZWNQYCbWf54zvkqZ0xQK18oHm4nCHnQ3wN5DuAauOk+Qac83pxXytgAaLg",
    "PBKDF2",
    11
)]
#[case::openldap(
    "{PBKDF2-SHA512}510000$AQIDBAUGBwg$bQDDcQN8YsdEwnsVv0JvyEZcjUjv8uh0sOyQo5jUcuRv9geulsXd8phLg5HQ3Eo9D2Ep.f8Wm9RhSqdtbHHkwQ",
    "PBKDF2",
    11
)]
#[case::dovecot_pbkdf2(
    "{PBKDF2}$1$S4.XPu8Hi/DPuOqa$1260000$c47b7ff39b2a9fe8d4353d510e741aa9f65010ce",
    "PBKDF2",
    11
)]
#[case::sha256_crypt(
    "{CRYPT}$5$rounds=1260000$a$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3",
    "SHA-crypt",
    11
)]
#[case::sha512_crypt(
    "{SHA512-CRYPT}$6$rounds=510000$a$yIcwN7l1JmnVuRECLceTXJO2TteOfMAFaKq12wmcs0ThV1z/LW6yQYLnrZqQHh1KisQzTrz4QPMuR/kutaObT0",
    "SHA-crypt",
    11
)]
#[case::sha512_crypt(
    "$6$rounds=999999999$a$yIcwN7l1JmnVuRECLceTXJO2TteOfMAFaKq12wmcs0ThV1z/LW6yQYLnrZqQHh1KisQzTrz4QPMuR/kutaObT0",
    "SHA-crypt",
    19_978
)]
#[case::argon2(
    "$argon2id$v=19$m=131072,t=3,p=1$c2FsdHNhbHQ$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0",
    "Argon2",
    11
)]
#[case::dovecot_argon2(
    "{ARGON2ID}$argon2id$v=19$m=131072,t=3,p=1$c2FsdHNhbHQ$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0",
    "Argon2",
    11
)]
#[case::django_argon2(
    "argon2$argon2id$v=19$m=131072,t=3,p=1$d0ZYZVM3MjI5Zzd6ZXZsaDZKcmtqag$4q96Rv5sfbmD3RZC8vcKZO6r2rUzU2I/bgYT3KVgVYE",
    "Argon2",
    11
)]
fn expensive_hashes_are_refused(#[case] hash: &str, #[case] scheme: &'static str, #[case] times: u64) {
    assert_eq!(refusal(hash), HashError::Cost { scheme, times });
}

#[test]
fn expensive_binary_hashes_are_refused() {
    let hash = [&1_260_000_u32.to_be_bytes()[..], &[7; 64 + 256]].concat();
    let hash = format!("{{PBKDF2_SHA256}}{}", STANDARD.encode(hash));
    assert_eq!(refusal(&hash), HashError::Cost { scheme: "PBKDF2", times: 11 });
}

#[test]
fn argon2_with_much_memory_is_refused() {
    let hash = "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHQ$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0";
    for hash in [hash.to_owned(), format!("{{ARGON2ID}}{hash}"), format!("argon2{hash}")] {
        assert_eq!(refusal(&hash), HashError::Memory(1_024));
    }
}

/// What other directories write, by Passlib 1.7.4, libxcrypt 4.4.33, Dovecot 2.3.19.1 or after their documentation.
#[rstest]
#[case("{MD5}", "MD5")]
#[case("{SMD5}", "salted MD5")]
#[case("{PLAIN-MD5}", "MD5")]
#[case("{MD5-CRYPT}$1$", "MD5-crypt")]
#[case("{CRYPT}$1$", "MD5-crypt")]
#[case("{CRYPT-MD5}$1$", "MD5-crypt")]
#[case("$1$", "MD5-crypt")]
#[case("$apr1$", "Apache MD5-crypt")]
#[case("{CRAM-MD5}", "CRAM-MD5")]
#[case("{DIGEST-MD5}", "DIGEST-MD5")]
#[case("{NT}", "NT")]
#[case("$3$$", "NT")]
#[case("{SHA}", "unsalted SHA-1")]
#[case("{sha}", "unsalted SHA-1")]
#[case("{SHA256}", "unsalted SHA-256")]
#[case("{SHA512.HEX}", "unsalted SHA-512")]
#[case("$scrypt$ln=16,r=8,p=1$", "scrypt")]
#[case("$7$", "scrypt")]
#[case("scrypt:32768:8:1$", "scrypt")]
#[case("$y$j9T$", "yescrypt")]
#[case("{CRYPT}$y$j9T$", "yescrypt")]
#[case("$gy$j9T$", "gost-yescrypt")]
#[case("$P$B", "phpass")]
#[case("$H$9", "phpass")]
#[case("$wp$2y$10$", "WordPress bcrypt")]
#[case("$S$D", "Drupal SHA-512")]
#[case("SCRAM-SHA-256$4096:", "SCRAM")]
#[case("{SCRAM-SHA-1}4096,", "SCRAM")]
#[case("{SASL}", "SASL")]
#[case("{CRYPT}!$6$", "a locked password")]
#[case("{CRYPT}*", "a locked password")]
fn known_schemes_are_refused_by_name(#[case] start: &str, #[case] name: &str) {
    let secret = "9tW4mq0Zl1Tz";
    let error = refusal(&format!("{start}{secret}"));
    let HashError::Refused { scheme, why } = error else { panic!("{start}: {error:?}") };
    assert_eq!(scheme, name);
    let message = error.to_string();
    assert!(message.contains(name) && message.contains(why) && !message.contains(secret), "{message}");
}

#[rstest]
#[case("{CRYPT}rqXexS6ZhobKA")]
#[case("{DES-CRYPT}rqXexS6ZhobKA")]
#[case("{CRYPT}_J9..rasmBYk8r9AiWNc")]
fn des_crypt_is_refused_by_name(#[case] hash: &str) {
    assert!(matches!(refusal(hash), HashError::Refused { scheme: "DES crypt", .. }));
}

#[test]
fn refusals_say_what_to_do() {
    assert_eq!(
        refusal("$P$Bxyzxyzxyzxyz").to_string(),
        "Not a supported password hash (phpass): MD5 is too weak. Create the user without a password, or with a new password \
         and forcePasswordChange"
    );
    assert_eq!(
        HashError::Rounds(500).to_string(),
        "The SHA-crypt hash has 500 rounds; at least 1000 are required"
    );
}
