//! What a password proves, before anything is granted for it (spec/protocol.md 4). The answer and its cost are the same
//! for a wrong password, an unknown user and a disabled one.

use std::time::Instant;

use directory::EmailAddress;
use directory::audit::Actor;
use directory::login::{Attempt, Credentials, Grant};
use directory::port::{Store, StoreError};
use directory::user::{PasswordHash, User};
use jiff::Timestamp;
use thiserror::Error;
use wire::header::Basic;

use crate::hasher::{HasherError, PasswordHasher};

/// A password that was compared with the one of a user.
pub struct Proof {
    /// The address that was given.
    pub address: String,
    /// The user's, if there is one.
    pub credentials: Option<Credentials>,
    /// The hash that was matched; `None`: the password is wrong.
    verified: Option<PasswordHash>,
    rehashed: Option<PasswordHash>,
    /// When it was asked for.
    started: Instant,
}

/// Why nothing can be said.
#[derive(Debug, Error)]
pub enum ProofError {
    /// Too many passwords are waiting, or comparing failed.
    #[error(transparent)]
    PasswordHasher(#[from] HasherError),
    /// The store can't say.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Proof {
    /// Compares a password with the one of the user it is said to be of.
    ///
    /// # Errors
    /// When too many passwords are waiting, or the store can't say.
    pub async fn of(
        store: &dyn Store,
        gate: &PasswordHasher,
        basic: Basic,
        now: Timestamp,
    ) -> Result<Self, ProofError> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a login takes")]
        let started = Instant::now();
        let Basic { user, password, .. } = basic;
        let (address, credentials) = match EmailAddress::parse(&user) {
            Ok(address) => (address.to_string(), store.credentials(&address).await?),
            // Whatever it is, it may be a password that was typed into the wrong place.
            Err(_) => ("(no address)".to_owned(), None),
        };
        // A user who is refused anyway is compared with the dummy hash: the own one may be expensive.
        let may_enter = |credentials: &&Credentials| !is_locked(&credentials.user, now);
        let hash = credentials.as_ref().filter(may_enter).and_then(|found| found.user.password.clone());
        let right = gate.verify(password.clone(), hash.clone()).await?;
        let verified = hash.filter(|_| right);
        let mut proof = Self { address, credentials, verified, rehashed: None, started };
        // Only where something may be granted: what takes longer tells something.
        if let Some(hash) = proof.verified_hash(now)
            && gate.outdated(hash)
        {
            proof.rehashed = gate.hash(vec![password]).await?.pop();
        }
        Ok(proof)
    }

    /// The credentials, if the password is right and the user is not disabled: then the caller may learn more.
    pub fn right_for(&self, now: Timestamp) -> Option<&Credentials> {
        self.verified_hash(now)?;
        self.credentials.as_ref()
    }

    fn verified_hash(&self, now: Timestamp) -> Option<&PasswordHash> {
        let user = &self.credentials.as_ref()?.user;
        self.verified.as_ref().filter(|_| !is_locked(user, now))
    }

    /// When it was asked for, and whether there is such a user: what [`PasswordHasher::even_out`] takes.
    pub fn began(&self) -> (Instant, bool) {
        (self.started, self.credentials.is_some())
    }

    /// The actor in the audit: unknown if the password is wrong.
    pub fn actor(&self) -> Actor {
        match (&self.credentials, &self.verified) {
            (Some(credentials), Some(_)) => {
                Actor::User { id: credentials.user.id, address: credentials.user.address.to_string() }
            }
            _ => Actor::Anonymous,
        }
    }

    /// The request, for the store to decide.
    pub fn attempt(self, grant: Grant) -> Attempt {
        Attempt {
            user: self.credentials.map(|credentials| credentials.user.id),
            address: self.address,
            verified: self.verified,
            rehashed: self.rehashed,
            grant,
        }
    }
}

/// Whether a user is refused whatever the password.
fn is_locked(user: &User, now: Timestamp) -> bool {
    user.is_blocked() || user.attempts.locked_until.is_some_and(|until| now < until)
}
