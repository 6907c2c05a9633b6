//! Proof of a password, before anything is granted (spec/protocol.md 4). Response and cost are the same for a wrong
//! password, an unknown user and a disabled one.

use std::sync::mpsc;
use std::time::Instant;

use directory::EmailAddress;
use directory::audit::Actor;
use directory::change::{Change, Effect};
use directory::login::{Attempt, Credentials, Grant, Outcome};
use directory::port::{Store, StoreError, Write};
use directory::user::{PasswordHash, User};
use jiff::Timestamp;
use secrecy::SecretString;
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
        let Basic { user, password, .. } = basic;
        let address = EmailAddress::parse(&user).ok();
        Self::of_address(store, hasher, address.as_ref(), password, now).await
    }

    /// The same for an address; `None`: the client named no user. Then the password is compared with a dummy hash.
    ///
    /// # Errors
    /// When the queue of the hasher is full, or the store fails.
    pub async fn of_address(
        store: &dyn Store,
        hasher: &PasswordHasher,
        address: Option<&EmailAddress>,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Self, ProofError> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a login takes")]
        let started = Instant::now();
        let (address, credentials) = match address {
            Some(address) => (address.to_string(), store.credentials(address).await?),
            // An invalid address may be a misplaced password and must not be logged.
            None => ("(no address)".to_owned(), None),
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

    /// The proof of a password that was right a moment ago, without comparing it again; `None`: the user has another
    /// password since, or may not log in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn again(
        store: &dyn Store,
        address: &EmailAddress,
        verified: &PasswordHash,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a login takes")]
        let started = Instant::now();
        let credentials = store.credentials(address).await?;
        let verified = Some(verified.clone());
        let proof = Self { address: address.to_string(), credentials, verified, rehashed: None, started };
        let is_same = proof.right_for(now).is_some_and(|found| found.user.password == proof.verified);
        Ok(is_same.then_some(proof))
    }

    /// The hash that the password matched, if the user may log in.
    pub fn matched(&self, now: Timestamp) -> Option<&PasswordHash> {
        self.verified_hash(now)
    }

    /// Whether the hash of the password is replaced by one of the present cost.
    pub fn is_rehashed(&self) -> bool {
        self.rehashed.is_some()
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

    /// The login attempt, for the store to decide, and the decision once the write has returned. A refusal is to take as
    /// long as other recent ones: [`PasswordHasher::even_out`].
    pub fn into_write(self, grant: Grant, now: Timestamp) -> (Write, impl FnOnce() -> Outcome) {
        let actor = self.actor();
        let attempt = Attempt {
            user: self.credentials.map(|credentials| credentials.user.id),
            address: self.address,
            verified: self.verified,
            rehashed: self.rehashed,
            grant,
        };
        let (decided, outcome) = mpsc::channel();
        let write = Write {
            once: None,
            evidence: Vec::new(),
            actor,
            now,
            changes: vec![Change::LogIn(Box::new(attempt))],
            render: Box::new(move |effects| {
                if let Some(Ok(Effect::LogIn(outcome))) = effects.first() {
                    // The receiver may be gone; the change is committed anyway.
                    let _ = decided.send(*outcome);
                }
                Vec::new()
            }),
            times: None,
        };
        // The change may fail as a whole, for instance because the application was deleted.
        (write, move || outcome.try_iter().last().unwrap_or(Outcome::Refused))
    }
}

/// Whether a user is refused regardless of the password.
fn is_locked(user: &User, now: Timestamp) -> bool {
    user.is_blocked() || user.attempts.locked_until.is_some_and(|until| now < until)
}
