//! What is under test: an onboarding that gives somebody an account.

use client::{CallError, Client, NewUser};

/// What became of a new colleague.
#[derive(Debug, PartialEq, Eq)]
pub enum Onboarded {
    /// The account is new.
    New,
    /// There was one already.
    Known,
}

/// Gives a new colleague an account.
///
/// # Errors
/// When the directory can't be asked, or refuses for another reason than that the user is there.
pub async fn onboard(client: &Client, address: &str, name: &str) -> Result<Onboarded, CallError> {
    let user = NewUser { name: Some(name.to_owned()), ..NewUser::new(address) };
    let answer = client.create_users(&[user]).await?;
    match answer.fail.into_iter().flat_map(|failure| failure.errors).next() {
        None => Ok(Onboarded::New),
        Some(fault) if fault.code == "err_user_already_exists" => Ok(Onboarded::Known),
        Some(fault) => Err(CallError::Refused { status: answer.status, fault, retry_after: None }),
    }
}
