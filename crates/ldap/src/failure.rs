//! Failures of the store and the hasher, as results. What happened is in the log, never in the text.

use auth::{HasherError, ProofError};
use directory::port::StoreError;

use crate::code::{Code, Outcome};

pub(crate) fn of_store(error: &StoreError) -> Outcome {
    match error {
        StoreError::Overloaded | StoreError::Unprotected => {
            tracing::warn!(%error, "an LDAP operation was refused");
            Outcome::new(Code::Busy, "the directory cannot write at the moment: try again later")
        }
        StoreError::Unavailable { cause, .. } => {
            tracing::warn!(%error, %cause, "an LDAP operation failed");
            Outcome::new(Code::Unavailable, "the directory is unreachable: try again later")
        }
        StoreError::Failed(cause) => {
            tracing::error!(%error, %cause, "an LDAP operation failed");
            Outcome::new(Code::Unavailable, "internal error; details are in the server log")
        }
    }
}

pub(crate) fn of_hasher(error: &HasherError) -> Outcome {
    match error {
        HasherError::Full(full) => Outcome::new(
            Code::Busy,
            format!("too many passwords are waiting: try again in {} seconds", full.retry_after_seconds),
        ),
        HasherError::Broken => {
            Outcome::new(Code::Unavailable, "internal error; details are in the server log")
        }
    }
}

pub(crate) fn of_proof(error: &ProofError) -> Outcome {
    match error {
        ProofError::PasswordHasher(error) => of_hasher(error),
        ProofError::Store(error) => of_store(error),
    }
}
