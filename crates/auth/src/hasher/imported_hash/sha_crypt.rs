//! SHA-crypt, the Unix formats `$5$` and `$6$`.

use sha_crypt::Params;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::sha::{MAX_ROUNDS, Sha};
use super::{HashError, MOST_TIMES, too_much};
use crate::hasher::Cost;
use crate::hasher::encoding::decimal;

const NAME: &str = "SHA-crypt";
/// Rounds of a hash that does not say how many.
const DEFAULT_ROUNDS: u32 = 5_000;
/// libxcrypt refuses a hash with fewer.
const MIN_ROUNDS: u32 = 1_000;
const MAX_SALT: usize = 16;
/// libxcrypt refuses longer passwords.
const MAX_PASSWORD: usize = 511;
/// The length of a password from which on the work grows with it.
const USUAL_PASSWORD: usize = 64;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A parsed hash.
pub(in crate::hasher) struct ShaCrypt {
    sha512: bool,
    rounds: u32,
    salt: Vec<u8>,
    /// In the encoding of the scheme.
    output: Vec<u8>,
}

impl ShaCrypt {
    pub(super) fn read(text: &str) -> Result<Option<Self>, HashError> {
        let broken = HashError::Broken(NAME);
        let (sha512, rest) = match (text.strip_prefix("$5$"), text.strip_prefix("$6$")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Ok(None),
        };
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$').ok_or(broken)?;
                (decimal(rounds).filter(|_| !rounds.starts_with('0')).ok_or(broken)?, rest)
            }
            None => (DEFAULT_ROUNDS, rest),
        };
        let (salt, output) = rest.split_once('$').ok_or(broken)?;
        if output.len() != if sha512 { 86 } else { 43 }
            || !output.bytes().all(|sign| ALPHABET.contains(&sign))
        {
            return Err(broken);
        }
        if salt.is_empty() {
            return Err(HashError::Unsalted);
        }
        if salt.len() > MAX_SALT || !salt.bytes().all(|sign| sign.is_ascii_graphic()) {
            return Err(broken);
        }
        if rounds < MIN_ROUNDS {
            return Err(HashError::Rounds(rounds));
        }
        let (salt, output) = (salt.into(), output.into());
        let hash = Self { sha512, rounds, salt, output };
        if rounds > MAX_ROUNDS {
            return Err(too_much(NAME, hash.work()));
        }
        Ok(Some(hash))
    }

    /// The work for a password of usual length. A round takes about as long as one of PBKDF2.
    pub(super) fn work(&self) -> u64 {
        if self.sha512 { Sha::Two512 } else { Sha::Two256 }.work(self.rounds)
    }

    /// Each round hashes the password about twice, so a long password could make the comparison much slower. Such a
    /// password does not match if the work would exceed the limit for imported hashes.
    pub(super) fn takes_too_long(&self, password: &[u8]) -> bool {
        let times = password.len().div_ceil(USUAL_PASSWORD) as u64;
        times > 1 && self.work() * times > Cost::default().work() * MOST_TIMES
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        if password.len() > MAX_PASSWORD || self.takes_too_long(password) {
            return false;
        }
        let Ok(params) = Params::new(self.rounds) else { return false };
        let found = Zeroizing::new(if self.sha512 {
            encode(&sha_crypt::sha512_crypt(password, &self.salt, params), |[a, b, c]| [b, c, a])
        } else {
            encode(&sha_crypt::sha256_crypt(password, &self.salt, params), |[a, b, c]| [c, a, b])
        });
        found.ct_eq(&self.output).into()
    }
}

/// Writes three bytes as four characters, from the lowest bits to the highest. The bytes are one from each third of the
/// output; `turn` is the order of the thirds in the next group.
fn encode(output: &[u8], turn: fn([usize; 3]) -> [usize; 3]) -> Vec<u8> {
    let third = output.len() / 3;
    let mut text = Vec::with_capacity(output.len().div_ceil(3) * 4);
    let mut group = [0, third, third * 2];
    for _ in 0..third {
        let [high, middle, low] = group.map(|at| u32::from(output[at]));
        push(&mut text, high << 16 | middle << 8 | low, 4);
        group = turn(group.map(|at| at + 1));
    }
    // SHA-256 leaves two bytes, SHA-512 leaves one.
    let rest = &output[third * 3..];
    let bits = rest.iter().rev().fold(0, |bits, &byte| bits << 8 | u32::from(byte));
    push(&mut text, bits, rest.len() + 1);
    text
}

fn push(text: &mut Vec<u8>, bits: u32, signs: usize) {
    text.extend((0..signs).map(|sign| ALPHABET[(bits >> (6 * sign) & 63) as usize]));
}
