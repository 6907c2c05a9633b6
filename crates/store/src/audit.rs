//! The audit's chain: each event's hash covers the hash before it, so that no event can be changed, removed or
//! inserted; the newest hash is sealed with a key, so that the end cannot be cut off or rewritten without it.

use directory::port::ChainReport;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

/// An event before it is appended.
pub(crate) struct Entry<'a> {
    pub(crate) at: i64,
    pub(crate) account: Option<&'a [u8]>,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) target: &'a str,
    pub(crate) detail: &'a str,
}

/// The newest event of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) chain: i64,
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
}

impl Head {
    /// The head of a chain without events.
    pub(crate) fn empty(chain: i64) -> Self {
        Self { chain, seq: 0, hash: [0; 32] }
    }

    /// The head after one more event.
    pub(crate) fn then(&self, entry: &Entry<'_>) -> Self {
        let seq = self.seq + 1;
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(self.chain.to_be_bytes());
        hash.update(seq.to_be_bytes());
        hash.update(entry.at.to_be_bytes());
        // Each part with its length, so that text cannot move from one field to the next.
        let account = entry.account.unwrap_or_default();
        for part in [
            account,
            entry.actor.as_bytes(),
            entry.action.as_bytes(),
            entry.target.as_bytes(),
            entry.detail.as_bytes(),
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { chain: self.chain, seq, hash: hash.finalize().into() }
    }

    /// The seal of the head.
    pub(crate) fn seal(&self, key: &SecretBox<[u8; 64]>) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new(key.expose_secret().into());
        mac.update(&self.chain.to_be_bytes());
        mac.update(&self.seq.to_be_bytes());
        mac.update(&self.hash);
        mac.finalize().into_bytes().into()
    }
}

/// Verifies a chain event by event.
pub(crate) struct Verifier {
    head: Head,
    broken: Option<String>,
}

impl Verifier {
    pub(crate) fn new(chain: i64) -> Self {
        Self { head: Head::empty(chain), broken: None }
    }

    /// The next event in the store.
    pub(crate) fn event(&mut self, seq: i64, entry: &Entry<'_>, hash: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        let expected = self.head.then(entry);
        if seq != expected.seq {
            self.broken = Some(format!("event {} is missing", expected.seq));
        } else if hash != expected.hash {
            self.broken = Some(format!("event {seq} was changed"));
        }
        self.head = expected;
    }

    /// Ends the check, with the stored head and seal.
    pub(crate) fn finish(
        mut self,
        stored: Option<(i64, &[u8], &[u8])>,
        key: &SecretBox<[u8; 64]>,
    ) -> ChainReport {
        let Head { chain, seq, hash } = self.head;
        if self.broken.is_none() {
            self.broken = match stored {
                None => Some("its head is missing".to_owned()),
                Some((at, ..)) if at > seq => Some(format!("events {} to {at} are missing", seq + 1)),
                Some((at, head, _)) if at < seq || head != hash => Some("its head was changed".to_owned()),
                Some((.., seal)) if seal != self.head.seal(key) => {
                    Some("the seal of its head is not genuine".to_owned())
                }
                Some(_) => None,
            };
        }
        ChainReport { chain, events: u64::try_from(seq).unwrap_or(0), head: hash, broken: self.broken }
    }
}
