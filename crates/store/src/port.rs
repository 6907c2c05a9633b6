//! The storage port over an engine: each method is a piece of work for the engine's writer, or something to be read from
//! its tables.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use directory::application::{Client, ClientPrincipal};
use directory::attribute::Attribute;
use directory::audit::{self, Actor, Event};
use directory::change::{Change, Changed, Delegate};
use directory::domains::PendingDomain;
use directory::groups::{Group, Member};
use directory::login::{Credentials, NamedProfile};
use directory::port::{
    Affected, ApplicationRow, AuditPage, AuditQuery, BindingRow, ChainReport, Drawn, Evidence, Found,
    Freshness, Indexed, Keys, Listed, Pending, Position, Recalled, RequestIds, RequestKey, Store, StoreError,
    Usage, Write, Written,
};
use directory::role::BuiltIn;
use directory::session::{SessionLimits, SessionPrincipal};
use directory::user::User;
use directory::user_query::{Cursor, UserQuery};
use directory::{
    AccessKey, Account, AccountCode, AccountId, Application, ApplicationId, BindingId, ClientId, DelegateId,
    Domain, DomainName, EmailAddress, GroupId, Principal, Role, RoleId, SessionId, UserId,
};
use jiff::{SignedDuration, Timestamp};

use crate::session::{Result, Session};
use crate::snapshot::Snapshot;
use crate::tables::{forget, read, request, usage, words};
use crate::vault::Vault;
use crate::work::{Outcome, Work};

/// A database, and how it is reached.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Whether several nodes may be on it.
    const SHARED: bool;

    /// Reads what an index finds.
    fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = std::result::Result<T, StoreError>> + Send;

    /// Reads much, where nobody waits for something short.
    fn scan<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = std::result::Result<T, StoreError>> + Send;

    /// Reads a bounded number of rows: too many to keep others waiting on the thread that asks, too few to be worth a
    /// separate connection where that costs much.
    fn look<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = std::result::Result<T, StoreError>> + Send {
        self.scan(read)
    }

    /// An error once the database was found to be damaged.
    fn sound(&self) -> std::result::Result<(), StoreError> {
        Ok(())
    }

    /// Has a piece of work written.
    fn run(&self, work: Work) -> impl Future<Output = std::result::Result<Outcome, StoreError>> + Send;
}

/// The storage port over one engine.
pub(crate) struct TableStore<E> {
    pub(crate) engine: E,
    pub(crate) vault: Arc<Vault>,
    pub(crate) snapshot: Snapshot,
    passed: Mutex<Passed>,
}

/// Slices in a row without anything to forget, after which forgetting goes on the next time.
const BARREN_SLICES: usize = 20;

/// Requests at the start of the table that ran while the clock was ahead.
#[derive(Clone, Copy)]
struct Passed {
    /// The last of them.
    seq: i64,
    /// When the time of the first of them has come, in milliseconds.
    until: i64,
}

impl Default for Passed {
    fn default() -> Self {
        Self { seq: i64::MIN, until: i64::MAX }
    }
}

impl<E> TableStore<E> {
    pub(crate) fn new(engine: E, vault: Arc<Vault>, snapshot: Snapshot) -> Self {
        Self { engine, vault, snapshot, passed: Mutex::default() }
    }

    fn hear_of_forgotten(&self, up_to: i64) {
        self.snapshot.forgotten.fetch_max(up_to, Ordering::Relaxed);
    }
}

fn mixed_up() -> StoreError {
    StoreError::failed("the writer mixed up its answers")
}

impl<E: Engine> Store for TableStore<E> {
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

    fn accounts<'a>(&'a self, codes: &'a [AccountCode]) -> Pending<'a, Vec<Option<Arc<Account>>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let mut found = Vec::with_capacity(codes.len());
            for code in codes {
                let key = code.clone();
                let read = self.engine.read(move |s| s.moment(|| read::account(s, &key)));
                let read = async { Ok::<_, StoreError>(read.await?.map(Arc::new)) };
                found.push(self.snapshot.accounts.find_or_read(code, now, read).await?);
            }
            Ok(found)
        })
    }

    fn domains<'a>(&'a self, names: &'a [DomainName]) -> Pending<'a, Vec<Option<Evidence>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                let key = name.clone();
                let read = self.engine.read(move |s| read::domain_owner(s, &key));
                found.push(self.snapshot.domains.find_or_read(name, now, read).await?);
            }
            Ok(found)
        })
    }

    fn recall<'a>(&'a self, request: &'a RequestKey, request_ids: RequestIds) -> Pending<'a, Recalled> {
        let request = *request;
        Box::pin(self.engine.read(move |s| request::recall(s, &request, request_ids)))
    }

    fn write(&self, requests: Vec<Write>) -> Pending<'_, Vec<Written>> {
        Box::pin(async move {
            let outdates =
                requests.iter().flat_map(|request| &request.changes).any(Change::outdates_snapshot);
            let outcome = self.engine.run(Work::Write(requests)).await;
            if outdates {
                self.snapshot.clear();
            }
            let Outcome::Written(written) = outcome? else { return Err(mixed_up()) };
            if written.contains(&Written::Stale) {
                self.snapshot.clear();
            }
            Ok(written)
        })
    }

    fn apply(&self, changes: Vec<Change>, actor: Actor, now: Timestamp) -> Pending<'_, Changed> {
        Box::pin(async move {
            let outcome = self.engine.run(Work::Apply { changes, actor, now }).await;
            self.snapshot.clear();
            match outcome? {
                Outcome::Changed(changed) => Ok(changed),
                _ => Err(mixed_up()),
            }
        })
    }

    fn forget_requests(&self, now: Timestamp, window: SignedDuration) -> Pending<'_, usize> {
        Box::pin(async move {
            // Where the last time ended: rows that ran while the clock was ahead are passed over once, until their time
            // comes.
            let mut passed = *self.passed.lock().unwrap_or_else(PoisonError::into_inner);
            if passed.until <= now.as_millisecond() {
                passed = Passed::default();
            }
            let (mut forgotten, mut barren) = (0, 0);
            while barren < BARREN_SLICES {
                // Each slice is a separate job, so that other writers wait for one slice at most.
                let work = Work::Forget { now, window, after: passed.seq };
                let Outcome::Forgotten(slice) = self.engine.run(work).await? else { return Err(mixed_up()) };
                forgotten += slice.rows;
                barren = if slice.rows == 0 { barren + 1 } else { 0 };
                let Some(last) = slice.goes_on else { break };
                passed = Passed { seq: last, until: passed.until.min(slice.ahead.unwrap_or(i64::MAX)) };
            }
            *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = passed;
            self.hear_of_forgotten(self.engine.read(forget::up_to).await?);
            Ok(forgotten)
        })
    }

    fn forgotten_up_to(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.snapshot.forgotten.load(Ordering::Relaxed)).ok()
    }

    fn users<'a>(&'a self, addresses: &'a [EmailAddress]) -> Pending<'a, Vec<Option<User>>> {
        let addresses = addresses.to_vec();
        Box::pin(
            self.engine
                .read(move |s| addresses.iter().map(|address| read::users::by_address(s, address)).collect()),
        )
    }

    fn count_users(&self) -> Pending<'_, u64> {
        Box::pin(self.engine.scan(read::users::count))
    }

    fn count_listed<'a>(&'a self, account: AccountId, domain: Option<&'a DomainName>) -> Pending<'a, u64> {
        let domain = domain.cloned();
        Box::pin(self.engine.read(move |s| read::users::count_listed(s, account, domain.as_ref())))
    }

    fn list_users<'a>(
        &'a self,
        account: AccountId,
        domain: Option<&'a DomainName>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<User>> {
        let (domain, from) = (domain.cloned(), from.clone());
        Box::pin(
            self.engine
                .read(move |s| s.moment(|| read::users::list(s, account, domain.as_ref(), &from, limit))),
        )
    }

    fn find_users<'a>(
        &'a self,
        account: AccountId,
        query: &'a UserQuery,
        after: Option<&'a Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Pending<'a, Found> {
        let (query, after) = (query.clone(), after.cloned());
        Box::pin(
            self.engine.look(move |s| {
                s.moment(|| read::search::find(s, account, &query, after.as_ref(), limit, now))
            }),
        )
    }

    fn index_users(&self, limit: usize) -> Pending<'_, Indexed> {
        Box::pin(async move {
            let left = self.engine.read(words::left).await?;
            if left == 0 || limit == 0 {
                return Ok(Indexed { read: 0, left });
            }
            match self.engine.run(Work::Index { limit }).await? {
                Outcome::Indexed(indexed) => Ok(indexed),
                _ => Err(mixed_up()),
            }
        })
    }

    fn users_by_id<'a>(&'a self, ids: &'a [UserId]) -> Pending<'a, Vec<Option<User>>> {
        let ids = ids.to_vec();
        Box::pin(self.engine.read(move |s| ids.iter().map(|id| read::users::by_id(s, *id)).collect()))
    }

    fn aliases(&self, user: UserId) -> Pending<'_, Vec<User>> {
        Box::pin(self.engine.read(move |s| read::users::aliases(s, user)))
    }

    fn attributes(&self, user: UserId) -> Pending<'_, Vec<(Attribute, String)>> {
        Box::pin(self.engine.read(move |s| read::users::attributes(s, user)))
    }

    fn delegates(&self, user: UserId) -> Pending<'_, Vec<(Delegate, User)>> {
        Box::pin(self.engine.read(move |s| read::users::delegates(s, user)))
    }

    fn delegate(&self, id: DelegateId) -> Pending<'_, Option<Delegate>> {
        Box::pin(self.engine.read(move |s| read::users::delegate(s, id)))
    }

    fn due_for_purge(&self, now: Timestamp, limit: usize) -> Pending<'_, Vec<UserId>> {
        Box::pin(self.engine.read(move |s| read::users::due_for_purge(s, now, limit)))
    }

    fn domain_of<'a>(&'a self, account: AccountId, name: &'a DomainName) -> Pending<'a, Option<Domain>> {
        let name = name.clone();
        Box::pin(self.engine.read(move |s| read::domains::by_name(s, account, &name)))
    }

    fn domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<Domain>> {
        let from = from.clone();
        Box::pin(self.engine.read(move |s| s.moment(|| read::domains::list(s, account, &from, limit))))
    }

    fn pending_domain<'a>(
        &'a self,
        account: AccountId,
        name: &'a DomainName,
    ) -> Pending<'a, Option<PendingDomain>> {
        let name = name.clone();
        Box::pin(self.engine.read(move |s| read::domains::pending(s, account, &name)))
    }

    fn pending_domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<PendingDomain>> {
        let from = from.clone();
        Box::pin(
            self.engine.read(move |s| s.moment(|| read::domains::list_pending(s, account, &from, limit))),
        )
    }

    fn group(&self, id: GroupId) -> Pending<'_, Option<Group>> {
        Box::pin(self.engine.read(move |s| read::groups::by_id(s, id)))
    }

    fn count_groups<'a>(&'a self, account: AccountId, query: Option<&'a str>) -> Pending<'a, u64> {
        match query.map(str::to_owned) {
            None => Box::pin(self.engine.read(move |s| read::groups::count(s, account, None))),
            Some(query) => Box::pin(self.engine.scan(move |s| read::groups::count(s, account, Some(&query)))),
        }
    }

    fn list_groups<'a>(
        &'a self,
        account: AccountId,
        query: Option<&'a str>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Group>> {
        let from = from.clone();
        match query.map(str::to_owned) {
            None => Box::pin(self.engine.read(move |s| read::groups::list(s, account, None, &from, limit))),
            Some(query) => Box::pin(
                self.engine.scan(move |s| read::groups::list(s, account, Some(&query), &from, limit)),
            ),
        }
    }

    fn groups_of<'a>(&'a self, account: AccountId, address: &'a EmailAddress) -> Pending<'a, Vec<Group>> {
        let address = address.clone();
        Box::pin(self.engine.read(move |s| read::groups::of_member(s, account, &address)))
    }

    fn list_members<'a>(
        &'a self,
        group: &'a Group,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Member>> {
        let (group, from) = (group.clone(), from.clone());
        Box::pin(self.engine.read(move |s| read::groups::members(s, &group, &from, limit)))
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
        Box::pin(async move { self.engine.run(Work::Touch { session, now, limits }).await.map(|_| ()) })
    }

    fn roles_of(&self, account: AccountId) -> Pending<'_, Vec<Role>> {
        Box::pin(self.engine.read(move |s| read::clients::roles_of(s, account)))
    }

    fn roles_among(&self, affected: Affected) -> Pending<'_, Vec<Role>> {
        Box::pin(self.engine.look(move |s| s.moment(|| read::clients::roles_among(s, affected))))
    }

    fn role(&self, id: RoleId) -> Pending<'_, Option<Role>> {
        match BuiltIn::by_id(id) {
            Some(built_in) => Box::pin(async move { Ok(Some(built_in.role())) }),
            None => Box::pin(self.engine.read(move |s| read::clients::custom(s, id))),
        }
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

    fn client_by_name<'a>(&'a self, client_id: &'a str) -> Pending<'a, Option<Client>> {
        let client_id = client_id.to_owned();
        Box::pin(self.engine.read(move |s| read::clients::by_name(s, &client_id)))
    }

    fn list_clients(&self) -> Pending<'_, Vec<Client>> {
        Box::pin(self.engine.scan(read::clients::list))
    }

    fn list_profiles(&self) -> Pending<'_, Vec<NamedProfile>> {
        Box::pin(self.engine.scan(read::users::profiles))
    }

    fn audit_of(&self, account: AccountId, query: AuditQuery) -> Pending<'_, AuditPage> {
        Box::pin(self.engine.scan(move |s| s.moment(|| read::audit::of_account(s, account, query))))
    }

    fn search_audit<'a>(
        &'a self,
        account: AccountId,
        search: &'a audit::Search,
        rest: Option<Vec<(i64, i64)>>,
        limit: usize,
    ) -> Pending<'a, audit::Found> {
        let search = search.clone();
        Box::pin(
            self.engine
                .scan(move |s| s.moment(|| read::audit::search(s, account, &search, rest.as_deref(), limit))),
        )
    }

    fn application<'a>(&'a self, app_id: &'a str) -> Pending<'a, Option<Application>> {
        let (app_id, vault) = (app_id.to_owned(), Arc::clone(&self.vault));
        Box::pin(self.engine.read(move |s| read::application(s, &vault, &app_id)))
    }

    fn list_accounts(&self) -> Pending<'_, Vec<Account>> {
        Box::pin(self.engine.scan(|s| s.moment(|| read::accounts(s))))
    }

    fn list_domains(&self) -> Pending<'_, Vec<Domain>> {
        Box::pin(self.engine.scan(read::domains::every))
    }

    fn list_roles(&self) -> Pending<'_, Vec<Role>> {
        Box::pin(self.engine.scan(read::roles))
    }

    fn list_administrators(&self) -> Pending<'_, Vec<User>> {
        Box::pin(self.engine.scan(read::users::administrators))
    }

    fn list_applications(&self) -> Pending<'_, Vec<ApplicationRow>> {
        Box::pin(self.engine.scan(read::applications))
    }

    fn list_bindings(&self, user: Option<UserId>) -> Pending<'_, Vec<BindingRow>> {
        Box::pin(self.engine.scan(move |s| read::bindings(s, user)))
    }

    fn bindings_to(
        &self,
        application: ApplicationId,
        before: Option<BindingId>,
        limit: usize,
    ) -> Pending<'_, Vec<BindingRow>> {
        Box::pin(self.engine.read(move |s| read::bindings_to(s, application, before, limit)))
    }

    fn binding(&self, id: BindingId) -> Pending<'_, Option<BindingRow>> {
        Box::pin(self.engine.read(move |s| read::binding(s, id)))
    }

    fn audit(&self, chain: i64, after: i64, limit: usize) -> Pending<'_, Vec<Event>> {
        Box::pin(self.engine.scan(move |s| read::audit::events(s, chain, after, limit)))
    }

    fn verify_audit(&self) -> Pending<'_, Vec<ChainReport>> {
        let vault = Arc::clone(&self.vault);
        Box::pin(self.engine.scan(move |s| s.moment(|| read::audit::verify(s, &vault))))
    }

    fn is_shared(&self) -> bool {
        E::SHARED
    }

    fn forget_snapshot(&self) {
        self.snapshot.forgotten.store(i64::MIN, Ordering::Relaxed);
        self.snapshot.clear();
    }

    fn share_quota(&self, node: [u8; 16], drawn: Vec<Drawn>, now: Timestamp) -> Pending<'_, Vec<Drawn>> {
        if !E::SHARED {
            return Box::pin(async { Ok(Vec::new()) });
        }
        Box::pin(self.engine.read(move |s| crate::tables::quota::share(s, &node, &drawn, now)))
    }

    fn note_usage(&self, usage: Vec<Usage>) -> Pending<'_, ()> {
        Box::pin(async move { self.engine.run(Work::NoteUsage(usage)).await.map(|_| ()) })
    }

    fn usage_of<'a>(&'a self, credentials: &'a [[u8; 16]]) -> Pending<'a, Vec<Option<Usage>>> {
        let credentials = credentials.to_vec();
        Box::pin(self.engine.read(move |s| credentials.iter().map(|of| usage::of(s, of)).collect()))
    }

    fn ready(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.engine.sound()?;
            self.engine.read(|s| s.only("SELECT 1", &[], |_| Ok(()))).await?;
            self.engine.run(Work::Ping).await.map(|_| ())
        })
    }

    fn keys(&self) -> &Keys {
        &self.vault.keys
    }
}
