//! Argon2 (RFC 9106) by the reference implementation of its authors, with the widest vectors that the machine has.
//!
//! The crate `argon2` has no AVX-512 and fills memory more slowly with AVX2 (docs/adr/0024-argon2.md). Parameters, blocks
//! and names are that crate's, and it is what the tests compare with. The C code is libargon2 at commit f57e61e,
//! unmodified, in `libargon2`.

mod ffi;

use argon2::{Algorithm, Block, Params, Version};
use thiserror::Error;

/// The vectors that fill the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// Those that every machine of its kind has: 128 bits on x86-64.
    Portable,
    /// 256 bits.
    Avx2,
    /// 512 bits.
    Avx512,
}

impl Width {
    /// Those of this machine, narrowest first.
    pub fn available() -> impl Iterator<Item = Width> {
        [Width::Portable, Width::Avx2, Width::Avx512].into_iter().filter(|width| width.is_available())
    }

    /// The widest of this machine.
    pub fn widest() -> Width {
        Self::available().last().unwrap_or(Width::Portable)
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Width::Portable => true,
            Width::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            Width::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Width::Portable
    }
}

/// Why there is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The memory has fewer blocks than the cost needs.
    #[error("Argon2 needs {needed} blocks of memory, and has {found}")]
    Memory {
        /// Blocks needed: `Params::block_count`.
        needed: usize,
        /// Blocks given.
        found: usize,
    },
    /// A length or a cost is out of bounds; a code of libargon2.
    #[error("libargon2 refused its input with code {0}")]
    Refused(i32),
}

/// What is hashed, except for the password.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Argon2d, Argon2i or Argon2id.
    pub algorithm: Algorithm,
    /// The version of Argon2.
    pub version: Version,
    /// Cost, and associated data.
    pub params: &'a Params,
    /// The salt: at least 8 bytes.
    pub salt: &'a [u8],
}

/// Hashes a password into `output`, whose length is part of the hash. The memory is wiped afterwards.
///
/// All lanes are computed on this thread.
///
/// # Errors
/// When the memory is too small, or a length or the cost is out of bounds.
pub fn hash(
    width: Width,
    input: &Input<'_>,
    password: &[u8],
    output: &mut [u8],
    memory: &mut [Block],
) -> Result<(), Error> {
    // A width that the machine lacks would end the process.
    let width = width.min(Width::widest());
    ffi::hash(width, input, ffi::Secrets { password, secret: &[] }, output, memory)
}

#[cfg(test)]
mod tests;
