//! New credentials: key pairs, applications and their keys, drawn from randomness.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use crate::application::{AccessKey, Application, Binding, CLIENT_ID, Client, Product};
use crate::id::{AccountId, ApplicationId, BindingId, ClientId, RoleId, TokenId, UserId};
use crate::port::Entropy;
use crate::scim::{ClientToken, ScimSettings};

/// Draws the id and the key of a new application.
pub fn new_application(entropy: &dyn Entropy, account: AccountId, name: &str, now: Timestamp) -> Application {
    Application {
        id: ApplicationId::at(now, &entropy.randomness()),
        account,
        app_id: guid(entropy),
        name: name.to_owned(),
        app_key: SecretString::from(guid(entropy)),
        created_at: now,
    }
}

/// Draws a GUID.
pub fn guid(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Draws a new key pair.
pub fn new_binding(
    entropy: &dyn Entropy,
    user: UserId,
    application: ApplicationId,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Binding {
    let mut public = [0; 112];
    entropy.fill(&mut public);
    let mut secret = vec![0; 64];
    entropy.fill(&mut secret);
    Binding {
        id: BindingId::at(now, &entropy.randomness()),
        access_key: AccessKey::from_bytes(&public),
        secret: SecretBox::new(secret.into_boxed_slice()),
        user,
        application,
        expires_at,
        created_at: now,
    }
}

/// Draws a token of an application of API 2.0 that lasts, and its record. The token is 86 characters: the ids of the
/// application and of the token, and a secret.
pub fn new_token(
    entropy: &dyn Entropy,
    client: ClientId,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> (ClientToken, SecretString) {
    let mut secret = [0; 32];
    entropy.fill(&mut secret);
    let id = TokenId::at(now, &entropy.randomness());
    let token = [&client.as_bytes()[..], id.as_bytes(), &secret].concat();
    let token = SecretString::from(URL_SAFE_NO_PAD.encode(token));
    (ClientToken { id, client, digest: Sha256::digest(secret).into(), expires_at, created_at: now }, token)
}

/// Draws the id and the secret of a new application of API 2.0.
pub fn new_client(
    entropy: &dyn Entropy,
    account: AccountId,
    name: &str,
    role: RoleId,
    products: BTreeSet<Product>,
    now: Timestamp,
) -> (Client, SecretString) {
    let mut id = [0; CLIENT_ID * 3 / 4];
    entropy.fill(&mut id);
    let mut secret = [0; 32];
    entropy.fill(&mut secret);
    let secret = SecretString::from(URL_SAFE_NO_PAD.encode(secret));
    let client = Client {
        id: ClientId::at(now, &entropy.randomness()),
        account,
        client_id: URL_SAFE_NO_PAD.encode(id),
        secret_digest: Sha256::digest(secret.expose_secret()).into(),
        name: name.to_owned(),
        role,
        products,
        scim: ScimSettings::default(),
        created_at: now,
    };
    (client, secret)
}
