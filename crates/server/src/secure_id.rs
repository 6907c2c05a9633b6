//! Secure ids: what callers see of an internal id. Opaque, unforgeable, stable, bound to the account. `[ours]`

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::{AccountId, UserId};
use secrecy::{ExposeSecret, SecretBox};

/// Seals ids under a key that stays in the store.
pub(crate) struct SecureIds<'a>(&'a SecretBox<[u8; 64]>);

impl<'a> SecureIds<'a> {
    pub(crate) fn new(key: &'a SecretBox<[u8; 64]>) -> Self {
        Self(key)
    }

    /// The secure id of a user: 43 characters of unpadded URL-safe base64.
    pub(crate) fn user(&self, account: AccountId, user: UserId) -> String {
        let mut cipher = Aes256Siv::new(self.0.expose_secret().into());
        let place: [&[u8]; 2] = [b"user", account.as_bytes()];
        // The cipher fails on too many associated texts, and there are two.
        let sealed = cipher.encrypt(place, user.as_bytes()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stable_and_bound_to_account_and_key() {
        let key = |byte| SecretBox::new(Box::new([byte; 64]));
        let (one, other) = (key(1), key(2));
        let (account, user) = (AccountId::from_bytes([3; 16]), UserId::from_bytes([4; 16]));
        let id = SecureIds::new(&one).user(account, user);
        assert_eq!(id.len(), 43);
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_eq!(SecureIds::new(&one).user(account, user), id);
        assert_ne!(SecureIds::new(&one).user(AccountId::from_bytes([5; 16]), user), id);
        assert_ne!(SecureIds::new(&one).user(account, UserId::from_bytes([5; 16])), id);
        assert_ne!(SecureIds::new(&other).user(account, user), id);
    }
}
