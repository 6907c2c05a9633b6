//! Proof of a password, before anything is granted (spec/protocol.md 4). Response and cost are the same for a wrong
//! password, an unknown user and a disabled one.

use std::time::Instant;

use directory::EmailAddress;
use directory::audit::Actor;
use directory::login::{Attempt, Credentials, Grant};
use directory::port::{Store, StoreError};
use directory::user::{PasswordHash, User};
use jiff::Timestamp;
use thiserror::Error;
use wire::header::Basic;

use crate::hasher::{Form, HasherError, PasswordHasher};

/// The result of comparing a password with a user's.
pub struct Proof {
    /// The address in the request.
    pub address: String,
    /// The user's credentials, if the user exists.
    pub credentials: Option<Credentials>,
    /// The matching hash; `None` if the password is wrong.
    verified: Option<PasswordHash>,
    rehashed: Option<PasswordHash>,
    started: Instant,
}

/// Why a password could not be checked.
#[derive(Debug, Error)]
pub enum ProofError {
    /// Too many passwords are waiting, or comparing failed.
    #[error(transparent)]
    PasswordHasher(#[from] HasherError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Proof {
    /// Compares a password with that of a user.
    ///
    /// # Errors
    /// When the queue of the hasher is full, or the store fails.
    pub async fn of(
        store: &dyn Store,
        hasher: &PasswordHasher,
        basic: Basic,
        now: Timestamp,
    ) -> Result<Self, ProofError> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a login takes")]
        let started = Instant::now();
        let Basic { user, password, .. } = basic;
        let (address, credentials) = match EmailAddress::parse(&user) {
            Ok(address) => (address.to_string(), store.credentials(&address).await?),
            // The invalid address may be a misplaced password and must not be logged.
            Err(_) => ("(no address)".to_owned(), None),
        };
        // A user who is refused anyway is compared with the dummy hash: the real one may be expensive.
        let may_enter = |credentials: &&Credentials| !is_locked(&credentials.user, now);
        let hash = credentials.as_ref().filter(may_enter).and_then(|found| found.user.password.clone());
        let (form, waited) = hasher.verify_with_wait(password.clone(), hash.clone()).await?;
        // Many logins at once must not make later refusals slow.
        let started = started + waited;
        let verified = hash.filter(|_| form.is_some());
        let mut proof = Self { address, credentials, verified, rehashed: None, started };
        // Slow work only after the password matched, so timing reveals nothing.
        if let Some(hash) = proof.verified_hash(now)
            && (form == Some(Form::AsTyped) || hasher.outdated(hash))
        {
            proof.rehashed = hasher.hash(vec![password]).await?.pop();
        }
        Ok(proof)
    }

    /// The credentials, if the password is right and the user may log in. Only then may the caller see other errors.
    pub fn right_for(&self, now: Timestamp) -> Option<&Credentials> {
        self.verified_hash(now)?;
        self.credentials.as_ref()
    }

    fn verified_hash(&self, now: Timestamp) -> Option<&PasswordHash> {
        let user = &self.credentials.as_ref()?.user;
        self.verified.as_ref().filter(|_| !is_locked(user, now))
    }

    /// The start of the check, without the wait in a queue, for [`PasswordHasher::even_out`].
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The actor in the audit; anonymous if the password is wrong.
    pub fn actor(&self) -> Actor {
        match (&self.credentials, &self.verified) {
            (Some(credentials), Some(_)) => {
                Actor::User { id: credentials.user.id, address: credentials.user.address.to_string() }
            }
            _ => Actor::Anonymous,
        }
    }

    /// The login attempt, for the store to decide.
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

/// Whether a user is refused regardless of the password.
fn is_locked(user: &User, now: Timestamp) -> bool {
    user.is_blocked() || user.attempts.locked_until.is_some_and(|until| now < until)
}
