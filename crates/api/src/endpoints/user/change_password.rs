//! `POST /api/user/change-password`: sets a new password with the current one, also when a change is forced. `[ours]`

use auth::{Proof, judge_new_password};
use directory::application::Application;
use directory::error::ItemError;
use directory::login::{Credentials, Grant, Outcome};
use directory::user::PasswordHash;
use secrecy::SecretString;
use wire::item::{Entry, Item as _, Row as _};
use wire::login::{ChangePassword, PasswordChanged};
use wire::{Answer, Code};

use crate::call::{Reply, Unsigned};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::{application, decide, prove, refused_item, same_user};
use crate::error::{CallError, wrong};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/change-password",
    method: Method::Post,
    summary: "Changes the caller's own password and revokes all its key pairs. [ours]",
    permission: None,
    products: &[],
    writes: true,
    takes: Takes::One(ChangePassword::FIELDS),
    row: PasswordChanged::FIELDS,
    codes: &[Code::PasswordPolicy, Code::NotOneOf],
    run: Run::Unsigned(|call| Box::pin(change_password(call))),
};

async fn change_password(mut call: Unsigned<'_>) -> Result<Reply, CallError> {
    let application: Application = application(&mut call).await?;
    let Entry { key, item } = call.body()?.one::<ChangePassword>()?;
    let item = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let proof = prove(&mut call, &application).await?;
    if let Err(error) = same_user(&proof, item.user_name.as_deref()) {
        return Ok(refused_item(key, vec![error]));
    }
    let row = PasswordChanged { email_address: proof.address.clone() };
    match renew(&mut call, proof, item.new_password).await? {
        Ok(()) => Ok(Reply::of(&Answer::ran(vec![row], Vec::new()))),
        Err(why) => Ok(refused_item(key, vec![wrong("newPassword", &why)])),
    }
}

/// Sets a new password if the current one is right, or returns why the new one is refused.
///
/// # Errors
/// When the current password is wrong.
pub async fn renew(
    call: &mut Unsigned<'_>,
    proof: Proof,
    password: SecretString,
) -> Result<Result<(), ItemError>, CallError> {
    let judged = match proof.right_for(call.core.clock.now()) {
        Some(credentials) => judge_password(call, credentials, password).await?,
        // Other errors are shown only after the right password.
        None => Err(ItemError::Missing),
    };
    match judged {
        Ok((hash, history)) => {
            let outcome = decide(call, proof, Grant::Password(hash, history)).await?;
            debug_assert_eq!(outcome, Outcome::Granted, "a change is granted or refused");
            Ok(Ok(()))
        }
        Err(why) => {
            decide(call, proof, Grant::Nothing).await?;
            Ok(Err(why))
        }
    }
}

/// Checks the new password by the account's policy and the user's history, and hashes it.
async fn judge_password(
    call: &Unsigned<'_>,
    credentials: &Credentials,
    password: SecretString,
) -> Result<Result<(PasswordHash, u8), ItemError>, CallError> {
    let judged = judge_new_password(&call.core.hasher, credentials, password).await?;
    Ok(judged.map_err(ItemError::PasswordPolicy))
}
