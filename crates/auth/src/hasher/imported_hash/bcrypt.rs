//! bcrypt, and bcrypt over SHA-256 as Django writes it.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{HashError, too_much};
use crate::hasher::encoding::{bcrypt_base64, decimal};

/// Highest accepted cost.
const MAX_COST: u32 = 14;
/// The work at cost 0, in KiB that Argon2 processes in the same time. Approximate, because it depends on the machine. By
/// this measure bcrypt of cost 12 and 1,250,000 rounds of PBKDF2 with SHA-256 are just below ten hashes of the default
/// cost.
const WORK: u64 = 87;
/// bcrypt ignores the rest of a password, including the zero that ends it.
const MAX_PASSWORD: usize = 72;

/// A parsed hash.
pub(in crate::hasher) struct Bcrypt {
    /// Whether the password is hashed with SHA-256 first.
    sha256: bool,
    cost: u32,
    salt: [u8; 16],
    output: Vec<u8>,
}

impl Bcrypt {
    pub(super) fn read(text: &str) -> Result<Option<Self>, HashError> {
        let broken = HashError::Broken("bcrypt");
        let (sha256, text) = match text.strip_prefix("bcrypt_sha256$") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let versions = ["$2a$", "$2b$", "$2x$", "$2y$"];
        let Some(rest) = versions.iter().find_map(|version| text.strip_prefix(version)) else {
            return if sha256 { Err(broken) } else { Ok(None) };
        };
        let (cost, rest) = rest.split_once('$').ok_or(broken)?;
        let cost = decimal(cost).ok_or(broken)?;
        if cost > MAX_COST {
            return Err(too_much("bcrypt", WORK << cost.min(31)));
        }
        let (salt, output) = rest.split_at_checked(22).ok_or(broken)?;
        if cost < 4 || output.len() != 31 {
            return Err(broken);
        }
        let salt = bcrypt_base64(salt).and_then(|salt| salt.try_into().ok()).ok_or(broken)?;
        let output = bcrypt_base64(output).ok_or(broken)?;
        Ok(Some(Self { sha256, cost, salt, output }))
    }

    pub(super) fn work(&self) -> u64 {
        WORK << self.cost
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        // The capacity keeps the secret in one place.
        let mut key = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD + 1));
        if self.sha256 {
            let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password)));
            let digits =
                |byte: &u8| [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
            key.extend(digest.iter().flat_map(digits));
        } else {
            key.extend(password.iter().take(MAX_PASSWORD));
        }
        key.push(0);
        key.truncate(MAX_PASSWORD);
        let found = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, &key));
        // The text of a hash leaves out the last byte.
        found[..23].ct_eq(&self.output).into()
    }
}
