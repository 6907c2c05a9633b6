//! Password modify (RFC 3062): a user sets a new password with the present one, also when a change is forced and so no bind
//! is possible.

use auth::judge_new_password;
use directory::EmailAddress;
use directory::login::{Grant, Outcome as Decided};
use secrecy::SecretString;

use crate::authority::Bound;
use crate::bind::{PolicyError, decide, proof_of, user_named};
use crate::code::{Code, Outcome};
use crate::door::Door;
use crate::failure;
use crate::message::password_modify;

/// The one refusal.
const REFUSED: &str = "the user or the present password is wrong, or the user may not log in";

/// Sets a new password of the user who is bound, or of the user that is named.
pub(crate) async fn modify(
    door: &Door,
    bound: &Bound,
    value: Option<&[u8]>,
) -> Result<Option<PolicyError>, (Outcome, Option<PolicyError>)> {
    let plain = |outcome: Outcome| (outcome, None);
    let asked =
        password_modify(value).map_err(|why| plain(Outcome::new(Code::ProtocolError, why.to_string())))?;
    let address = user(door, bound, asked.user).await.map_err(plain)?;
    let Some(present) = asked.present.filter(|present| !present.is_empty()) else {
        let text = "send the present password too: it proves the user";
        return Err((Outcome::new(Code::UnwillingToPerform, text), Some(PolicyError::MustSupplyOld)));
    };
    let Some(new) = asked.new.and_then(|new| str::from_utf8(new).ok()).filter(|new| !new.is_empty()) else {
        let text = "send the new password, as UTF-8: none is generated";
        return Err(plain(Outcome::new(Code::UnwillingToPerform, text)));
    };
    let present = SecretString::from(String::from_utf8_lossy(present).into_owned());
    let proof = proof_of(door, address.as_ref(), &present).await.map_err(plain)?;
    let refused = || plain(Outcome::new(Code::InvalidCredentials, REFUSED));
    // Other errors are shown only after the right password.
    let Some(credentials) = proof.right_for(door.clock.now()) else {
        decide(door, proof, Grant::Bind { is_recorded: true }).await.map_err(plain)?;
        return Err(refused());
    };
    let judged = judge_new_password(&door.hasher, credentials, SecretString::from(new)).await;
    match judged.map_err(|error| plain(failure::of_hasher(&error)))? {
        Ok((hash, history)) => {
            match decide(door, proof, Grant::Password(hash, history)).await.map_err(plain)? {
                Decided::Granted => Ok(None),
                _ => Err(refused()),
            }
        }
        Err(unmet) => {
            decide(door, proof, Grant::Nothing).await.map_err(plain)?;
            let text = format!("the password must {}", unmet.join("; "));
            Err((Outcome::new(Code::ConstraintViolation, text), Some(PolicyError::Quality)))
        }
    }
}

/// The user whose password is to be changed: the one who is bound, or the one that is named. `None`: the name is of nobody.
async fn user(door: &Door, bound: &Bound, named: Option<&str>) -> Result<Option<EmailAddress>, Outcome> {
    let refused = |code, text: &str| Err(Outcome::new(code, text));
    let named = match named.filter(|name| !name.is_empty()) {
        // `u:` and `dn:` are the forms of an authorization identity, which some programs send.
        Some(name) => {
            let name = name.strip_prefix("dn:").or_else(|| name.strip_prefix("u:")).unwrap_or(name);
            Some(user_named(door, name).await?)
        }
        None => None,
    };
    // It may have been renamed since the bind.
    let own = match bound {
        Bound::User(user) => {
            let found =
                door.store.users_by_id(&[user.id]).await.map_err(|error| failure::of_store(&error))?;
            found.into_iter().flatten().next().map(|user| user.address)
        }
        Bound::Nobody | Bound::Service { .. } => None,
    };
    match (bound, named) {
        (Bound::Service { .. }, _) => refused(
            Code::UnwillingToPerform,
            "an application has no password of a user: bind as the user, or without a name",
        ),
        (Bound::User(_), None) => Ok(own),
        // One answer for all others, whether they exist or not.
        (Bound::User(_), Some(named)) => match own {
            Some(own) if named.is_some_and(|named| named.key() == own.key()) => Ok(Some(own)),
            _ => refused(Code::InsufficientAccessRights, "a user changes its own password only"),
        },
        (Bound::Nobody, None) => {
            refused(Code::UnwillingToPerform, "name the user whose password is to be changed, or bind first")
        }
        (Bound::Nobody, Some(named)) => Ok(named),
    }
}
