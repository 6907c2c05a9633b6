//! Applications of API 2.0 that prove themselves with their secret, or with a token that lasts, on a connection that stays
//! open (docs/LDAP.md).

use std::sync::Arc;

use directory::application::{ClientPrincipal, is_client_id};
use directory::port::{Freshness, Store, StoreError};
use directory::{Caller, ClientId};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::token::Lasting;

/// The proof of an application.
#[derive(Clone)]
pub struct Service {
    client: ClientId,
    /// The token, if it was not the secret.
    token: Option<Arc<Lasting>>,
}

impl Service {
    /// Compares a secret or a token with those of an application; `None`: they differ, or there is no such application. An
    /// unknown one is compared with a dummy digest: it fails like a wrong secret and takes as long.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prove(
        store: &dyn Store,
        client_id: &str,
        secret: &[u8],
        now: Timestamp,
    ) -> Result<Option<(Self, Caller)>, StoreError> {
        let found = match is_client_id(client_id) {
            true => store.client_by_name(client_id).await?,
            false => None,
        };
        let kept = found.as_ref().map_or([0; 32], |client| client.secret_digest);
        let is_secret = bool::from(Sha256::digest(secret).as_slice().ct_eq(&kept));
        let Some(client) = found else { return Ok(None) };
        let token = Lasting::read(secret).filter(|token| token.client == client.id && !is_secret);
        if !is_secret && token.is_none() {
            return Ok(None);
        }
        let service = Self { client: client.id, token: token.map(Arc::new) };
        let caller = service.caller(store, Freshness::Now, now).await?;
        Ok(caller.map(|caller| (service, caller)))
    }

    /// The application as it is now; `None`: it or its token is no longer valid.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn caller(
        &self,
        store: &dyn Store,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Option<Caller>, StoreError> {
        let is_valid = |principal: &Arc<ClientPrincipal>| {
            self.token.as_ref().is_none_or(|token| token.verify(&principal.tokens, now).is_ok())
        };
        let token = self.token.as_ref().map(|token| token.id);
        let found = store.client(self.client, freshness).await?.filter(is_valid);
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the crate that makes callers, and the secret or token was right"
        )]
        Ok(found.map(|found| Caller::vouched_client(found, token)))
    }
}
