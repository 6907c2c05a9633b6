//! Secure ids: the external form of internal ids. Opaque, unforgeable, stable, bound to the account and the kind of
//! object. `[ours]`

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::error::ItemError;
use directory::{AccountId, UserId};
use secrecy::{ExposeSecret, SecretBox};

/// Seals ids with a key that stays in the store.
pub struct SecureIds<'a>(&'a SecretBox<[u8; 64]>);

impl<'a> SecureIds<'a> {
    /// Uses this key.
    pub fn new(key: &'a SecretBox<[u8; 64]>) -> Self {
        Self(key)
    }

    /// The secure id of a user.
    pub fn user(&self, account: AccountId, user: UserId) -> String {
        self.seal("user", account, user.as_bytes())
    }

    /// Seals an id: 43 characters of unpadded URL-safe base64 for sixteen bytes.
    pub fn seal(&self, kind: &'static str, account: AccountId, id: &[u8]) -> String {
        let mut cipher = Aes256Siv::new(self.0.expose_secret().into());
        let place: [&[u8]; 2] = [kind.as_bytes(), account.as_bytes()];
        let sealed = cipher.encrypt(place, id).unwrap_or_else(|_| {
            unreachable!("the cipher fails on more than 126 associated texts, and there are two")
        });
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The sealed content.
    ///
    /// # Errors
    /// When the text is not an id of this kind in this account.
    pub fn open(&self, kind: &'static str, account: AccountId, id: &str) -> Result<Vec<u8>, ItemError> {
        let invalid = || ItemError::InvalidId(kind);
        let sealed = URL_SAFE_NO_PAD.decode(id.trim()).map_err(|_| invalid())?;
        let mut cipher = Aes256Siv::new(self.0.expose_secret().into());
        let place: [&[u8]; 2] = [kind.as_bytes(), account.as_bytes()];
        cipher.decrypt(place, &sealed).map_err(|_| invalid())
    }

    /// Like `open`, for an id of sixteen bytes.
    pub fn open_id(&self, kind: &'static str, account: AccountId, id: &str) -> Result<[u8; 16], ItemError> {
        self.open(kind, account, id)?.try_into().map_err(|_| ItemError::InvalidId(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stable_and_bound_to_account_kind_and_key() {
        let key = |byte| SecretBox::new(Box::new([byte; 64]));
        let (one, other) = (key(1), key(2));
        let (account, user) = (AccountId::from_bytes([3; 16]), UserId::from_bytes([4; 16]));
        let ids = SecureIds::new(&one);
        let id = ids.user(account, user);
        assert_eq!(id.len(), 43);
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_eq!(ids.user(account, user), id);
        assert_ne!(ids.user(AccountId::from_bytes([5; 16]), user), id);
        assert_ne!(ids.user(account, UserId::from_bytes([5; 16])), id);
        assert_ne!(SecureIds::new(&other).user(account, user), id);
        assert_eq!(ids.open_id("user", account, &id).unwrap(), [4; 16]);
        for (kind, account, id) in [
            ("group", account, id.as_str()),
            ("user", AccountId::from_bytes([5; 16]), &id),
            ("user", account, &id[..42]),
            ("user", account, ""),
            ("user", account, "not base64!"),
        ] {
            assert_eq!(ids.open_id(kind, account, id), Err(ItemError::InvalidId(kind)));
        }
    }
}
