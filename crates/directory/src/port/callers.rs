//! Callers: what authenticates a request, a token, a session or a login.

use std::sync::Arc;

use jiff::Timestamp;

use super::Pending;
use crate::application::{AccessKey, ClientPrincipal};
use crate::login::Credentials;
use crate::session::{SessionLimits, SessionPrincipal};
use crate::{ClientId, EmailAddress, Principal, SessionId};

/// How old a result from the snapshot may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// At most a second.
    Recent,
    /// Read now.
    Now,
}

/// Reads of callers.
pub trait CallerStore: Send + Sync + 'static {
    /// The binding, user, role, application and account of an access key.
    fn principal<'a>(
        &'a self,
        access_key: &'a AccessKey,
        freshness: Freshness,
    ) -> Pending<'a, Option<Arc<Principal>>>;

    /// The application and account of a token of API 2.0.
    fn client(&self, id: ClientId, freshness: Freshness) -> Pending<'_, Option<Arc<ClientPrincipal>>>;

    /// The user and role of a console session, by the digest of its token; read now.
    fn session(&self, digest: [u8; 32]) -> Pending<'_, Option<Arc<SessionPrincipal>>>;

    /// Notes that a session was used, and deletes those that have expired.
    fn touch_session(&self, session: SessionId, now: Timestamp, limits: SessionLimits) -> Pending<'_, ()>;

    /// The data to verify a login.
    fn credentials<'a>(&'a self, address: &'a EmailAddress) -> Pending<'a, Option<Credentials>>;
}
