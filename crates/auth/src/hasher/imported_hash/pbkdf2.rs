//! The formats of PBKDF2.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::sha::{MAX_ROUNDS, Sha};
use super::{HashError, too_much};
use crate::hasher::encoding::{base64, decimal, hex};

const NAME: &str = "PBKDF2";
const BROKEN: HashError = HashError::Broken(NAME);
/// Fewest bytes of output; fewer can be guessed.
const MIN_OUTPUT: usize = 10;
/// Bytes of the binary format of 389 Directory Server: rounds, salt, output.
const BINARY: usize = 4 + BINARY_SALT + 256;
const BINARY_SALT: usize = 64;

/// A parsed hash.
pub(in crate::hasher) struct Pbkdf2 {
    digest: Sha,
    rounds: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2 {
    pub(super) fn read(text: &str) -> Result<Option<Self>, HashError> {
        let (name, rest) = if let Some(text) = text.strip_prefix('{') {
            let Some((name, rest)) = text.split_once('}') else { return Ok(None) };
            let name = name.to_ascii_lowercase();
            if name == "pbkdf2_sha256" {
                return binary(rest).map(Some);
            }
            if let Some(rest) = rest.strip_prefix("$1$").filter(|_| name == "pbkdf2") {
                return dovecot(rest).map(Some);
            }
            (name, rest)
        } else if let Some((name, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$')) {
            (name.to_owned(), rest)
        } else {
            return django(text);
        };
        let Some(digest) = digest_named(&name) else { return Ok(None) };
        let [rounds, salt, output] = parts(rest).ok_or(BROKEN)?;
        let output = base64(output).ok_or(BROKEN)?;
        let rounds = parameters(rounds, output.len()).ok_or(BROKEN)?;
        Self::checked(digest, rounds, base64(salt).ok_or(BROKEN)?, output).map(Some)
    }

    fn checked(digest: Sha, rounds: u32, salt: Vec<u8>, mut output: Vec<u8>) -> Result<Self, HashError> {
        if rounds > MAX_ROUNDS {
            return Err(too_much(NAME, digest.work(rounds)));
        }
        if salt.is_empty() {
            return Err(HashError::Unsalted);
        }
        if rounds == 0 || output.len() < MIN_OUTPUT {
            return Err(BROKEN);
        }
        // Each block of the output is computed separately, and costs all rounds. The first one is enough.
        output.truncate(digest.length());
        Ok(Self { digest, rounds, salt, output })
    }

    pub(super) fn work(&self) -> u64 {
        self.digest.work(self.rounds)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut found = Zeroizing::new(vec![0; self.output.len()]);
        self.digest.pbkdf2(password, &self.salt, self.rounds, &mut found);
        found.ct_eq(&self.output).into()
    }
}

fn digest_named(name: &str) -> Option<Sha> {
    match name.strip_prefix("pbkdf2")? {
        "" | "-sha1" => Some(Sha::One),
        "-sha256" => Some(Sha::Two256),
        "-sha384" => Some(Sha::Two384),
        "-sha512" => Some(Sha::Two512),
        _ => None,
    }
}

fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

/// The rounds: a number, or the parameters of a PHC string, `i=29000,l=32`.
fn parameters(text: &str, length: usize) -> Option<u32> {
    if !text.contains('=') {
        return decimal(text);
    }
    let mut rounds = None;
    for parameter in text.split(',') {
        match parameter.split_once('=')? {
            ("i", number) => rounds = decimal(number),
            ("l", number) if decimal(number)? as usize == length => {}
            _ => return None,
        }
    }
    rounds
}

/// `pbkdf2_sha256$29000$salt$hash` of Django: the salt is text.
fn django(text: &str) -> Result<Option<Pbkdf2>, HashError> {
    let Some((name, rest)) = text.split_once('$') else { return Ok(None) };
    let Some(digest) = digest_named(&name.replace('_', "-")) else { return Ok(None) };
    let [rounds, salt, output] = parts(rest).ok_or(BROKEN)?;
    let (rounds, output) = (decimal(rounds).ok_or(BROKEN)?, base64(output).ok_or(BROKEN)?);
    Pbkdf2::checked(digest, rounds, salt.into(), output).map(Some)
}

/// `{PBKDF2}$1$salt$5000$hash` of Dovecot: SHA-1, the salt is text, the output hexadecimal.
fn dovecot(rest: &str) -> Result<Pbkdf2, HashError> {
    let [salt, rounds, output] = parts(rest).ok_or(BROKEN)?;
    let (rounds, output) = (decimal(rounds).ok_or(BROKEN)?, hex(output).ok_or(BROKEN)?);
    Pbkdf2::checked(Sha::One, rounds, salt.into(), output)
}

/// `{PBKDF2_SHA256}` of 389 Directory Server: rounds, salt and output in one Base64.
fn binary(rest: &str) -> Result<Pbkdf2, HashError> {
    let bytes = base64(rest).filter(|bytes| bytes.len() == BINARY).ok_or(BROKEN)?;
    let (rounds, bytes) = bytes.split_first_chunk().ok_or(BROKEN)?;
    let (salt, output) = bytes.split_at(BINARY_SALT);
    Pbkdf2::checked(Sha::Two256, u32::from_be_bytes(*rounds), salt.into(), output.into())
}
