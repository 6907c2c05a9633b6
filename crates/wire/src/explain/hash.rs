//! Hash functions that clients use, with and without a key.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

use super::Mistake;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
    Md5,
}

impl Hash {
    /// The hash function with digests of this length.
    pub(super) fn of_length(bytes: usize) -> Option<Self> {
        match bytes {
            20 => Some(Hash::Sha1),
            32 => Some(Hash::Sha256),
            64 => Some(Hash::Sha512),
            16 => Some(Hash::Md5),
            _ => None,
        }
    }

    pub(super) fn mistake(self) -> Option<Mistake> {
        match self {
            Hash::Sha1 => None,
            Hash::Sha256 => Some(Mistake::Sha256),
            Hash::Sha512 => Some(Mistake::Sha512),
            Hash::Md5 => Some(Mistake::Md5),
        }
    }

    /// The digest of concatenated pieces.
    pub(super) fn digest(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn of<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for piece in pieces {
                digest.update(piece);
            }
            digest.finalize().to_vec()
        }
        match self {
            Hash::Sha1 => of::<Sha1>(pieces),
            Hash::Sha256 => of::<Sha256>(pieces),
            Hash::Sha512 => of::<Sha512>(pieces),
            Hash::Md5 => of::<Md5>(pieces),
        }
    }
}

/// An HMAC with a prepared key: the blocks derived from it are hashed once for all texts.
#[derive(Clone)]
pub(super) enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
    Md5(Hmac<Md5>),
}

impl Keyed {
    pub(super) fn new(hash: Hash, key: &[u8]) -> Self {
        fn keyed<M: KeyInit>(key: &[u8]) -> M {
            #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
            M::new_from_slice(key).expect("HMAC takes any key")
        }
        match hash {
            Hash::Sha1 => Keyed::Sha1(keyed(key)),
            Hash::Sha256 => Keyed::Sha256(keyed(key)),
            Hash::Sha512 => Keyed::Sha512(keyed(key)),
            Hash::Md5 => Keyed::Md5(keyed(key)),
        }
    }

    /// Whether `digest` is that of `text`.
    pub(super) fn gives(&self, text: &[u8], digest: &[u8]) -> bool {
        match self {
            Keyed::Sha1(mac) => mac.clone().chain_update(text).verify_slice(digest),
            Keyed::Sha256(mac) => mac.clone().chain_update(text).verify_slice(digest),
            Keyed::Sha512(mac) => mac.clone().chain_update(text).verify_slice(digest),
            Keyed::Md5(mac) => mac.clone().chain_update(text).verify_slice(digest),
        }
        .is_ok()
    }
}
