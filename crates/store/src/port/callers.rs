//! Callers.

use std::sync::Arc;

use directory::application::ClientPrincipal;
use directory::login::Credentials;
use directory::port::{CallerStore, Freshness, Pending, StoreError};
use directory::session::{SessionLimits, SessionPrincipal};
use directory::{AccessKey, ClientId, EmailAddress, Principal, SessionId};
use jiff::Timestamp;

use super::{Engine, TableStore};
use crate::tables::change::sessions::Touch;
use crate::tables::{forget, read};

impl<E: Engine> CallerStore for TableStore<E> {
    fn principal<'a>(
        &'a self,
        access_key: &'a AccessKey,
        freshness: Freshness,
    ) -> Pending<'a, Option<Arc<Principal>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            if freshness == Freshness::Recent
                && let Some(principal) = self.snapshot.principals.find(access_key, now)
            {
                return Ok(principal);
            }
            let (key, vault) = (access_key.clone(), Arc::clone(&self.vault));
            let read = self
                .engine
                .read(move |s| s.moment(|| Ok((read::principal(s, &vault, &key)?, forget::up_to(s)?))));
            let (principal, up_to) = read.await?;
            self.hear_of_forgotten(up_to);
            let principal = principal.map(Arc::new);
            self.snapshot.principals.keep(access_key, &principal, now);
            Ok(principal)
        })
    }

    fn credentials<'a>(&'a self, address: &'a EmailAddress) -> Pending<'a, Option<Credentials>> {
        let address = address.clone();
        Box::pin(self.engine.read(move |s| s.moment(|| read::users::credentials(s, &address))))
    }

    fn session(&self, digest: [u8; 32]) -> Pending<'_, Option<Arc<SessionPrincipal>>> {
        Box::pin(async move {
            let read = self.engine.read(move |s| s.moment(|| read::sessions::principal(s, &digest)));
            Ok(read.await?.map(Arc::new))
        })
    }

    fn touch_session(&self, session: SessionId, now: Timestamp, limits: SessionLimits) -> Pending<'_, ()> {
        Box::pin(self.engine.run(Touch { session, now, limits }))
    }

    fn client(&self, id: ClientId, freshness: Freshness) -> Pending<'_, Option<Arc<ClientPrincipal>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let read = self.engine.read(move |s| s.moment(|| read::clients::principal(s, id)));
            let read = async { Ok::<_, StoreError>(read.await?.map(Arc::new)) };
            match freshness {
                Freshness::Recent => self.snapshot.clients.find_or_read(&id, now, read).await,
                Freshness::Now => {
                    let principal = read.await?;
                    if let Some(principal) = &principal {
                        self.snapshot.clients.keep(&id, principal, now);
                    }
                    Ok(principal)
                }
            }
        })
    }
}
