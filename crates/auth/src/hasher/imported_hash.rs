//! Password hashes of other directories: stored as they are, verified with their own scheme, and rehashed at the user's next
//! login. `[ours]`

mod bcrypt;
mod error;
mod pbkdf2;
mod refused;
mod salted;
mod sha;
mod sha_crypt;

#[cfg(test)]
mod tests;

use directory::user::PasswordHash;
use secrecy::{ExposeSecret, SecretString};

use self::bcrypt::Bcrypt;
pub use self::error::HashError;
use self::pbkdf2::Pbkdf2;
use self::salted::Salted;
use self::sha_crypt::ShaCrypt;
use super::Cost;
use super::hash::Argon;

/// Longest hash, in bytes.
const MAX_LENGTH: usize = 1_024;
/// Most memory of Argon2, in MiB. One comparison runs at a time.
const MAX_MEMORY_MIB: u32 = 128;
/// Highest cost of an imported hash, as a multiple of the server's own.
const MOST_TIMES: u64 = 10;
/// Braces that only repeat the scheme of the rest.
const WRAPPERS: [&str; 12] = [
    CRYPT,
    "{CRYPT-MD5}",
    "{CRYPT-SHA256}",
    "{CRYPT-SHA512}",
    "{BCRYPT}",
    "{BLF-CRYPT}",
    "{SHA256-CRYPT}",
    "{SHA512-CRYPT}",
    "{ARGON2}",
    "{ARGON2I}",
    "{ARGON2D}",
    "{ARGON2ID}",
];
const CRYPT: &str = "{CRYPT}";

/// A parsed hash.
pub(super) enum Elsewhere {
    Bcrypt(Bcrypt),
    Pbkdf2(Pbkdf2),
    ShaCrypt(ShaCrypt),
    Salted(Salted),
}

/// Reads a password hash of another directory. `docs/IMPORT.md` lists the forms.
///
/// The highest accepted cost is relative to the server's own, and never lower than with the default.
///
/// # Errors
/// When the hash is malformed, unsupported or too expensive.
pub fn read_imported_hash(hash: &SecretString, own: Cost) -> Result<PasswordHash, HashError> {
    let whole = hash.expose_secret().trim();
    let text = without_wrapper(whole);
    let (scheme, work) = if text.starts_with("$argon2") {
        ("Argon2", affordable_argon(text)?)
    } else {
        let elsewhere = Elsewhere::read(text).map_err(|error| match error {
            HashError::Scheme if starts_with(whole, CRYPT) => refused::unix_crypt(text),
            error => error,
        })?;
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

/// Removes a prefix that only repeats the scheme of the rest.
fn without_wrapper(text: &str) -> &str {
    // Django: argon2$argon2id$… and bcrypt$$2b$…
    for (name, rest) in [("argon2", "$argon2"), ("bcrypt$", "$2")] {
        if let Some(hash) = text.strip_prefix(name).filter(|hash| hash.starts_with(rest)) {
            return hash;
        }
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| starts_with(text, wrapper));
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
        if let Some(hash) = Bcrypt::read(text)? {
            return Ok(Elsewhere::Bcrypt(hash));
        }
        if let Some(hash) = ShaCrypt::read(text)? {
            return Ok(Elsewhere::ShaCrypt(hash));
        }
        if let Some(hash) = Salted::read(text)? {
            return Ok(Elsewhere::Salted(hash));
        }
        if let Some(hash) = Pbkdf2::read(text)? {
            return Ok(Elsewhere::Pbkdf2(hash));
        }
        Err(refused::reason(text))
    }

    fn scheme(&self) -> &'static str {
        match self {
            Elsewhere::Bcrypt(_) => "bcrypt",
            Elsewhere::Pbkdf2(_) => "PBKDF2",
            Elsewhere::ShaCrypt(_) => "SHA-crypt",
            Elsewhere::Salted(_) => "salted SHA",
        }
    }

    /// The work of a comparison, in KiB that Argon2 processes in the same time.
    fn work(&self) -> u64 {
        match self {
            Elsewhere::Bcrypt(hash) => hash.work(),
            Elsewhere::Pbkdf2(hash) => hash.work(),
            Elsewhere::ShaCrypt(hash) => hash.work(),
            Elsewhere::Salted(_) => 0,
        }
    }

    pub(super) fn matches(&self, password: &SecretString) -> bool {
        let password = password.expose_secret().as_bytes();
        match self {
            Elsewhere::Bcrypt(hash) => hash.matches(password),
            Elsewhere::Pbkdf2(hash) => hash.matches(password),
            Elsewhere::ShaCrypt(hash) => hash.matches(password),
            Elsewhere::Salted(hash) => hash.matches(password),
        }
    }
}
