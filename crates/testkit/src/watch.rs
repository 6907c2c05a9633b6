//! A store that reports each call before and after it: so a test can act between any two steps of a request.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use directory::application::{Client, ClientPrincipal};
use directory::attribute::Attribute;
use directory::audit::{self, Actor, Event};
use directory::change::{Change, Changed, Delegate};
use directory::domains::PendingDomain;
use directory::groups::{Group, Member};
use directory::ldap::{self, Base, Person, Root, Wanted};
use directory::login::{Credentials, NamedProfile};
use directory::port::{
    AccountStore, Affected, ApplicationRow, ApplicationStore, AuditPage, AuditQuery, AuditStore, BindingRow,
    CallerStore, ChainHead, ChainReport, DomainStore, Drawn, Evidence, Figures, Found, Freshness, GroupStore,
    Indexed, Keys, KeysOf, LdapGroups, LdapPeople, LdapSlice, LdapStore, Listed, OperationStore, Pending,
    Position, Recalled, Refusal, Replication, RequestIds, RequestKey, RequestStore, RoleStore, ScimFrom,
    ScimPage, ScimStore, Store, TooMany, Usage, UserStore, Write, Written,
};
use directory::scim::{ClientToken, Resource, ScimGroup, ScimUser};
use directory::session::{SessionLimits, SessionPrincipal};
use directory::user::User;
use directory::user_query::{Cursor, UserQuery};
use directory::{
    AccessKey, Account, AccountCode, AccountId, Application, ApplicationId, BindingId, ClientId, DelegateId,
    Domain, DomainName, EmailAddress, GroupId, Principal, Role, RoleId, SessionId, UserId,
};
use jiff::{SignedDuration, Timestamp};

/// Calls that the server makes on its own: not steps of a request.
const BACKGROUND: &[&str] = &[
    "index_users",
    "forget_requests",
    "due_for_purge",
    "share_quota",
    "note_usage",
    "note_refusals",
    "audit_heads",
    "replication",
    "keys_of",
    "ready",
    "touch_session",
];

/// The action of a test at a step.
type Struck = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What happens at a step.
type Blow = Box<dyn FnOnce() -> Struck + Send>;

/// Counts the calls of a store, and runs an action at one of them.
#[derive(Default)]
pub struct Watch {
    /// Steps since it was armed: two per call, before and after it.
    steps: AtomicUsize,
    armed: Mutex<Option<(usize, Blow)>>,
}

impl Watch {
    /// Begins to count, and runs the action at this step, from 0: even steps are before a call, odd ones after it.
    pub fn strike_at(&self, step: usize, blow: impl FnOnce() -> Struck + Send + 'static) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, Box::new(blow)));
        self.steps.store(0, Ordering::SeqCst);
    }

    /// Begins to count.
    pub fn count(&self) {
        self.steps.store(0, Ordering::SeqCst);
    }

    /// Steps since counting began.
    pub fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    async fn step(&self, call: &str) {
        if BACKGROUND.contains(&call) {
            return;
        }
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let blow = {
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            armed.take_if(|(at, _)| *at == step)
        };
        if let Some((_, blow)) = blow {
            blow().await;
        }
    }
}

/// The store, with its watch.
pub(crate) struct Watched {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) watch: Arc<Watch>,
}

macro_rules! stepped {
    ($( $name:ident($($argument:ident: $type:ty),*) -> $out:ty; )*) => { $(
        fn $name<'a>(&'a self, $($argument: $type),*) -> Pending<'a, $out> {
            Box::pin(async move {
                self.watch.step(stringify!($name)).await;
                let answer = self.store.$name($($argument),*).await;
                self.watch.step(stringify!($name)).await;
                answer
            })
        }
    )* };
}

impl RequestStore for Watched {
    stepped! {
        recall(request: &'a RequestKey, request_ids: RequestIds) -> Recalled;
        write(requests: Vec<Write>) -> Vec<Written>;
        apply(changes: Vec<Change>, actor: Actor, now: Timestamp) -> Changed;
        forget_requests(now: Timestamp, window: SignedDuration) -> usize;
    }

    fn forgotten_up_to(&self) -> Option<Timestamp> {
        self.store.forgotten_up_to()
    }
}

impl CallerStore for Watched {
    stepped! {
        principal(access_key: &'a AccessKey, freshness: Freshness) -> Option<Arc<Principal>>;
        session(digest: [u8; 32]) -> Option<Arc<SessionPrincipal>>;
        touch_session(session: SessionId, now: Timestamp, limits: SessionLimits) -> ();
        credentials(address: &'a EmailAddress) -> Option<Credentials>;
        client(id: ClientId, freshness: Freshness) -> Option<Arc<ClientPrincipal>>;
    }
}

impl AccountStore for Watched {
    stepped! {
        accounts(codes: &'a [AccountCode]) -> Vec<Option<Arc<Account>>>;
        account_by_id(id: AccountId) -> Option<Account>;
        list_profiles() -> Vec<NamedProfile>;
        list_accounts() -> Vec<Account>;
    }
}

impl UserStore for Watched {
    stepped! {
        users(addresses: &'a [EmailAddress]) -> Vec<Option<User>>;
        count_users() -> u64;
        count_listed(account: AccountId, domain: Option<&'a DomainName>) -> u64;
        list_users(account: AccountId, domain: Option<&'a DomainName>, from: &'a Position, limit: usize) -> Vec<User>;
        find_users(account: AccountId, query: &'a UserQuery, after: Option<&'a Cursor>, limit: usize, now: Timestamp) -> Found;
        index_users(limit: usize) -> Indexed;
        users_by_id(ids: &'a [UserId]) -> Vec<Option<User>>;
        aliases(user: UserId) -> Vec<User>;
        attributes(user: UserId) -> Vec<(Attribute, String)>;
        delegates(user: UserId) -> Vec<(Delegate, User)>;
        delegate(id: DelegateId) -> Option<Delegate>;
        due_for_purge(now: Timestamp, limit: usize) -> Vec<UserId>;
    }
}

impl DomainStore for Watched {
    stepped! {
        domains(names: &'a [DomainName]) -> Vec<Option<Evidence>>;
        domain_of(account: AccountId, name: &'a DomainName) -> Option<Domain>;
        domains_of(account: AccountId, from: &'a Position, limit: usize) -> Listed<Domain>;
        pending_domain(account: AccountId, name: &'a DomainName) -> Option<PendingDomain>;
        pending_domains_of(account: AccountId, from: &'a Position, limit: usize) -> Listed<PendingDomain>;
        list_domains() -> Vec<Domain>;
    }
}

impl GroupStore for Watched {
    stepped! {
        group(id: GroupId) -> Option<Group>;
        count_groups(account: AccountId, query: Option<&'a str>) -> u64;
        list_groups(account: AccountId, query: Option<&'a str>, from: &'a Position, limit: usize) -> Vec<Group>;
        groups_of(account: AccountId, address: &'a EmailAddress) -> Vec<Group>;
        list_members(group: &'a Group, from: &'a Position, limit: usize) -> Vec<Member>;
        external_domains(account: AccountId, after: Option<&'a DomainName>, limit: usize) -> Vec<DomainName>;
    }
}

impl RoleStore for Watched {
    stepped! {
        roles_of(account: AccountId) -> Vec<Role>;
        roles_among(affected: Affected) -> Vec<Role>;
        role(id: RoleId) -> Option<Role>;
        list_roles() -> Vec<Role>;
        list_administrators() -> Vec<User>;
    }
}

impl ApplicationStore for Watched {
    stepped! {
        client_by_name(client_id: &'a str) -> Option<Client>;
        list_clients() -> Vec<Client>;
        application(app_id: &'a str) -> Option<Application>;
        list_applications() -> Vec<ApplicationRow>;
        list_bindings(user: Option<UserId>) -> Vec<BindingRow>;
        bindings_to(application: ApplicationId, before: Option<BindingId>, limit: usize) -> Vec<BindingRow>;
        binding(id: BindingId) -> Option<BindingRow>;
        keys_of(access_key: &'a AccessKey, limit: usize) -> Option<KeysOf>;
        note_refusals(refusals: Vec<Refusal>, now: Timestamp) -> ();
        refusals_of(app_id: &'a str, since: Timestamp) -> Vec<Refusal>;
        note_usage(usage: Vec<Usage>) -> ();
        usage_of(credentials: &'a [[u8; 16]]) -> Vec<Option<Usage>>;
    }
}

impl ScimStore for Watched {
    stepped! {
        scim_users(account: AccountId, client: ClientId, ids: &'a [UserId]) -> Vec<Option<ScimUser>>;
        list_scim_users(account: AccountId, client: ClientId, from: ScimFrom, limit: usize) -> ScimPage<ScimUser>;
        scim_group(account: AccountId, client: ClientId, id: GroupId, with_members: bool) -> Option<ScimGroup>;
        list_scim_groups(account: AccountId, client: ClientId, from: ScimFrom, limit: usize, with_members: bool) -> ScimPage<ScimGroup>;
        groups_named(account: AccountId, key: &'a str) -> Vec<GroupId>;
        by_external_id(client: ClientId, kind: u8, external_id: &'a str) -> Option<Resource>;
        by_outside_email(account: AccountId, key: &'a str) -> Vec<UserId>;
        by_user_name(client: ClientId, key: &'a str) -> Option<UserId>;
        tokens(client: ClientId) -> Vec<ClientToken>;
    }
}

impl LdapStore for Watched {
    stepped! {
        ldap_account(bases: &'a [Base]) -> Option<AccountId>;
        ldap_root(account: AccountId) -> Option<Root>;
        ldap_people(account: AccountId, which: &'a LdapPeople, after: Option<&'a str>, limit: usize, wanted: Wanted) -> Result<LdapSlice<Person>, TooMany>;
        ldap_groups(account: AccountId, which: &'a LdapGroups, after: Option<&'a str>, limit: usize, wanted: Wanted) -> LdapSlice<ldap::Group>;
    }
}

impl AuditStore for Watched {
    stepped! {
        audit_of(account: AccountId, query: AuditQuery) -> AuditPage;
        search_audit(account: AccountId, search: &'a audit::Search, rest: Option<Vec<(i64, i64)>>, limit: usize) -> audit::Found;
        audit(chain: i64, after: i64, limit: usize) -> Vec<Event>;
        audit_heads() -> Vec<ChainHead>;
        verify_audit() -> Vec<ChainReport>;
    }
}

impl OperationStore for Watched {
    stepped! {
        share_quota(node: [u8; 16], drawn: Vec<Drawn>, now: Timestamp) -> Vec<Drawn>;
        ready() -> ();
        replication() -> Option<Replication>;
    }

    fn figures(&self) -> Figures {
        self.store.figures()
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn forget_snapshot(&self) {
        self.store.forget_snapshot();
    }

    fn keys(&self) -> &Keys {
        self.store.keys()
    }
}
