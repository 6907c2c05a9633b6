//! Secrets at rest. A master key outside the database wraps a ring of keys inside it; the ring's keys seal secrets,
//! ids, digests and the audit. So the master key can be replaced without changing a row, and ids stay the same.

use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use directory::hex;
use directory::port::{Entropy, Keys};
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

const KEY_ID: usize = 4;
const NONCE: usize = 12;

/// The key outside the database: 32 bytes, written as 64 hexadecimal digits.
pub struct MasterKey(SecretBox<[u8; 32]>);

/// Why a secret could not be read.
#[derive(Debug, Error)]
pub enum VaultError {
    /// The text is not a master key.
    #[error("a master key is 64 hexadecimal digits")]
    NotAMasterKey,
    /// The database belongs to another master key.
    #[error("the database was created with the master key {made_with}, but the given key is {given}")]
    OtherMasterKey {
        /// Id of the key the ring is wrapped with.
        made_with: String,
        /// Id of the key that was given.
        given: String,
    },
    /// The ring of keys is gone, and what it sealed is there.
    #[error("the database has lost its keys, and nothing in it can be decrypted: restore the newest backup")]
    NoKeys,
    /// The sealed bytes were changed, or moved from another row.
    #[error("{0} was changed by another program and cannot be decrypted")]
    Tampered(String),
}

impl Clone for MasterKey {
    fn clone(&self) -> Self {
        Self(SecretBox::new(Box::new(*self.0.expose_secret())))
    }
}

impl MasterKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self(SecretBox::new(Box::new(key)))
    }

    /// Reads a key from its digits.
    ///
    /// # Errors
    /// When the text is not 64 hexadecimal digits; surrounding blanks are ignored.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let digits = text.trim().as_bytes();
        if digits.len() != 64 {
            return Err(VaultError::NotAMasterKey);
        }
        let mut key = Box::new([0; 32]);
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => *byte = high << 4 | low,
                _ => return Err(VaultError::NotAMasterKey),
            }
        }
        Ok(Self(SecretBox::new(key)))
    }

    /// The digits, for a file that only its owner can read.
    pub fn to_digits(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(64));
        for byte in self.0.expose_secret() {
            digits.push_str(&format!("{byte:02x}"));
        }
        digits
    }
}

/// A key of the ring, with the id that prefixes the bytes it sealed.
struct Sealer {
    id: [u8; KEY_ID],
    cipher: Aes256GcmSiv,
}

impl Sealer {
    fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"matricula key id").chain_update(key).finalize();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Self { id, cipher: Aes256GcmSiv::new(key.into()) }
    }

    fn seal(&self, entropy: &dyn Entropy, place: &[u8], secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: secret, aad: place })
            // The cipher only refuses more than 64 GiB.
            .map_err(|_| VaultError::Tampered("a secret that is too long".to_owned()))?;
        Ok([&self.id[..], &nonce, &sealed].concat())
    }

    fn open(&self, place: &[u8], what: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let tampered = || VaultError::Tampered(what.to_owned());
        let (id, rest) = sealed.split_at_checked(KEY_ID).ok_or_else(tampered)?;
        if id != self.id {
            return Err(VaultError::OtherMasterKey { made_with: hex(id), given: hex(&self.id) });
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(tampered)?;
        let opened = self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: place });
        opened.map(Zeroizing::new).map_err(|_| tampered())
    }
}

/// The purposes and lengths of the ring's keys.
const RING: [(&str, usize); 4] = [("secrets", 32), ("secure_id", 64), ("body_digest", 64), ("audit", 64)];

/// The ring in the database: purpose and wrapped key.
pub(crate) type WrappedRing = Vec<(String, Vec<u8>)>;

/// The opened ring.
pub(crate) struct Vault {
    secrets: Sealer,
    pub(crate) keys: Keys,
    pub(crate) audit: SecretBox<[u8; 64]>,
}

impl Vault {
    /// A new ring for a new database.
    pub(crate) fn new_ring(master: &MasterKey, entropy: &dyn Entropy) -> Result<WrappedRing, VaultError> {
        let sealer = Sealer::new(master.0.expose_secret());
        let wrap = |&(purpose, length): &(&str, usize)| {
            let mut key = Zeroizing::new(vec![0; length]);
            entropy.fill(&mut key);
            Ok((purpose.to_owned(), sealer.seal(entropy, place("key", purpose.as_bytes()).as_slice(), &key)?))
        };
        RING.iter().map(wrap).collect()
    }

    /// Opens the ring of a database.
    pub(crate) fn open(master: &MasterKey, ring: &WrappedRing) -> Result<Self, VaultError> {
        Ok(Self {
            secrets: Sealer::new(&*unwrap::<32>(master, ring, "secrets")?),
            keys: Keys {
                secure_id: Arc::new(SecretBox::new(unwrap::<64>(master, ring, "secure_id")?)),
                body_digest: SecretBox::new(unwrap::<64>(master, ring, "body_digest")?),
            },
            audit: SecretBox::new(unwrap::<64>(master, ring, "audit")?),
        })
    }

    /// The same ring, wrapped with another master key.
    pub(crate) fn rewrap(
        old: &MasterKey,
        new: &MasterKey,
        ring: &WrappedRing,
        entropy: &dyn Entropy,
    ) -> Result<WrappedRing, VaultError> {
        let (old, new) = (Sealer::new(old.0.expose_secret()), Sealer::new(new.0.expose_secret()));
        let rewrap = |(purpose, wrapped): &(String, Vec<u8>)| {
            let place = place("key", purpose.as_bytes());
            let key = old.open(&place, &format!("the key {purpose}"), wrapped)?;
            Ok((purpose.clone(), new.seal(entropy, &place, &key)?))
        };
        ring.iter().map(rewrap).collect()
    }

    /// Seals a secret for a row; it does not open in another one.
    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        column: &str,
        row: &[u8; 16],
        secret: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.secrets.seal(entropy, &place(column, row), secret)
    }

    /// Opens the secret of a row.
    pub(crate) fn unseal(
        &self,
        column: &str,
        row: &[u8; 16],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.secrets.open(&place(column, row), column, sealed)
    }
}

/// The row of a sealed secret, as associated data: so it can't be moved to another row.
fn place(column: &str, row: &[u8]) -> Vec<u8> {
    [column.as_bytes(), b":", row].concat()
}

fn unwrap<const N: usize>(
    master: &MasterKey,
    ring: &WrappedRing,
    purpose: &str,
) -> Result<Box<[u8; N]>, VaultError> {
    let what = format!("the key {purpose}");
    let wrapped = ring.iter().find(|(name, _)| name == purpose).map(|(_, wrapped)| wrapped);
    let wrapped = wrapped.ok_or_else(|| VaultError::Tampered(what.clone()))?;
    let sealer = Sealer::new(master.0.expose_secret());
    let key = sealer.open(&place("key", purpose.as_bytes()), &what, wrapped)?;
    let mut array = Box::new([0; N]);
    if key.len() != N {
        return Err(VaultError::Tampered(what));
    }
    array.copy_from_slice(&key);
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter, which is enough to make draws differ.
    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn counting() -> Counting {
        Counting(std::sync::atomic::AtomicU8::new(0))
    }

    #[test]
    fn a_secret_opens_in_its_own_row_only() {
        let entropy = counting();
        let master = MasterKey::generate(&entropy);
        let vault = Vault::open(&master, &Vault::new_ring(&master, &entropy).unwrap()).unwrap();
        let mut sealed = vault.seal(&entropy, "bindings.secret", &[1; 16], b"secret").unwrap();
        assert_eq!(vault.unseal("bindings.secret", &[1; 16], &sealed).unwrap().as_slice(), b"secret");
        assert!(vault.unseal("bindings.secret", &[2; 16], &sealed).is_err());
        assert!(vault.unseal("applications.key", &[1; 16], &sealed).is_err());
        *sealed.last_mut().unwrap() ^= 1;
        let error = vault.unseal("bindings.secret", &[1; 16], &sealed).err().unwrap();
        assert_eq!(
            error.to_string(),
            "bindings.secret was changed by another program and cannot be decrypted"
        );
        assert!(vault.unseal("bindings.secret", &[1; 16], &[0; 3]).is_err());
    }

    #[test]
    fn the_ring_opens_with_its_master_key_only_and_survives_its_exchange() {
        let entropy = counting();
        let (master, other) = (MasterKey::generate(&entropy), MasterKey::generate(&entropy));
        let ring = Vault::new_ring(&master, &entropy).unwrap();
        let error = Vault::open(&other, &ring).err().unwrap();
        assert!(error.to_string().starts_with("the database was created with the master key "), "{error}");
        let vault = Vault::open(&master, &ring).unwrap();
        let sealed = vault.seal(&entropy, "x", &[1; 16], b"secret").unwrap();
        let rewrapped = Vault::rewrap(&master, &other, &ring, &entropy).unwrap();
        assert!(Vault::open(&master, &rewrapped).is_err());
        let vault = Vault::open(&other, &rewrapped).unwrap();
        assert_eq!(vault.unseal("x", &[1; 16], &sealed).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn a_master_key_is_written_and_read_as_digits() {
        let master = MasterKey::generate(&counting());
        let read = MasterKey::parse(&format!(" {}\n", master.to_digits().as_str())).unwrap();
        assert_eq!(read.to_digits(), master.to_digits());
        for text in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(MasterKey::parse(text).is_err(), "{text:?} is no master key");
        }
    }
}
