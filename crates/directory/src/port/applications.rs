//! Applications, their bindings, and how these are used.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Pending;
use crate::application::{AccessKey, Client};
use crate::{AccountId, Application, ApplicationId, BindingId, Principal, UserId};

/// A binding without its secret, for lists.
#[derive(Clone, Debug)]
pub struct BindingRow {
    /// Internal id.
    pub id: BindingId,
    /// The public half of the key pair.
    pub access_key: AccessKey,
    /// Its user.
    pub user: UserId,
    /// The user's address.
    pub address: String,
    /// The application's id, as callers send it.
    pub app_id: String,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An application without its key, for lists.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Internal id.
    pub id: ApplicationId,
    /// Its account.
    pub account: AccountId,
    /// Its id, as callers send it.
    pub app_id: String,
    /// Its name, for people.
    pub name: String,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// The use of a credential: a binding, an application of API 2.0, or one of its tokens that last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The [`Caller::credential`](crate::Caller::credential).
    pub credential: [u8; 16],
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// The `User-Agent` of the last request: at most 200 characters, no control characters.
    pub user_agent: String,
    /// The address of the last request.
    pub peer: IpAddr,
    /// The number of requests.
    pub requests: u64,
    /// The number of those that were refused as a whole.
    pub refused: u64,
    /// Code and time of the last refusal.
    pub last_refusal: Option<(String, Timestamp)>,
}

/// Refused requests of one application in one hour, with one code and one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The id of a registered application; empty if none is known.
    pub app_id: String,
    /// The code of the response.
    pub code: String,
    /// The name of the mistake that was found; empty if none was looked for.
    pub cause: String,
    /// Number of requests.
    pub times: u64,
    /// The time of the last one.
    pub last_at: Timestamp,
    /// Its address.
    pub peer: IpAddr,
}

/// The keys that an examination of a refused signature tries.
pub struct KeysOf {
    /// The binding of the access key, revoked or not.
    pub binding: BindingRow,
    /// The principal, if the key pair works.
    pub principal: Option<Arc<Principal>>,
    /// Applications of the same account that are not disabled, with their keys; its own first.
    pub applications: Vec<Application>,
}

/// How long refusals are kept. `[ours]`
pub const REFUSALS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Reads of applications and bindings, and the record of their use.
pub trait ApplicationStore: Send + Sync + 'static {
    /// An application with its key, by the id that callers send.
    fn application<'a>(&'a self, app_id: &'a str) -> Pending<'a, Option<Application>>;

    /// All applications.
    fn list_applications(&self) -> Pending<'_, Vec<ApplicationRow>>;

    /// An application of API 2.0, by its client id.
    fn client_by_name<'a>(&'a self, client_id: &'a str) -> Pending<'a, Option<Client>>;

    /// All applications of API 2.0.
    fn list_clients(&self) -> Pending<'_, Vec<Client>>;

    /// A binding, revoked or not.
    fn binding(&self, id: BindingId) -> Pending<'_, Option<BindingRow>>;

    /// The keys that belong to an access key, with at most `limit` applications; `None`: it was never issued.
    fn keys_of<'a>(&'a self, access_key: &'a AccessKey, limit: usize) -> Pending<'a, Option<KeysOf>>;

    /// All bindings, of one user or of all.
    fn list_bindings(&self, user: Option<UserId>) -> Pending<'_, Vec<BindingRow>>;

    /// The bindings to an application that are not revoked, newest first: at most `limit`, older than `before`.
    fn bindings_to(
        &self,
        application: ApplicationId,
        before: Option<BindingId>,
        limit: usize,
    ) -> Pending<'_, Vec<BindingRow>>;

    /// Adds to the stored usage of credentials: counts are summed, the newest of the other fields wins, in whatever
    /// order nodes report. The usage of a deleted credential is dropped.
    fn note_usage(&self, usage: Vec<Usage>) -> Pending<'_, ()>;

    /// Adds refusals to the stored ones of their hour, and deletes those that are older than [`REFUSALS_KEPT`].
    fn note_refusals(&self, refusals: Vec<Refusal>, now: Timestamp) -> Pending<'_, ()>;

    /// The stored refusals of an application since a time, rounded down to the hour, the most frequent first. Without what
    /// nodes have counted and not noted yet.
    fn refusals_of<'a>(&'a self, app_id: &'a str, since: Timestamp) -> Pending<'a, Vec<Refusal>>;

    /// The stored usage of credentials, in their order; `None`: none was noted. Without what nodes have counted and not
    /// noted yet.
    fn usage_of<'a>(&'a self, credentials: &'a [[u8; 16]]) -> Pending<'a, Vec<Option<Usage>>>;
}
