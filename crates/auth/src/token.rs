//! Tokens of API 2.0: client, expiry and a keyed digest. Not stored: every node verifies them with the shared key, and
//! disabling an application invalidates its tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::scim::ClientToken;
use directory::session::CLOCK_SKEW;
use directory::{ClientId, TokenId};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::AuthError;

/// Life of a token in seconds: half an hour (spec/protocol.md 8).
pub const TOKEN_LIFE: i64 = 1_800;

/// Client, expiry, digest.
const LENGTH: usize = 16 + 8 + 32;

pub(crate) struct Tokens(Hmac<Sha256>);

impl Tokens {
    pub(crate) fn new(key: &[u8; 64]) -> Self {
        let mut digest = Hmac::<Sha256>::new(key.into());
        // Domain separation: the key also digests bodies, whose text begins with a path.
        digest.update(b"token of API 2.0\0");
        Self(digest)
    }

    pub(crate) fn issue(&self, client: ClientId, now: Timestamp) -> String {
        let mut token = Vec::with_capacity(LENGTH);
        token.extend_from_slice(client.as_bytes());
        token.extend_from_slice(&(now.as_second() + TOKEN_LIFE).to_be_bytes());
        let mut digest = self.0.clone();
        digest.update(&token);
        token.extend_from_slice(&digest.finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    pub(crate) fn verify(&self, token: &[u8], now: Timestamp) -> Result<ClientId, AuthError> {
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| AuthError::InvalidToken)?;
        let (head, digest) = token.split_at_checked(LENGTH - 32).ok_or(AuthError::InvalidToken)?;
        let mut expected = self.0.clone();
        expected.update(head);
        expected.verify_slice(digest).map_err(|_| AuthError::InvalidToken)?;
        let (client, ends) = head.split_first_chunk().ok_or(AuthError::InvalidToken)?;
        let ends = i64::from_be_bytes(ends.try_into().map_err(|_| AuthError::InvalidToken)?);
        let left = ends.saturating_sub(now.as_second());
        // A longer rest means that the token was issued while a clock was ahead.
        if left <= 0 || left > TOKEN_LIFE + CLOCK_SKEW.as_secs() {
            return Err(AuthError::TokenExpired);
        }
        Ok(ClientId::from_bytes(*client))
    }
}

/// A token that lasts, as it was shown (`directory::credentials::new_token`).
pub(crate) struct Lasting {
    pub(crate) client: ClientId,
    pub(crate) id: TokenId,
    digest: [u8; 32],
}

impl Lasting {
    /// The parts of a token; `None`: it is none that lasts.
    pub(crate) fn read(token: &[u8]) -> Option<Self> {
        let token: [u8; 64] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (client, rest) = token.split_first_chunk()?;
        let (id, secret) = rest.split_first_chunk()?;
        Some(Self {
            client: ClientId::from_bytes(*client),
            id: TokenId::from_bytes(*id),
            digest: Sha256::digest(secret).into(),
        })
    }

    /// Whether its id is one of these.
    pub(crate) fn is_among(&self, kept: &[ClientToken]) -> bool {
        kept.iter().any(|token| token.id == self.id)
    }

    /// Checks it against the tokens of its application.
    pub(crate) fn verify(&self, kept: &[ClientToken], now: Timestamp) -> Result<(), AuthError> {
        let named = kept.iter().find(|token| token.id == self.id).ok_or(AuthError::InvalidToken)?;
        if !bool::from(self.digest.ct_eq(&named.digest)) {
            return Err(AuthError::InvalidToken);
        }
        if named.lives(now) { Ok(()) } else { Err(AuthError::TokenExpired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_half_an_hour_and_can_t_be_changed() {
        let (tokens, other) = (Tokens::new(&[1; 64]), Tokens::new(&[2; 64]));
        let (client, now) = (ClientId::from_bytes([7; 16]), Timestamp::constant(1_795_521_600, 0));
        let later = |seconds| now + jiff::SignedDuration::from_secs(seconds);
        let token = tokens.issue(client, now);
        assert_eq!(tokens.verify(token.as_bytes(), later(1_799)).unwrap(), client);
        assert!(matches!(tokens.verify(token.as_bytes(), later(1_800)), Err(AuthError::TokenExpired)));
        // Issued by a node whose clock was ahead.
        assert_eq!(tokens.verify(token.as_bytes(), later(-300)).unwrap(), client);
        assert!(matches!(tokens.verify(token.as_bytes(), later(-301)), Err(AuthError::TokenExpired)));
        assert!(matches!(other.verify(token.as_bytes(), now), Err(AuthError::InvalidToken)));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let verified = tokens.verify(&changed, now);
            assert!(matches!(verified, Err(AuthError::InvalidToken)), "{at}");
        }
        for cut in ["", "AAAA", &token[..token.len() - 1]] {
            assert!(matches!(tokens.verify(cut.as_bytes(), now), Err(AuthError::InvalidToken)));
        }
    }
}
