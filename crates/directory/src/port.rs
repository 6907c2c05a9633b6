//! The ports: what the directory needs from outside. `store` provides the storage port, `server` a clock and randomness.
//!
//! Every hot method takes a slice and gives one result per element, so that an engine can serve a whole batch with one
//! statement and one forced write.

mod accounts;
mod applications;
mod audit;
mod callers;
mod domains;
mod groups;
mod ldap;
mod operation;
mod page;
mod requests;
mod roles;
mod scim;
mod users;

use std::pin::Pin;

use jiff::Timestamp;
use thiserror::Error;

pub use crate::evidence::Evidence;
use crate::id::Randomness;
pub use accounts::AccountStore;
pub use applications::{ApplicationRow, ApplicationStore, BindingRow, KeysOf, REFUSALS_KEPT, Refusal, Usage};
pub use audit::{AuditPage, AuditQuery, AuditStore, ChainHead, ChainReport};
pub use callers::{CallerStore, Freshness};
pub use domains::DomainStore;
pub use groups::GroupStore;
pub use ldap::{
    Groups as LdapGroups, LdapStore, People as LdapPeople, Slice as LdapSlice, Span as LdapSpan, TooMany,
};
pub use operation::{COMMIT_BOUNDS, Drawn, Figures, Keys, OperationStore, Replication, WriterFigures};
pub use page::{Listed, Position};
pub use requests::{CommitTimes, Recalled, Render, RequestIds, RequestKey, RequestStore, Write, Written};
pub use roles::{Affected, RoleStore};
pub use scim::{From as ScimFrom, ScimPage, ScimStore};
pub use users::{Found, Indexed, UserStore};

/// The time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// The input of one id.
    fn randomness(&self) -> Randomness {
        let mut randomness = Randomness::default();
        self.fill(&mut randomness);
        randomness
    }
}

/// The storage port, by subject.
pub trait Store:
    RequestStore
    + CallerStore
    + AccountStore
    + UserStore
    + DomainStore
    + GroupStore
    + RoleStore
    + ApplicationStore
    + ScimStore
    + LdapStore
    + AuditStore
    + OperationStore
{
}

impl<S> Store for S where
    S: RequestStore
        + CallerStore
        + AccountStore
        + UserStore
        + DomainStore
        + GroupStore
        + RoleStore
        + ApplicationStore
        + ScimStore
        + LdapStore
        + AuditStore
        + OperationStore
{
}

/// A future of the storage port.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// An error of the store. Nothing was written, unless the variant says otherwise.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Too many writes are waiting. A retry later helps.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The database can't be reached. The write may have been committed or not. Retry a request that has a
    /// [`RequestKey`]: it gets the answer of the first attempt.
    #[error("the database is unreachable")]
    Unavailable {
        /// The cause, for the log.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
        /// Seconds after which to retry: more, the longer it lasts.
        retry_after_seconds: u64,
    },
    /// The configuration requires a synchronous standby, and the database waits for none. A retry later helps.
    #[error(
        "the database has no synchronous standby, and require_synchronous_replication is set: nothing is written"
    )]
    Unprotected,
    /// The engine failed; the cause is for the log and not for the caller.
    #[error("the store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A failure of the engine.
    pub fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        StoreError::Failed(cause.into())
    }
}
