//! The judgement about a new password of a user who knows the present one.

use directory::login::Credentials;
use directory::password::Unmet;
use directory::user::PasswordHash;
use secrecy::{ExposeSecret, SecretString};

use crate::hasher::{HasherError, PasswordHasher};

/// Checks a new password by the account's policy and the user's history, and hashes it. The result has the number of
/// passwords to remember; or every rule that the password breaks.
///
/// # Errors
/// When the queue of the hasher is full, or hashing failed.
pub async fn judge_new_password(
    hasher: &PasswordHasher,
    credentials: &Credentials,
    password: SecretString,
) -> Result<Result<(PasswordHash, u8), Vec<Unmet>>, HasherError> {
    let policy = credentials.account.password_policy.clone();
    let (address, name) = (credentials.user.address.to_string(), credentials.user.name.clone());
    let (history, candidate) = (policy.history, password.clone());
    let judge = move || policy.unmet(candidate.expose_secret(), &[&address, &name]);
    let mut unmet = hasher.run(judge).await?;
    let earlier =
        credentials.user.password.iter().chain(&credentials.history).take(usize::from(history)).cloned();
    if hasher.verify_any(password.clone(), earlier.collect()).await? {
        unmet.push(format!("differ from the last {history} passwords"));
    }
    if !unmet.is_empty() {
        return Ok(Err(unmet));
    }
    let hash = hasher.hash(vec![password]).await?.pop().ok_or(HasherError::Broken)?;
    Ok(Ok((hash, history)))
}
