//! The code under test: an onboarding that creates users.

use client::{CallError, Client, NewUser};

/// The outcome of an onboarding.
#[derive(Debug, PartialEq, Eq)]
pub enum Onboarded {
    /// The user was created.
    New,
    /// The user already existed.
    Known,
}

/// Creates a user for a new colleague.
///
/// # Errors
/// When the directory cannot be reached, or refuses for another reason than that the user already exists.
pub async fn onboard(client: &Client, address: &str, name: &str) -> Result<Onboarded, CallError> {
    let user = NewUser { name: Some(name.to_owned()), ..NewUser::new(address) };
    let answer = client.create_users(&[user]).await?;
    match answer.fail.into_iter().flat_map(|failure| failure.errors).next() {
        None => Ok(Onboarded::New),
        Some(fault) if fault.code == "err_user_already_exists" => Ok(Onboarded::Known),
        Some(fault) => Err(CallError::Refused { status: answer.status, fault, retry_after: None }),
    }
}
