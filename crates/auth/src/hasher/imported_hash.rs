//! Password hashes of other directories: stored as they are, verified with their own scheme, and rehashed at the user's next
//! login. `[ours]`

use argon2::password_hash::phc;
use base64::alphabet::{self, Alphabet};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine as _};
use directory::user::PasswordHash;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Cost;
use super::hash::Argon;

/// Longest hash, in bytes.
const MAX_LENGTH: usize = 1_024;
/// Highest accepted cost of bcrypt.
const MAX_BCRYPT: u32 = 14;
/// Most accepted rounds of PBKDF2.
const MAX_ROUNDS: u32 = 5_000_000;
/// The work of bcrypt at cost 0, in KiB that Argon2 processes in the same time. Approximate, because it depends on the
/// machine. By this measure bcrypt of cost 12 and 1,250,000 rounds of PBKDF2 with SHA-256 are just below ten hashes of
/// the default cost.
const BCRYPT: u64 = 87;
/// Most memory of Argon2, in MiB. One comparison runs at a time.
const MAX_MEMORY_MIB: u32 = 128;
/// Highest cost of an imported hash, as a multiple of the server's own.
const MOST_TIMES: u64 = 10;

/// Why a hash cannot be used. Never contains a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HashError {
    /// An unknown scheme.
    #[error(
        "Not a supported password hash: expected $argon2id$…, $2b$…, $pbkdf2-sha256$…, pbkdf2_sha256$…, {{PBKDF2-SHA256}}… or \
         {{SSHA}}…"
    )]
    Scheme,
    /// A known scheme, but malformed.
    #[error("The {0} hash cannot be read: it is truncated or corrupted")]
    Broken(&'static str),
    /// A comparison would take too long.
    #[error(
        "The {scheme} hash is too expensive: checking it takes about {times} times as long as a hash of this server; at most {MOST_TIMES} times are allowed"
    )]
    Cost {
        /// The scheme.
        scheme: &'static str,
        /// Its cost as a multiple of the server's own.
        times: u64,
    },
    /// A comparison would need too much memory.
    #[error("The Argon2 hash needs {0} MiB of memory; at most {MAX_MEMORY_MIB} MiB are allowed")]
    Memory(u32),
    /// It has no salt.
    #[error("Hashes without a salt are refused: they can be looked up in tables")]
    Unsalted,
}

/// A parsed hash.
pub(super) enum Elsewhere {
    Bcrypt { cost: u32, text: String },
    Pbkdf2 { digest: Sha, rounds: u32, salt: Vec<u8>, output: Vec<u8> },
    Salted { digest: Sha, salt: Vec<u8>, output: Vec<u8> },
}

/// Digest algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sha {
    One,
    Two256,
    Two384,
    Two512,
}

/// Reads a password hash of another directory. Schemes: Argon2 and PBKDF2 as PHC strings; bcrypt; PBKDF2 in the formats
/// of Passlib and Django; in braces, as in LDAP directories, `{SSHA}`, `{SSHA256}`, `{SSHA384}`, `{SSHA512}`,
/// `{PBKDF2}`, `{PBKDF2-SHA256}`, `{PBKDF2-SHA512}`, and `{CRYPT}`, `{BCRYPT}` or `{ARGON2}` before any of the others.
///
/// The highest accepted cost is relative to the server's own, and never lower than with the default.
///
/// # Errors
/// When the hash is malformed, unsupported or too expensive.
pub fn hashed_elsewhere(hash: &SecretString, own: Cost) -> Result<PasswordHash, HashError> {
    let text = without_wrapper(hash.expose_secret().trim());
    let (scheme, work) = if text.starts_with("$argon2") {
        ("Argon2", affordable_argon(text)?)
    } else {
        let elsewhere = Elsewhere::read(text)?;
        (elsewhere.scheme(), elsewhere.work())
    };
    let own = own.work().max(Cost::default().work());
    if work > own * MOST_TIMES {
        return Err(HashError::Cost { scheme, times: work.div_ceil(own) });
    }
    Ok(PasswordHash::new(text.to_owned()))
}

fn too_much(scheme: &'static str, work: u64) -> HashError {
    HashError::Cost { scheme, times: work.div_ceil(Cost::default().work()) }
}

/// The work of a comparison, in KiB that Argon2 processes in the same time; 0 for an unreadable hash.
pub(super) fn work(text: &str) -> u64 {
    match Elsewhere::read(text) {
        Ok(elsewhere) => elsewhere.work(),
        Err(_) => Argon::read(text).map_or(0, |argon| argon.work()),
    }
}

/// Removes braces that only repeat the scheme of the rest.
fn without_wrapper(text: &str) -> &str {
    let wrappers = ["{CRYPT}", "{BCRYPT}", "{ARGON2}"];
    let wrapper = wrappers.iter().find(|wrapper| starts_with(text, wrapper));
    wrapper.map_or(text, |wrapper| &text[wrapper.len()..])
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

fn affordable_argon(text: &str) -> Result<u64, HashError> {
    if text.len() > MAX_LENGTH {
        return Err(HashError::Broken("Argon2"));
    }
    let argon = Argon::read(text).map_err(|_| HashError::Broken("Argon2"))?;
    let memory = argon.memory_kib().div_ceil(1_024);
    if memory > MAX_MEMORY_MIB {
        return Err(HashError::Memory(memory));
    }
    Ok(argon.work())
}

impl Elsewhere {
    /// Parses a hash.
    pub(super) fn read(text: &str) -> Result<Self, HashError> {
        if text.len() > MAX_LENGTH {
            return Err(HashError::Scheme);
        }
        if ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|scheme| text.starts_with(scheme)) {
            return bcrypt(text);
        }
        if let Some((digest, rest)) = salted_scheme(text) {
            return salted_digest(digest, rest);
        }
        if ["{SHA}", "{MD5}", "{SHA256}", "{SHA512}"].iter().any(|scheme| starts_with(text, scheme)) {
            return Err(HashError::Unsalted);
        }
        pbkdf2(text)
    }

    fn scheme(&self) -> &'static str {
        match self {
            Elsewhere::Bcrypt { .. } => "bcrypt",
            Elsewhere::Pbkdf2 { .. } => "PBKDF2",
            Elsewhere::Salted { .. } => "salted SHA",
        }
    }

    /// The work of a comparison, in KiB that Argon2 processes in the same time.
    fn work(&self) -> u64 {
        match self {
            Elsewhere::Bcrypt { cost, .. } => BCRYPT << cost,
            Elsewhere::Pbkdf2 { digest, rounds, .. } => digest.work(*rounds),
            Elsewhere::Salted { .. } => 0,
        }
    }

    pub(super) fn matches(&self, password: &SecretString) -> bool {
        let password = password.expose_secret().as_bytes();
        match self {
            // bcrypt ignores the rest of a longer password.
            Elsewhere::Bcrypt { text, .. } => bcrypt::verify(password, text).unwrap_or(false),
            Elsewhere::Pbkdf2 { digest, rounds, salt, output } => {
                let mut found = Zeroizing::new(vec![0; output.len()]);
                match digest {
                    Sha::One => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, *rounds, &mut found),
                    Sha::Two256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut found),
                    Sha::Two384 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, *rounds, &mut found),
                    Sha::Two512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut found),
                }
                found.ct_eq(output).into()
            }
            Elsewhere::Salted { digest, salt, output } => {
                let found = Zeroizing::new(match digest {
                    Sha::One => digest_of::<Sha1>(password, salt),
                    Sha::Two256 => digest_of::<Sha256>(password, salt),
                    Sha::Two384 => digest_of::<Sha384>(password, salt),
                    Sha::Two512 => digest_of::<Sha512>(password, salt),
                });
                found.ct_eq(output).into()
            }
        }
    }
}

fn digest_of<D: Digest>(password: &[u8], salt: &[u8]) -> Vec<u8> {
    D::new().chain_update(password).chain_update(salt).finalize().to_vec()
}

fn bcrypt(text: &str) -> Result<Elsewhere, HashError> {
    let broken = HashError::Broken("bcrypt");
    let (cost, rest) = text[4..].split_once('$').ok_or(broken)?;
    let cost: u32 = cost.parse().map_err(|_| broken)?;
    if cost > MAX_BCRYPT {
        return Err(too_much("bcrypt", BCRYPT << cost.min(31)));
    }
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    if cost < 4 || rest.len() != 53 || !rest.bytes().all(alphabet) {
        return Err(broken);
    }
    Ok(Elsewhere::Bcrypt { cost, text: text.to_owned() })
}

fn salted_scheme(text: &str) -> Option<(Sha, &str)> {
    let schemes = [
        ("{SSHA}", Sha::One),
        ("{SSHA256}", Sha::Two256),
        ("{SSHA384}", Sha::Two384),
        ("{SSHA512}", Sha::Two512),
    ];
    let (scheme, digest) = schemes.into_iter().find(|(scheme, _)| starts_with(text, scheme))?;
    Some((digest, &text[scheme.len()..]))
}

fn salted_digest(digest: Sha, rest: &str) -> Result<Elsewhere, HashError> {
    let broken = HashError::Broken("salted SHA");
    let mut output = lenient(&alphabet::STANDARD).decode(rest).map_err(|_| broken)?;
    if output.len() < digest.length() {
        return Err(broken);
    }
    let salt = output.split_off(digest.length());
    if salt.is_empty() {
        return Err(HashError::Unsalted);
    }
    Ok(Elsewhere::Salted { digest, salt, output })
}

/// The four formats of PBKDF2.
fn pbkdf2(text: &str) -> Result<Elsewhere, HashError> {
    let broken = HashError::Broken("PBKDF2");
    // {PBKDF2-SHA256}29000$salt$hash of OpenLDAP's module and Passlib; without a digest it is SHA-1.
    if let Some(rest) = text.strip_prefix('{') {
        let (scheme, rest) = rest.split_once('}').ok_or(HashError::Scheme)?;
        let digest = digest_named(&scheme.to_ascii_lowercase(), "pbkdf2").ok_or(HashError::Scheme)?;
        return pbkdf2_parts(digest, rest, dotted_base64);
    }
    // pbkdf2_sha256$29000$salt$hash of Django: the salt is text.
    if let Some((scheme, rest)) = text.split_once('$')
        && let Some(digest) = digest_named(&scheme.replace('_', "-"), "pbkdf2")
    {
        return pbkdf2_parts(digest, rest, |salt| Some(salt.as_bytes().to_vec()));
    }
    let (scheme, rest) =
        text.strip_prefix('$').and_then(|text| text.split_once('$')).ok_or(HashError::Scheme)?;
    let digest = digest_named(scheme, "pbkdf2").ok_or(HashError::Scheme)?;
    if !rest.starts_with("i=") {
        // $pbkdf2-sha256$29000$salt$hash of Passlib.
        return pbkdf2_parts(digest, rest, dotted_base64);
    }
    let phc = phc::PasswordHash::new(text).map_err(|_| broken)?;
    let rounds = phc.params.get_decimal("i").ok_or(broken)?;
    let salt = phc.salt.as_ref().ok_or(broken)?.to_vec();
    let output = phc.hash.as_ref().ok_or(broken)?.as_bytes().to_vec();
    checked_pbkdf2(digest, rounds, salt, output)
}

fn digest_named(name: &str, before: &str) -> Option<Sha> {
    match name.strip_prefix(before)? {
        "" | "-sha1" => Some(Sha::One),
        "-sha256" => Some(Sha::Two256),
        "-sha384" => Some(Sha::Two384),
        "-sha512" => Some(Sha::Two512),
        _ => None,
    }
}

fn pbkdf2_parts(
    digest: Sha,
    rest: &str,
    salt: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Elsewhere, HashError> {
    let broken = HashError::Broken("PBKDF2");
    let mut parts = rest.split('$');
    let (Some(rounds), Some(salted), Some(output), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(broken);
    };
    let rounds = rounds.parse().map_err(|_| broken)?;
    checked_pbkdf2(digest, rounds, salt(salted).ok_or(broken)?, dotted_base64(output).ok_or(broken)?)
}

fn checked_pbkdf2(digest: Sha, rounds: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Elsewhere, HashError> {
    if rounds > MAX_ROUNDS {
        return Err(too_much("PBKDF2", digest.work(rounds)));
    }
    match (salt.is_empty(), output.len()) {
        (true, _) => Err(HashError::Unsalted),
        // An output longer than the digest would double the cost; one shorter than half can be guessed.
        (false, length) if rounds == 0 || !(10..=digest.length()).contains(&length) => {
            Err(HashError::Broken("PBKDF2"))
        }
        (false, _) => Ok(Elsewhere::Pbkdf2 { digest, rounds, salt, output }),
    }
}

impl Sha {
    /// The work of these rounds, in KiB that Argon2 processes in the same time.
    fn work(self, rounds: u32) -> u64 {
        let thousand = match self {
            Sha::One | Sha::Two256 => 286,
            Sha::Two384 | Sha::Two512 => 716,
        };
        u64::from(rounds) * thousand / 1_000
    }

    fn length(self) -> usize {
        match self {
            Sha::One => 20,
            Sha::Two256 => 32,
            Sha::Two384 => 48,
            Sha::Two512 => 64,
        }
    }
}

/// Base64 with a dot for the plus, as Passlib writes it.
fn dotted_base64(text: &str) -> Option<Vec<u8>> {
    lenient(&alphabet::STANDARD).decode(text.replace('.', "+")).ok()
}

fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}
