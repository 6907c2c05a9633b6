mod refusals;

use std::sync::Arc;

use directory::password::is_hash;
use directory::port::Entropy;
use rstest::rstest;

use super::*;
use crate::hasher::PasswordHasher;

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

const CHEAP: Cost = Cost { memory_kib: 8, iterations: 2, parallelism: 1 };

/// Imports a hash, and compares passwords with it as a login does.
async fn check(hash: &str, password: &str, wrong: &[&str]) {
    let hasher = PasswordHasher::start(CHEAP, 1, 10, Arc::new(Sevens)).unwrap();
    let stored = hasher.read_imported_hash(&SecretString::from(hash)).unwrap();
    let verify = async |password: &str| {
        hasher.verify(SecretString::from(password), Some(stored.clone())).await.unwrap().is_some()
    };
    assert!(verify(password).await, "{hash}");
    for wrong in wrong {
        assert!(!verify(wrong).await, "{hash}: {wrong}");
    }
    assert!(hasher.outdated(&stored));
    assert!(is_hash(hash) && is_hash(stored.expose()), "not accepted as a password");
}

/// Hashes of `Passwort für Ann 7`.
///
/// By Python's `hashlib`, `bcrypt` 4.0.1 and argon2-cffi 25.1.0.
#[rstest]
#[case::ssha("{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==")]
#[case::ssha256("{SSHA256}7vSZJsm1YbrASO9QYmRSs8viIJSt19iPdi9xOaHofO0BAgMEBQYHCA==")]
#[case::ssha384("{SSHA384}+Dcru+hd89LJLHW0T8IlGsWb3Zr9UUZXl9/buyATaTmD9ZmqMY3mhiz/d0nFSabxAQIDBAUGBwg=")]
#[case::ssha512(
    "{SSHA512}ZqrMuKe01082+y2F3+QVnNdUrPm1DfO3PSVyWLNOGKu28yAXKn3XIbb/S8+O/UFPVuiDUxhsMmuoXt+j7Of9QAECAwQFBgcI"
)]
#[case::phc("$pbkdf2-sha256$i=1000,l=32$AQIDBAUGBwgBAgMEBQYHCA$o4zF+2dlnygUzdRFQ5rfINFtDI7X00NyhMKsonvyQJM")]
#[case::phc_512(
    "$pbkdf2-sha512$i=1000,l=64$AQIDBAUGBwgBAgMEBQYHCA$u1DHjODR6r/pCQf9zSW7mBcZ3VF92ewl/Wct+gyrBvEVdmsonJyp8SG43FvYwXh0VcZmHZhsA568+L4LNvOK5Q"
)]
#[case::passlib("$pbkdf2-sha256$1000$AQIDBAUGBwg$Hy7RilX1wkp/2f66M6PSo.OPAmGN3gfSnK1ypGP6guk")]
#[case::passlib_sha1("$pbkdf2$1000$AQIDBAUGBwg$XKbQwVihYfxEgFFIFADqfdmhzo0")]
#[case::openldap(
    "{PBKDF2-SHA512}1000$AQIDBAUGBwg$bQDDcQN8YsdEwnsVv0JvyEZcjUjv8uh0sOyQo5jUcuRv9geulsXd8phLg5HQ3Eo9D2Ep.f8Wm9RhSqdtbHHkwQ"
)]
#[case::openldap_sha1("{PBKDF2}1000$AQIDBAUGBwg$XKbQwVihYfxEgFFIFADqfdmhzo0")]
#[case::django("pbkdf2_sha256$1000$NaCl42$Tn7qz2T6+UoKqdq8bq2uiE28lUREtesaK+44POEp3fQ=")]
#[case::bcrypt("$2b$04$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C")]
#[case::bcrypt_in_braces("{CRYPT}$2y$04$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C")]
#[case::argon2id("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0")]
#[case::argon2i("{ARGON2}$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$Vas4dqEg6CsgcNjGbqJhEb2rEqR7cUdQAYroEaRy224")]
#[case::argon2d(
    "$argon2d$v=19$m=64,t=1,p=2$AAECAwQFBgcICQoLDA0ODw$cPhQ7YQy/ZwrzqBhAzB6jcqEiiOmC3HSFeRrFLJe20k"
)]
#[case::argon2_without_version(
    "$argon2i$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$zpLtEHrVaMQTkh1W3Kj+ILPqm2vaYV+tGgk7hkFkuqw"
)]
#[case::argon2_long_salt_and_output(
    "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw$dzegVAVFtr+tDymYulGEfJ3o64Pu6gPRwxWoewMx0xjK+zcxpbTKVCtafZa93fvObAh9kPVlT0I9Q7qzVR5hlA"
)]
#[case::argon2_output_of_65_bytes(
    "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$d70aE+ggohGRK80EgrVeqMPaOJRpoQe28IcIeKGaGNmiWvOwEnvBcgK9sXQdKWLmOhkc5DnudUz7jriGIXM5tCk"
)]
#[case::keycloak("$pbkdf2-sha256$i=27500$AQIDBAUGBwgJCgsMDQ4PEA$v5lb3xNfFwyvKNKH6m6ev0uHvWdZZWNQYCbWf54zvko")]
#[case::keycloak_output_of_two_blocks(
    "$pbkdf2-sha256$i=27500$AQIDBAUGBwgJCgsMDQ4PEA$v5lb3xNfFwyvKNKH6m6ev0uHvWdZZWNQYCbWf54zvkqZ0xQK18oHm4nCHnQ3wN5DuAauOk+Qac83pxXytgAaLg"
)]
#[case::keycloak_long_salt(
    "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw$p/CXLXRacs+Pm0VM+QXCANAtD238TmDMg6Q327YBRomWI2yoRRiVHYMUPBrLHLsq5infEQRGzVBITpQ6fbjRnA"
)]
#[case::keycloak_padded(
    "$pbkdf2-sha512$i=1000$AQIDBAUGBwgJCgsMDQ4PEA==$vbN9btZxeTQD6DkQ8ttbeL4gtOof/iVw5+nAbaD+PvMCbiuN+T88phlqF44Ti2eMgWIQJZccW6pM4DL1FBkbww=="
)]
#[case::directory_server_389(
    "{PBKDF2_SHA256}AAAIAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj/aWyrgL428dpJ4KGHjoO4oytOVozBNPwK5Df75ssBYci5LkkydPzPjdc3z0/ithjdokBAZcZ1Rr+uOFUkQRS/rexxwuwZsMGUSmnKOrKuXYVRUIjkqFjNd8uhfBw3s/YiacT3lzdEYaYT9Sh9x3MjKS6yFYtkaKzp4A1XJajYn1cZszx4TIPdlUEfXBlmw66yFZ1uMoX4VeyJDVT8jWCUZzfOL+WqQgA63LzeX4Xur+7EK+6In5HOMJ9rfg4CUhkeLi7iLwieh76BdZRSMeQ/B+6wBy85z8f2hYiUOqs4h2tL2noLKlwXtxQSPZtjuno3vVUKCGRL02k9Lq1lUzMO+"
)]
#[tokio::test]
async fn hashes_of_libraries_verify(#[case] hash: &str) {
    check(hash, "Passwort für Ann 7", &["Passwort für Ann 8", ""]).await;
}

/// Hashes of `Passwort für Ann 7` by `doveadm -O pw -s SCHEME` of Dovecot 2.3.19.1.
#[rstest]
#[case("{BLF-CRYPT}$2y$05$l7VZxzrIdMu70Jt9tU2WOO7r0ibukzIuEz.RCpbyYXqiBu1D0eBOq")]
#[case(
    "{SHA512-CRYPT}$6$vHE5.rfB/VytIv2S$Tj4etvv37PcUuctC3tGGk2Ge.BegI00jozf5u9iwf0Bl7tQEx0/wif/asPscjl6iPFMlKX.VVx39Vo2nilWiK/"
)]
#[case("{SHA256-CRYPT}$5$OtnTgkSCA6rfI7Kr$U2iJ27Uir0KM1GT1rdP29KzVOiRS0241UuyQOmXae5.")]
#[case("{SSHA256}DJE3jakwV11K48m4aonHBbj3oU17lWawdWuTI3pONdf3lKq/")]
#[case(
    "{SSHA512}XblZc1wKyp9HvtZ15C2/6KQdKA8Cr9omOJu0xVeviCmbBGjFFEyzjoEvEwkb2xtdFJ/PuAX+ecp1S1otCUKt1zIAFRU="
)]
#[case("{SSHA256.HEX}691e0164eb87f456ea12c23821157528af1e28eb2d83490cf03149444c77735d089091bd")]
#[case(
    "{SSHA512.B64}GYKuTWOaiuXd1xt0WPrBAzEdMNt9jJceuompaIsuxzGMP+aV+cWxa72W5HSZWTxG9hec8Ai/0eP/xHyIVCaF5kMjeBU="
)]
#[case(
    "{SSHA512.HEX}7af8c52411c1347db0caf9efd3f25a9c22148bf22cc49aed72cb332c08f5ddc48a3a539ad66c6212dc9306b7394b637c104157b8baaddf839537263e229f1e10d696574b"
)]
#[case("{SSHA.HEX}bd9bdb2e4b177698a204e7fdb87aebd3c43206a1f118c91b")]
#[case(
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$t5Dic521gHiX8xjrGppDqg$JcrgL33DQQQzM+bWE2C0yZDfPbezCPBfoL0ST3uDaOw"
)]
#[case(
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$YYibD9iGNB4nEB/k/IVOZQ$t7jMadK8zTnZ+pQdkTAO6sygoXymObZZsdcfIBbsiks"
)]
#[case("{PBKDF2}$1$S4.XPu8Hi/DPuOqa$5000$c47b7ff39b2a9fe8d4353d510e741aa9f65010ce")]
#[tokio::test]
async fn hashes_of_dovecot_verify(#[case] hash: &str) {
    check(hash, "Passwort für Ann 7", &["Passwort für Ann 8", ""]).await;
}

/// Hashes of `Passwort für Ann 7` by the hashers of Django 5.2.19 at low cost. The output of the first contains a slash.
#[rstest]
#[case(
    "argon2$argon2id$v=19$m=64,t=1,p=1$d0ZYZVM3MjI5Zzd6ZXZsaDZKcmtqag$4q96Rv5sfbmD3RZC8vcKZO6r2rUzU2I/bgYT3KVgVYE"
)]
#[case("bcrypt$$2b$04$V.TwnbW0HL0DcZfpNF3wxeBDHtFLLRu8H.ATtnYbs9rTdeqbclZxS")]
#[case("bcrypt_sha256$$2b$04$MD2Luk7wpd8nRkiRViJnM.Bujm8k71mhRaIjbvfjfq9kKE9sHDuwO")]
#[case("pbkdf2_sha1$1000$NaCl42$JffKWYP+fDnfOtdtGfkb8YN0VTA=")]
#[tokio::test]
async fn hashes_of_django_verify(#[case] hash: &str) {
    check(hash, "Passwort für Ann 7", &["Passwort für Ann 8", ""]).await;
}

/// Hashes of `Passwort für Ann 7` by `slappasswd` of OpenLDAP 2.5.13 with the modules pw-pbkdf2 and argon2. pw-pbkdf2
/// writes a dot for the plus and no padding, and reads both spellings; the last two are the third one rewritten.
#[rstest]
#[case("{PBKDF2}10000$J26z5k7pFL6Ek11n.ROoVg$TeHH4HEP54oneNnQP3LLX7Msc2Y")]
#[case("{PBKDF2-SHA1}10000$ewC69EUWbvKLwVA6/hc8bQ$Q/Nuuvl2A.sdLqk1GDrOo3qjL8g")]
#[case("{PBKDF2-SHA256}10000$xzqqC2oQ29Ui1ixUQPA1DQ$r7w7c3.hdnWjjSjw2eoHTcFE0Ub9HvL2NuqoQcKQy.U")]
#[case(
    "{PBKDF2-SHA512}10000$kUmgBU3KNu8y6Ryd3F4/Iw$3SwaxyNJdEMeW5RNa66uz596SyrSMVTdAxstRXI6eGWXCr04eD8Me.F278U6EnXrVxvOnCNlY9ZG9ECgkpDjqw"
)]
#[case(
    "{ARGON2}$argon2i$v=19$m=64,t=1,p=1$lnwP5KrssHC8Mq3Lrb7FbA$5rr28BNXz2Pr8jkew9eJ4uyOzDxqhQi5Gkw3IE2eC54"
)]
#[case::ordinary("{PBKDF2-SHA256}10000$xzqqC2oQ29Ui1ixUQPA1DQ$r7w7c3+hdnWjjSjw2eoHTcFE0Ub9HvL2NuqoQcKQy+U")]
#[case::padded("{PBKDF2-SHA256}10000$xzqqC2oQ29Ui1ixUQPA1DQ==$r7w7c3+hdnWjjSjw2eoHTcFE0Ub9HvL2NuqoQcKQy+U=")]
#[tokio::test]
async fn hashes_of_openldap_verify(#[case] hash: &str) {
    check(hash, "Passwort für Ann 7", &["Passwort für Ann 8", ""]).await;
}

/// Hashes of `Passwort für Ann 7`: the first two by `openssl passwd` of OpenSSL 3.0.19, the next three by `crypt` of
/// libxcrypt 4.4.33, the others by Passlib 1.7.4.
#[rstest]
#[case(
    "$6$0123456789abcdef$hxkdVYW/ot1HU0YSWt5QXwz4n4G3HobMFOnQXd2gDL7eWBasVIN781M8bdVMcsGxrq5ZAR/EBm8zLMr8z4Vnm."
)]
#[case("{crypt}$5$0123456789abcdef$VxCMfSOoHhKkY7OpUxxBDIOmo15KttdSq1q08O4aQQ5")]
#[case(
    "{CRYPT}$6$rounds=1500$saltstring$8aT9yGtlO2Ia9tR5BkoseT.jgsbkbNVkAfNQMXQnEckzTENT/GfNmbzJrb.Ya2MBOo2mUl/PqNYxqpWyKSpCs0"
)]
#[case("{CRYPT-SHA256}$5$rounds=1400$anotherlongsalts$4xWnRakjDKBUznKU5c6IOghzU2JCW1CL0ouwndHlfqD")]
#[case("$2y$04$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C")]
#[case("$5$rounds=1000$saltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3")]
#[case(
    "$6$rounds=1001$a$yIcwN7l1JmnVuRECLceTXJO2TteOfMAFaKq12wmcs0ThV1z/LW6yQYLnrZqQHh1KisQzTrz4QPMuR/kutaObT0"
)]
#[tokio::test]
async fn hashes_of_unix_verify(#[case] hash: &str) {
    check(hash, "Passwort für Ann 7", &["Passwort für Ann 8", ""]).await;
}

/// Test vectors of Ulrich Drepper's specification of SHA-crypt; libxcrypt 4.4.33 computes the same.
#[rstest]
#[case(
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    "Hello world!"
)]
#[case("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!")]
#[case("$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA", "Hello world!")]
#[case(
    "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    "Hello world!"
)]
#[case(
    "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1",
    "a very much longer text to encrypt.  This one even stretches over morethan one line."
)]
#[case(
    "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0",
    "we have a short salt string but not a short password"
)]
#[tokio::test]
async fn the_specification_s_hashes_verify(#[case] hash: &str, #[case] password: &str) {
    check(hash, password, &["hello world!"]).await;
}

/// By bcrypt (PyPI) 4.0.1, of a password of 72 bytes: bcrypt ignores the rest of a longer one.
#[tokio::test]
async fn bcrypt_compares_72_bytes() {
    let hash = "$2b$04$abcdefghijklmnopqrstuuMtJwfagkGaCKZ.IMpPJzYjhgL/xnp2C";
    let password = "0123456789".repeat(7) + "ab";
    check(hash, &password, &[&password[..71]]).await;
    check(hash, &(password + "and more"), &[]).await;
}

/// By libxcrypt 4.4.33, of the longest password that it takes.
#[tokio::test]
async fn sha_crypt_takes_long_passwords_only_with_few_rounds() {
    let hash = "$5$rounds=1000$saltstring$gc/Quph221SWgv8LdjbY.XopiOD/ReuGrQFEXg7ohiA";
    check(hash, &"x".repeat(511), &[&"x".repeat(512)]).await;
    let parsed = |rounds: u32| match ShaCrypt::read(&hash.replace("1000", &rounds.to_string())) {
        Ok(Some(parsed)) => parsed,
        _ => panic!("unreadable"),
    };
    let short = [b'x'; 64];
    let long = [b'x'; 65];
    assert!(!parsed(600_000).takes_too_long(&long));
    assert!(parsed(700_000).takes_too_long(&long) && !parsed(700_000).takes_too_long(&short));
}

/// Default hashes of other directories are accepted; more expensive ones need a server with a higher cost.
#[rstest]
#[case::bcrypt("$2b$12$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C", 1)]
#[case::bcrypt_dearer("$2b$13$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C", 2)]
#[case::django("pbkdf2_sha256$1200000$NaCl42$Tn7qz2T6+UoKqdq8bq2uiE28lUREtesaK+44POEp3fQ=", 1)]
#[case::django_bcrypt("bcrypt_sha256$$2b$12$MD2Luk7wpd8nRkiRViJnM.Bujm8k71mhRaIjbvfjfq9kKE9sHDuwO", 1)]
#[case::django_argon2(
    "argon2$argon2id$v=19$m=102400,t=2,p=8$d0ZYZVM3MjI5Zzd6ZXZsaDZKcmtqag$4q96Rv5sfbmD3RZC8vcKZO6r2rUzU2I/bgYT3KVgVYE",
    1
)]
#[case::argon2_cffi(
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0",
    1
)]
#[case::passlib_sha256_crypt("$5$rounds=535000$saltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3", 1)]
#[case::passlib_sha512_crypt(
    "$6$rounds=656000$a$yIcwN7l1JmnVuRECLceTXJO2TteOfMAFaKq12wmcs0ThV1z/LW6yQYLnrZqQHh1KisQzTrz4QPMuR/kutaObT0",
    2
)]
fn what_is_usual_elsewhere_is_taken(#[case] hash: &str, #[case] times: u32) {
    let Cost { memory_kib, .. } = Cost::default();
    let own = Cost { memory_kib: memory_kib * times, ..Cost::default() };
    assert!(read_imported_hash(&SecretString::from(hash), own).is_ok());
    let cheaper = Cost { memory_kib: memory_kib * (times - 1), ..Cost::default() };
    assert_eq!(read_imported_hash(&SecretString::from(hash), cheaper).is_ok(), times == 1);
}

/// Every truncation and many changes of every kind are read, and compared if they can be, without a panic.
#[test]
fn damaged_hashes_do_no_harm() {
    let hashes = [
        "{SSHA512.HEX}7af8c52411c1347db0caf9efd3f25a9c22148bf22cc49aed72cb332c08f5ddc48a3a539ad66c6212dc9306b7394b637c104157b8baaddf839537263e229f1e10d696574b",
        "{PBKDF2}$1$S4.XPu8Hi/DPuOqa$1$c47b7ff39b2a9fe8d4353d510e741aa9f65010ce",
        "$pbkdf2-sha256$i=1,l=32$AQIDBAUGBwgBAgMEBQYHCA$o4zF+2dlnygUzdRFQ5rfINFtDI7X00NyhMKsonvyQJM",
        "pbkdf2_sha1$1$NaCl42$JffKWYP+fDnfOtdtGfkb8YN0VTA=",
        "bcrypt_sha256$$2b$04$MD2Luk7wpd8nRkiRViJnM.Bujm8k71mhRaIjbvfjfq9kKE9sHDuwO",
        "{CRYPT}$5$rounds=1000$saltstring$soKz6ezWheLsorFFHoClpoWK/S1KU9SclIVqm/3X9D3",
        "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$84MBPAUrLVGxXDNkTBagLM0eBgcSYCptShkxVnDt5Q0",
    ];
    for hash in hashes {
        for at in 0..hash.len() {
            let (start, rest) = hash.split_at(at);
            for changed in
                ["", "$", "=", "{", "0", "é", "\0", "x"].map(|sign| format!("{start}{sign}{}", &rest[1..]))
            {
                let _ = read_imported_hash(&SecretString::from(changed), Cost::default());
            }
            for damaged in [start, rest] {
                let read = Elsewhere::read(damaged).ok().filter(|read| read.work() < 2_000);
                assert!(
                    read.is_none_or(|read| at == 0 || !read.matches(&SecretString::from(""))),
                    "{damaged}"
                );
            }
        }
    }
}
