//! The ports: what the directory needs of the world, and `store` and `server` provide.
//!
//! Every hot method takes a slice and gives one outcome per element, so that an engine can serve a whole batch with one
//! statement and one forced write.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretBox;
use thiserror::Error;

use crate::application::{AccessKey, Client, ClientPrincipal};
use crate::attribute::Attribute;
use crate::audit::{self, Actor, Event};
use crate::change::{Change, ChangeError, Changed, Delegate, Effect};
use crate::domains::PendingDomain;
pub use crate::evidence::Evidence;
use crate::groups::{Group, Member};
use crate::id::Randomness;
use crate::login::{Credentials, NamedProfile};
use crate::session::{SessionLimits, SessionPrincipal};
use crate::user_query::{Cursor, UserQuery};
use crate::{
    Account, AccountCode, AccountId, Application, ApplicationId, BindingId, ClientId, DelegateId, Domain,
    DomainName, GroupId, Principal, Role, RoleId, SessionId, UserId,
};
use crate::{EmailAddress, user::User};

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

/// A future of the port.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why the store did not do what it was asked. Nothing was done, unless it says otherwise.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Too many writes are waiting. Trying again later helps.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The database can't be reached. What was under way when that happened was done, or was not: a request that is
    /// carried out only once may be sent again, and then gets the answer that it would have got.
    #[error("the database is unreachable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
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

/// The identity of a request: credential, request id, and a keyed hash of the body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The credential of the request: a binding, or an application of API 2.0.
    pub credential: [u8; 16],
    /// `x-mc-req-id`.
    pub request_id: [u8; 16],
    /// Keyed digest of path and body. Keyed, because a body holds passwords and a bare hash could be guessed at.
    pub digest: [u8; 32],
}

/// How to treat a reused request id with another body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestIds {
    /// Refuse it: the signature does not cover the body, so that a captured one could carry any payload.
    #[default]
    Strict,
    /// Run it as a separate request: working clients sign once and send a whole import with it.
    Compatible,
}

/// Renders the answer, once it is known what became of each change. It is asked again when the transaction has to be.
pub type Render = Box<dyn Fn(&[Result<Effect, ChangeError>]) -> Vec<u8> + Send>;

/// One request that writes, judged and ready to be stored.
pub struct Write {
    /// The identity of the request, and what to do when its id comes with another body; `None` for one that may be
    /// carried out as often as it comes.
    pub once: Option<(RequestKey, RequestIds)>,
    /// The evidence of the judgement.
    pub evidence: Vec<Evidence>,
    /// The actor.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// The changes, in order. Each succeeds or fails alone.
    pub changes: Vec<Change>,
    /// Renders the answer that is stored with the request.
    pub render: Render,
}

/// The result of one request.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// It ran; this is the rendered answer. The store has forced it to disk.
    Ran(Vec<u8>),
    /// It had run before; this is the answer it got then.
    Repeated(Vec<u8>),
    /// The request id had been used with another body.
    RequestIdReused,
    /// The evidence no longer holds: authenticate and judge again.
    Stale,
}

/// The stored record of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Recalled {
    /// Nothing.
    Unknown,
    /// It ran and got this answer.
    Ran(Vec<u8>),
    /// Its id ran with another body.
    OtherBody,
}

/// Where a page of a list starts.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Position {
    /// At the first row.
    Start,
    /// Behind the row with this key.
    After(String),
    /// So that it ends before the row with this key.
    Before(String),
}

/// A page of rows, and how many there are on all pages.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Those of all pages.
    pub total: u64,
}

/// Which events of the audit are asked for.
#[derive(Clone, Copy, Debug)]
pub struct AuditQuery {
    /// The earliest.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
    /// (chain, number) of the event behind which the page starts.
    pub after: (i64, i64),
    /// Events on the page.
    pub limit: usize,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<Event>,
    /// Where the next page starts; `None`: there is none.
    pub next: Option<(i64, i64)>,
}

/// How old an answer from the snapshot may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// At most a second.
    Recent,
    /// Not at all.
    Now,
}

/// A binding without its secret, for lists.
#[derive(Clone, Debug)]
pub struct BindingRow {
    /// Internal id.
    pub id: BindingId,
    /// The public half.
    pub access_key: AccessKey,
    /// Its user.
    pub user: UserId,
    /// The user's address.
    pub address: String,
    /// The application's id.
    pub app_id: String,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An application without its key, for lists.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Internal id.
    pub id: ApplicationId,
    /// Its account.
    pub account: AccountId,
    /// What callers send.
    pub app_id: String,
    /// For people.
    pub name: String,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// The state of one audit chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// The chain's number.
    pub chain: i64,
    /// Events in it.
    pub events: u64,
    /// Hash of its newest event, to be kept elsewhere.
    pub head: [u8; 32],
    /// The error, if any.
    pub broken: Option<String>,
}

/// Keys that the store keeps for rooms outside it.
pub struct Keys {
    /// Seals the ids of users.
    pub secure_id: Arc<SecretBox<[u8; 64]>>,
    /// Digests bodies.
    pub body_digest: SecretBox<[u8; 64]>,
}

/// Calls of one caller in a window of its quota, as one node counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The caller: what it is, and its id.
    pub bucket: [u8; 17],
    /// Its calls.
    pub calls: u32,
    /// When the window is over.
    pub until: Timestamp,
}

/// Users that were found, a page of them.
#[derive(Clone, Debug)]
pub struct Found {
    /// The users, aliases among them.
    pub users: Vec<User>,
    /// Where to go on; `None`: all that there are were given.
    pub next: Option<Cursor>,
    /// Whether the page is full, or the last. Else as many rows were looked at as one page may cost, and there may be more:
    /// go on at `next`.
    pub complete: bool,
    /// Events that the index of words has not read yet: whom they tell of may be missing.
    pub left: u64,
}

/// How far the index of words has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Events that were read now.
    pub read: u64,
    /// Events that are left.
    pub left: u64,
}

/// What was done with a credential: a binding, or an application of API 2.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Which, as [`Caller::credential`](crate::Caller::credential) has it.
    pub credential: [u8; 16],
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// What the program that used it last calls itself: at most 200 characters, none of which is a control character.
    pub user_agent: String,
    /// Where it was last used from.
    pub peer: IpAddr,
    /// Requests that were sent with it.
    pub requests: u64,
    /// Those of them that were refused as a whole.
    pub refused: u64,
    /// Code and time of the last of these.
    pub last_refusal: Option<(String, Timestamp)>,
}

/// Users of one account who lose or gain something together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affected {
    /// Those whose addresses are members of a group.
    Members(GroupId),
    /// Those who hold key pairs for an application of their account.
    KeyHolders(ApplicationId),
}

/// The storage port.
pub trait Store: Send + Sync + 'static {
    /// What belongs to an access key.
    fn principal<'a>(
        &'a self,
        access_key: &'a AccessKey,
        freshness: Freshness,
    ) -> Pending<'a, Option<Arc<Principal>>>;

    /// Accounts by code; at most a second old.
    fn accounts<'a>(&'a self, codes: &'a [AccountCode]) -> Pending<'a, Vec<Option<Arc<Account>>>>;

    /// The owners of domains, each with the owner's epoch; at most a second old.
    fn domains<'a>(&'a self, names: &'a [DomainName]) -> Pending<'a, Vec<Option<Evidence>>>;

    /// The stored record of a request.
    fn recall<'a>(&'a self, request: &'a RequestKey, request_ids: RequestIds) -> Pending<'a, Recalled>;

    /// Writes, request by request, each exactly once. Durable when it returns.
    fn write(&self, requests: Vec<Write>) -> Pending<'_, Vec<Written>>;

    /// Applies administrative changes: all of them or, at the first that can't be, none.
    fn apply(&self, changes: Vec<Change>, actor: Actor, now: Timestamp) -> Pending<'_, Changed>;

    /// Forgets requests that ran two windows and more before now and before the newest request, a slice at a time. `window`
    /// is how far a date may be off. Gives how many were forgotten.
    fn forget_requests(&self, now: Timestamp, window: SignedDuration) -> Pending<'_, usize>;

    /// Up to which date requests may have been forgotten; `None`: none was. Read with [`Store::principal`], and at most a
    /// second old.
    fn forgotten_up_to(&self) -> Option<Timestamp>;

    /// Users by address.
    fn users<'a>(&'a self, addresses: &'a [EmailAddress]) -> Pending<'a, Vec<Option<User>>>;

    /// How many users there are.
    fn count_users(&self) -> Pending<'_, u64>;

    /// How many users and aliases an account has, in one domain or in all. Counted as they come and go: no row is read.
    fn count_listed<'a>(&'a self, account: AccountId, domain: Option<&'a DomainName>) -> Pending<'a, u64>;

    /// Users and aliases of an account, in one domain or in all of them one after the other, sorted within each: at most
    /// `limit` from a position on, which is an [`EmailAddress::key`]. Read by ranges of an index, as many rows as are given.
    fn list_users<'a>(
        &'a self,
        account: AccountId,
        domain: Option<&'a DomainName>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<User>>;

    /// Users and aliases of an account that a query finds, each once over all pages: at most `limit` behind the end of the
    /// page before. In the order of words where words are looked for, else in that of addresses. Read by ranges of indexes,
    /// a bounded number of rows for each page. By words only who is in the index of them is found: see
    /// [`Store::index_users`].
    fn find_users<'a>(
        &'a self,
        account: AccountId,
        query: &'a UserQuery,
        after: Option<&'a Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Pending<'a, Found>;

    /// Brings the index of words nearer to what users there are, by at most `limit` events of the audit, in one
    /// transaction. With a limit of 0 it only says how much is left. Nothing is indexed twice, on however many nodes.
    fn index_users(&self, limit: usize) -> Pending<'_, Indexed>;

    /// Users by id.
    fn users_by_id<'a>(&'a self, ids: &'a [UserId]) -> Pending<'a, Vec<Option<User>>>;

    /// The aliases of a user.
    fn aliases(&self, user: UserId) -> Pending<'_, Vec<User>>;

    /// The attributes of a user that have a value.
    fn attributes(&self, user: UserId) -> Pending<'_, Vec<(Attribute, String)>>;

    /// Whose mail a user may read.
    fn delegates(&self, user: UserId) -> Pending<'_, Vec<(Delegate, User)>>;

    /// A delegation.
    fn delegate(&self, id: DelegateId) -> Pending<'_, Option<Delegate>>;

    /// Users whose time on the purge list is over.
    fn due_for_purge(&self, now: Timestamp, limit: usize) -> Pending<'_, Vec<UserId>>;

    /// An internal domain of an account.
    fn domain_of<'a>(&'a self, account: AccountId, name: &'a DomainName) -> Pending<'a, Option<Domain>>;

    /// The internal domains of an account, sorted: at most `limit` from a position on, which is a name.
    fn domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<Domain>>;

    /// A domain that an account has registered and not yet proven.
    fn pending_domain<'a>(
        &'a self,
        account: AccountId,
        name: &'a DomainName,
    ) -> Pending<'a, Option<PendingDomain>>;

    /// All of those of an account, sorted: at most `limit` from a position on, which is a name.
    fn pending_domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<PendingDomain>>;

    /// A group.
    fn group(&self, id: GroupId) -> Pending<'_, Option<Group>>;

    /// How many groups an account has; with a query, which is one of [`crate::groups::query`], only those whose
    /// description holds it. Without one, no group is read.
    fn count_groups<'a>(&'a self, account: AccountId, query: Option<&'a str>) -> Pending<'a, u64>;

    /// The same groups, in the order in which they were made: at most `limit` from a position on, which is an id.
    fn list_groups<'a>(
        &'a self,
        account: AccountId,
        query: Option<&'a str>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Group>>;

    /// The groups of an account that an address is a member of, by itself or by its domain, sorted by what they are called.
    fn groups_of<'a>(&'a self, account: AccountId, address: &'a EmailAddress) -> Pending<'a, Vec<Group>>;

    /// Members of a group, sorted: at most `limit` from a position on, which is a [`crate::groups::Subject::key`].
    fn list_members<'a>(
        &'a self,
        group: &'a Group,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Member>>;

    /// What belongs to a console token, by its digest: the current state.
    fn session(&self, digest: [u8; 32]) -> Pending<'_, Option<Arc<SessionPrincipal>>>;

    /// Notes that a session was used, and forgets those that are over.
    fn touch_session(&self, session: SessionId, now: Timestamp, limits: SessionLimits) -> Pending<'_, ()>;

    /// The data to check a login.
    fn credentials<'a>(&'a self, address: &'a EmailAddress) -> Pending<'a, Option<Credentials>>;

    /// The roles that an account made itself.
    fn roles_of(&self, account: AccountId) -> Pending<'_, Vec<Role>>;

    /// Every role that some of these users hold.
    fn roles_among(&self, affected: Affected) -> Pending<'_, Vec<Role>>;

    /// A role, built in or an account's own.
    fn role(&self, id: RoleId) -> Pending<'_, Option<Role>>;

    /// What belongs to a token of API 2.0.
    fn client(&self, id: ClientId, freshness: Freshness) -> Pending<'_, Option<Arc<ClientPrincipal>>>;

    /// An application of API 2.0 by the id it is known by.
    fn client_by_name<'a>(&'a self, client_id: &'a str) -> Pending<'a, Option<Client>>;

    /// All applications of API 2.0.
    fn list_clients(&self) -> Pending<'_, Vec<Client>>;

    /// All authentication profiles.
    fn list_profiles(&self) -> Pending<'_, Vec<NamedProfile>>;

    /// Events of an account between two times, from an event on. Looks at a bounded number of events: fewer than
    /// `limit` don't mean that there are no more, [`AuditPage::next`] does.
    fn audit_of(&self, account: AccountId, query: AuditQuery) -> Pending<'_, AuditPage>;

    /// Events of an account, the newest first: at most `limit`, behind those that were found before. Looks at a bounded
    /// number of events: fewer than `limit` don't mean that there are no more, [`Found::rest`](audit::Found::rest) does.
    fn search_audit<'a>(
        &'a self,
        account: AccountId,
        search: &'a audit::Search,
        rest: Option<Vec<(i64, i64)>>,
        limit: usize,
    ) -> Pending<'a, audit::Found>;

    /// An application with its key, by the id callers send.
    fn application<'a>(&'a self, app_id: &'a str) -> Pending<'a, Option<Application>>;

    /// All accounts.
    fn list_accounts(&self) -> Pending<'_, Vec<Account>>;

    /// All domains.
    fn list_domains(&self) -> Pending<'_, Vec<Domain>>;

    /// All roles that accounts made themselves.
    fn list_roles(&self) -> Pending<'_, Vec<Role>>;

    /// All users that hold a role.
    fn list_administrators(&self) -> Pending<'_, Vec<User>>;

    /// All applications.
    fn list_applications(&self) -> Pending<'_, Vec<ApplicationRow>>;

    /// All bindings, of one user or of all.
    fn list_bindings(&self, user: Option<UserId>) -> Pending<'_, Vec<BindingRow>>;

    /// The bindings to an application that are not revoked, the newest first: at most `limit`, older than one of them.
    fn bindings_to(
        &self,
        application: ApplicationId,
        before: Option<BindingId>,
        limit: usize,
    ) -> Pending<'_, Vec<BindingRow>>;

    /// A binding, revoked or not.
    fn binding(&self, id: BindingId) -> Pending<'_, Option<BindingRow>>;

    /// Events of the audit in the order of each chain, from an event of a chain on.
    fn audit(&self, chain: i64, after: i64, limit: usize) -> Pending<'_, Vec<Event>>;

    /// Verifies every chain of the audit.
    fn verify_audit(&self) -> Pending<'_, Vec<ChainReport>>;

    /// Whether other nodes may be on the same database.
    fn is_shared(&self) -> bool;

    /// Tells the other nodes what was drawn from quotas here, and gives what was drawn there. Kept only for a moment: it may
    /// be lost.
    fn share_quota(&self, node: [u8; 16], drawn: Vec<Drawn>, now: Timestamp) -> Pending<'_, Vec<Drawn>>;

    /// Adds to what is known of the use of credentials. The counts are summed up; of the rest the newest stays, whichever
    /// node tells of it, and in whatever order. What is told of a credential that is gone is forgotten.
    fn note_usage(&self, usage: Vec<Usage>) -> Pending<'_, ()>;

    /// What is known of the use of credentials, in their order; `None`: it was never noted. What a node has counted and not
    /// noted yet is not in it.
    fn usage_of<'a>(&'a self, credentials: &'a [[u8; 16]]) -> Pending<'a, Vec<Option<Usage>>>;

    /// Forgets what it remembers of the few rows that every request asks for: when others were put in their place.
    fn forget_snapshot(&self);

    /// Whether the store can read and write now.
    fn ready(&self) -> Pending<'_, ()>;

    /// Keys for rooms outside the store.
    fn keys(&self) -> &Keys;
}
