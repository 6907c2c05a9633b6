//! Digests of the SHA family.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Most rounds of PBKDF2 or SHA-crypt, whatever the server's own cost is.
pub(super) const MAX_ROUNDS: u32 = 5_000_000;

/// Digest algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hasher) enum Sha {
    One,
    Two256,
    Two384,
    Two512,
}

impl Sha {
    /// The work of these rounds of PBKDF2, in KiB that Argon2 processes in the same time.
    pub(super) fn work(self, rounds: u32) -> u64 {
        let thousand = match self {
            Sha::One | Sha::Two256 => 286,
            Sha::Two384 | Sha::Two512 => 716,
        };
        u64::from(rounds) * thousand / 1_000
    }

    pub(super) fn length(self) -> usize {
        match self {
            Sha::One => 20,
            Sha::Two256 => 32,
            Sha::Two384 => 48,
            Sha::Two512 => 64,
        }
    }

    /// The digest of a password and a salt.
    pub(super) fn digest(self, password: &[u8], salt: &[u8]) -> Vec<u8> {
        match self {
            Sha::One => digest::<Sha1>(password, salt),
            Sha::Two256 => digest::<Sha256>(password, salt),
            Sha::Two384 => digest::<Sha384>(password, salt),
            Sha::Two512 => digest::<Sha512>(password, salt),
        }
    }

    pub(super) fn pbkdf2(self, password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
        match self {
            Sha::One => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, output),
            Sha::Two256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, output),
            Sha::Two384 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, rounds, output),
            Sha::Two512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, output),
        }
    }
}

fn digest<D: Digest>(password: &[u8], salt: &[u8]) -> Vec<u8> {
    D::new().chain_update(password).chain_update(salt).finalize().to_vec()
}
