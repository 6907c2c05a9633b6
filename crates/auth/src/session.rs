//! Sessions of the console: the cookie holds a token, the store holds its digest. `[ours]`

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::port::{Entropy, StoreError};
use directory::session::{Session, SessionLimits, SessionPrincipal};
use directory::{Caller, SessionId};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::signed::Authenticator;

/// The session token of a browser. It has no `Debug`.
pub struct SessionToken(Zeroizing<[u8; 32]>);

/// A valid session and its caller.
pub struct SignedIn {
    /// The caller.
    pub caller: Caller,
    /// The session and its user.
    pub principal: Arc<SessionPrincipal>,
}

impl SessionToken {
    /// A new token with its session.
    pub fn draw(entropy: &dyn Entropy, now: Timestamp) -> (Self, Session) {
        let mut random = Zeroizing::new([0; 32]);
        entropy.fill(&mut *random);
        let token = Self(random);
        let id = SessionId::at(now, &entropy.randomness());
        let session = Session { id, digest: token.digest(), created_at: now };
        (token, session)
    }

    /// Parses the value of a cookie; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// The value of the cookie.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.0)
    }

    /// The token in the session's forms, against requests forged by other sites. Derived from the session token, which
    /// it does not reveal.
    pub fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.form_code())
    }

    /// Whether a form belongs to this session; in constant time.
    pub fn made_form(&self, token: &str) -> bool {
        let code = self.form_code();
        URL_SAFE_NO_PAD.decode(token).is_ok_and(|token| bool::from(token.ct_eq(&code)))
    }

    fn form_code(&self) -> [u8; 32] {
        Sha256::new_with_prefix(b"form").chain_update(*self.0).finalize().into()
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }
}

impl Authenticator {
    /// The session of a token; `None` if it has ended or does not exist. Records the use.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session(
        &self,
        token: &SessionToken,
        limits: SessionLimits,
    ) -> Result<Option<SignedIn>, StoreError> {
        let now = self.clock.now();
        let Some(principal) = self.store.session(token.digest()).await? else { return Ok(None) };
        if !limits.admit(&principal.session, now) {
            return Ok(None);
        }
        if SessionLimits::notes(&principal.session, now) {
            self.store.touch_session(principal.session.id, now, limits).await?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the crate that makes callers, and the token is valid"
        )]
        let caller = Caller::vouched_session(Arc::clone(&principal));
        Ok(Some(SignedIn { caller, principal }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (byte, n) in buffer.iter_mut().zip(0..) {
                *byte = n;
            }
        }
    }

    #[test]
    fn a_token_reads_back_and_makes_forms_of_its_own_only() {
        let (token, session) = SessionToken::draw(&Counting, Timestamp::UNIX_EPOCH);
        let again = SessionToken::parse(&token.expose()).unwrap();
        assert_eq!(again.digest(), session.digest);
        assert!(again.made_form(&token.form_token()));
        let other = SessionToken(Zeroizing::new([7; 32]));
        assert!(!other.made_form(&token.form_token()));
        assert!(!token.made_form(""));
        assert!(SessionToken::parse("AAAA").is_none() && SessionToken::parse("not base64!").is_none());
        assert_ne!(token.form_token(), token.expose());
    }
}
