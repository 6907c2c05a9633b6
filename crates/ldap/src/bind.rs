//! Binds: the same gate as login, with one refusal and one cost for a wrong password, an unknown user, a disabled one and a
//! locked one.

use auth::{Proof, Service};
use directory::login::{Grant, Outcome as Decided};
use directory::user::PasswordHash;
use directory::{AccountId, EmailAddress};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::authority::{Bound, User};
use crate::code::{Code, Outcome};
use crate::dn::Dn;
use crate::door::Door;
use crate::failure;
use crate::tree::{Place, Tree, bases_above};

/// How long a connection remembers a password that was right. `[ours]`
const REMEMBERS: SignedDuration = SignedDuration::from_secs(10);

/// The one refusal.
const REFUSED: &str = "the name or the password is wrong, or the user may not log in";

/// A password that was right on this connection.
pub(crate) struct Remembered {
    address: String,
    digest: [u8; 32],
    hash: PasswordHash,
    until: Timestamp,
}

/// An error that the control for password policies reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyError {
    Expired = 0,
    MustChange = 2,
    MustSupplyOld = 4,
    Quality = 5,
}

/// The result of a bind.
pub(crate) struct Tried {
    pub(crate) bound: Bound,
    pub(crate) outcome: Outcome,
    pub(crate) policy: Option<PolicyError>,
}

impl Tried {
    pub(crate) fn refused(outcome: Outcome) -> Self {
        Self { bound: Bound::Nobody, outcome, policy: None }
    }
}

/// The result of looking a name up.
enum Named {
    /// Nobody.
    Nobody,
    User(EmailAddress),
    Application {
        client_id: String,
        account: AccountId,
    },
}

/// Tries a bind with a password.
pub(crate) async fn with_password(
    door: &Door,
    remembered: &mut Option<Remembered>,
    name: &str,
    password: &[u8],
) -> Tried {
    let named = match named(door, name).await {
        Ok(named) => named,
        Err(outcome) => return Tried::refused(outcome),
    };
    match named {
        Named::Application { client_id, account } => application(door, client_id, account, password).await,
        Named::User(address) => user(door, remembered, Some(&address), password).await,
        Named::Nobody => user(door, remembered, None, password).await,
    }
}

/// Looks up the name of a bind: an address, or a distinguished name.
async fn named(door: &Door, name: &str) -> Result<Named, Outcome> {
    if !name.contains('=') {
        return Ok(EmailAddress::parse(name.trim()).map_or(Named::Nobody, Named::User));
    }
    let dn = match (Dn::parse(name), EmailAddress::parse(name.trim())) {
        // An address may contain an equals sign; a name of the tree has commas.
        (_, Ok(address)) if !name.contains(',') => return Ok(Named::User(address)),
        (Err(why), _) => return Err(Outcome::new(Code::InvalidDnSyntax, why.to_string())),
        (Ok(dn), _) => dn,
    };
    Ok(match find(door, &dn).await? {
        Some((tree, Place::Application(client_id))) => {
            Named::Application { client_id, account: tree.account }
        }
        Some((tree, Place::User(name))) => {
            let found = crate::lookup::user(&*door.store, &tree, &name).await;
            let found = found.map_err(|error| failure::of_store(&error))?;
            found.map_or(Named::Nobody, |person| Named::User(person.user.address))
        }
        _ => Named::Nobody,
    })
}

/// The tree that a name is in, and its place there.
async fn find(door: &Door, dn: &Dn) -> Result<Option<(std::sync::Arc<Tree>, Place)>, Outcome> {
    let failed = |error: directory::port::StoreError| failure::of_store(&error);
    let Some(account) = door.store.ldap_account(&bases_above(dn)).await.map_err(failed)? else {
        return Ok(None);
    };
    let tree = door.tree(account).await.map_err(failed)?;
    Ok(tree.and_then(|tree| tree.place(dn).map(|place| (tree, place))))
}

async fn application(door: &Door, client_id: String, account: AccountId, secret: &[u8]) -> Tried {
    match Service::prove(&*door.store, &client_id, secret, door.clock.now()).await {
        Ok(Some((service, caller))) if caller.account().id == account => {
            let bound = Bound::Service { service, client_id, account };
            Tried { bound, outcome: Outcome::OK, policy: None }
        }
        Ok(_) => Tried::refused(Outcome::new(Code::InvalidCredentials, REFUSED)),
        Err(error) => Tried::refused(failure::of_store(&error)),
    }
}

fn digest(door: &Door, password: &[u8]) -> Hmac<Sha256> {
    let mut digest = Hmac::<Sha256>::new(&door.memory_key.into());
    digest.update(password);
    digest
}

/// The proof of a user; a password that was right on this connection a moment ago is not hashed again.
async fn prove(
    door: &Door,
    remembered: Option<&Remembered>,
    address: Option<&EmailAddress>,
    password: &[u8],
    now: Timestamp,
) -> Result<Proof, Outcome> {
    if let (Some(kept), Some(address)) = (remembered, address)
        && kept.address == address.key()
        && now < kept.until
        && digest(door, password).verify_slice(&kept.digest).is_ok()
    {
        let again = Proof::again(&*door.store, address, &kept.hash, now).await;
        if let Some(proof) = again.map_err(|error| failure::of_store(&error))? {
            return Ok(proof);
        }
    }
    // Octets that are no text are a wrong password.
    let password = SecretString::from(String::from_utf8_lossy(password).into_owned());
    let proof = Proof::of_address(&*door.store, &door.hasher, address, password, now).await;
    proof.map_err(|error| failure::of_proof(&error))
}

async fn user(
    door: &Door,
    remembered: &mut Option<Remembered>,
    address: Option<&EmailAddress>,
    password: &[u8],
) -> Tried {
    let now = door.clock.now();
    let proof = match prove(door, remembered.take().as_ref(), address, password, now).await {
        Ok(proof) => proof,
        Err(outcome) => return Tried::refused(outcome),
    };
    let right =
        proof.right_for(now).map(|found| (found.user.id, found.user.address.clone(), found.account.id));
    let hash = proof.matched(now).cloned();
    let (Some((id, address, account)), Some(hash)) = (right, hash) else {
        return match decide(door, proof, Grant::Bind { is_recorded: true }).await {
            Err(outcome) => Tried::refused(outcome),
            Ok(_) => Tried::refused(Outcome::new(Code::InvalidCredentials, REFUSED)),
        };
    };
    let is_recorded = door.is_recorded(id, now);
    // It may be replaced by one of the present cost.
    let is_rehashed = proof.is_rehashed();
    match decide(door, proof, Grant::Bind { is_recorded }).await {
        Err(outcome) => Tried::refused(outcome),
        Ok(Decided::Granted) => {
            if is_recorded {
                door.was_recorded(id, now);
            }
            let hash = if is_rehashed { present_hash(door, &address).await.unwrap_or(hash) } else { hash };
            let digest = digest(door, password).finalize().into_bytes().into();
            let until = now.checked_add(REMEMBERS).unwrap_or(now);
            let key = address.key().to_owned();
            *remembered = Some(Remembered { address: key, digest, hash: hash.clone(), until });
            let bound = Bound::User(User { id, account, hash });
            Tried { bound, outcome: Outcome::OK, policy: None }
        }
        Ok(decided) => not_granted(decided),
    }
}

/// The hash of a user after it was replaced.
async fn present_hash(door: &Door, address: &EmailAddress) -> Option<PasswordHash> {
    door.store.credentials(address).await.ok()??.user.password
}

fn not_granted(decided: Decided) -> Tried {
    let change =
        "change it with the password modify operation, which takes the user and the present password";
    let (text, policy) = match decided {
        Decided::MustChange => (
            format!("the password must be changed before the first login: {change}"),
            PolicyError::MustChange,
        ),
        Decided::Expired => (format!("the password is too old: {change}"), PolicyError::Expired),
        Decided::Granted | Decided::Refused | Decided::TooManyBindings => {
            return Tried::refused(Outcome::new(Code::InvalidCredentials, REFUSED));
        }
    };
    let outcome = Outcome::new(Code::InvalidCredentials, text);
    Tried { bound: Bound::Nobody, outcome, policy: Some(policy) }
}

/// The store decides on the row as it is then. A refusal takes as long as other recent ones.
pub(crate) async fn decide(door: &Door, proof: Proof, grant: Grant) -> Result<Decided, Outcome> {
    let started = proof.started();
    let (write, decision) = proof.into_write(grant, door.clock.now());
    door.store.write(vec![write]).await.map_err(|error| failure::of_store(&error))?;
    let outcome = decision();
    if outcome == Decided::Refused {
        door.hasher.even_out(started).await;
    }
    Ok(outcome)
}

/// The user that a name names, for an operation that proves it with a password.
pub(crate) async fn user_named(door: &Door, name: &str) -> Result<Option<EmailAddress>, Outcome> {
    Ok(match named(door, name).await? {
        Named::User(address) => Some(address),
        Named::Nobody | Named::Application { .. } => None,
    })
}

/// The proof of a user with a password, for such an operation.
pub(crate) async fn proof_of(
    door: &Door,
    address: Option<&EmailAddress>,
    password: &SecretString,
) -> Result<Proof, Outcome> {
    prove(door, None, address, password.expose_secret().as_bytes(), door.clock.now()).await
}
