//! The reasons for which an imported hash is refused.

use thiserror::Error;

use super::{MAX_MEMORY_MIB, MOST_TIMES};

/// Why a hash cannot be used. Never contains a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HashError {
    /// An unknown scheme.
    #[error(
        "Not a supported password hash: expected $argon2id$…, $2b$…, $6$…, $pbkdf2-sha256$…, pbkdf2_sha256$…, \
         {{PBKDF2-SHA256}}… or {{SSHA}}…"
    )]
    Scheme,
    /// A known scheme that this server does not verify.
    #[error(
        "Not a supported password hash ({scheme}): {why}. Create the user without a password, or with a new password and \
         forcePasswordChange"
    )]
    Refused {
        /// The scheme.
        scheme: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// A known scheme, but malformed.
    #[error("The {0} hash cannot be read: it is truncated or corrupted")]
    Broken(&'static str),
    /// Too few rounds of SHA-crypt.
    #[error("The SHA-crypt hash has {0} rounds; at least 1000 are required")]
    Rounds(u32),
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
