//! The embedded engine: one writer thread that commits in groups, a read connection per thread, WAL with
//! `synchronous=FULL`.

mod backup;
mod change;
mod draft;
mod in_use;
mod migrate;
mod read;
mod restore;
mod row;
mod schema;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::application::{Client, ClientPrincipal};
use directory::attribute::Attribute;
use directory::audit::{Actor, Event};
use directory::change::{Change, Changed, Delegate};
use directory::domains::PendingDomain;
use directory::groups::{Group, Member};
use directory::login::{Credentials, NamedProfile};
use directory::port::{
    ApplicationRow, AuditPage, AuditQuery, BindingRow, ChainReport, Clock, Entropy, Evidence, Freshness,
    Keys, Listed, Pending, Position, Recalled, RequestIds, RequestKey, Store, StoreError, Write, Written,
};
use directory::role::BuiltIn;
use directory::user::User;
use directory::{
    AccessKey, Account, AccountCode, AccountId, Application, ClientId, DelegateId, Domain, DomainName,
    EmailAddress, GroupId, Principal, Role, RoleId, UserId,
};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use thiserror::Error;
use thread_local::ThreadLocal;

use crate::snapshot::Snapshot;
use crate::vault::{MasterKey, Vault, VaultError};
pub use backup::{BackedUp, BackupError, Step, backup};
use in_use::InUse;
pub use restore::{Restored, restore};
pub use schema::{Schema, migrate, schema};
use writer::{Outcome, Work, Writer};

/// Why a database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The engine's own error.
    #[error("{path}: {source}")]
    Engine {
        /// The database file.
        path: PathBuf,
        /// What the engine says.
        source: rusqlite::Error,
    },
    /// A newer program made the database.
    #[error("{path} has schema {found}, made by a newer matricula; this one knows schemas up to {known}")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// The master key does not fit.
    #[error("{path}: {source}")]
    Vault {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: VaultError,
    },
    /// There is none, and none is to be made.
    #[error("{0} is not there; `matricula serve` makes it when it starts")]
    Missing(PathBuf),
    /// A backup is being put in its place.
    #[error("{0} is being restored: wait until that is done")]
    BeingRestored(PathBuf),
    /// The file that tells others that the database is in use can't be locked.
    #[error("{path}: {source}")]
    Lock {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The writer thread could not be started.
    #[error("the writer thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// The storage port over one SQLite database.
pub struct SqliteStore {
    writer: Writer,
    readers: ThreadLocal<Connection>,
    path: PathBuf,
    vault: Arc<Vault>,
    snapshot: Snapshot,
    /// Held to the last, so that nobody puts another file in the place of the database meanwhile.
    _in_use: InUse,
}

impl SqliteStore {
    /// Opens the database, making or migrating it when needed.
    ///
    /// # Errors
    /// When the file can't be opened, was made by a newer program, or belongs to another master key.
    pub fn open(
        path: &Path,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let engine = |source| OpenError::Engine { path: path.to_owned(), source };
        let sealed = |source| OpenError::Vault { path: path.to_owned(), source };
        let in_use = InUse::shared(path).map_err(|(path, source)| OpenError::Lock { path, source })?;
        let in_use = in_use.ok_or_else(|| OpenError::BeingRestored(path.to_owned()))?;
        let mut connection = Connection::open(path).map_err(engine)?;
        configure_writer(&connection).map_err(engine)?;
        migrate::run(&mut connection, path)?;
        let ring = {
            let ring = read::ring(&connection).map_err(engine)?;
            if ring.is_empty() {
                let ring = Vault::new_ring(master, &*entropy).map_err(sealed)?;
                migrate::write_ring(&mut connection, &ring).map_err(engine)?;
                // Another process may have been first: what stands in the database counts.
                read::ring(&connection).map_err(engine)?
            } else {
                ring
            }
        };
        let vault = Arc::new(Vault::open(master, &ring).map_err(sealed)?);
        let writer = Writer::start(connection, Arc::clone(&vault), entropy).map_err(OpenError::Thread)?;
        Ok(Self {
            writer,
            readers: ThreadLocal::new(),
            path: path.to_owned(),
            vault,
            snapshot: Snapshot::new(clock),
            _in_use: in_use,
        })
    }

    /// Exchanges the master key. The rows and the ids stay as they are.
    ///
    /// # Errors
    /// When the old key does not fit.
    pub fn rotate_master_key(
        path: &Path,
        old: &MasterKey,
        new: &MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<(), OpenError> {
        let engine = |source| OpenError::Engine { path: path.to_owned(), source };
        let mut connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(engine)?;
        configure_writer(&connection).map_err(engine)?;
        let ring = read::ring(&connection).map_err(engine)?;
        let ring = Vault::rewrap(old, new, &ring, entropy)
            .map_err(|source| OpenError::Vault { path: path.to_owned(), source })?;
        migrate::write_ring(&mut connection, &ring).map_err(engine)
    }

    /// Reads on this thread's own connection. Only for what an index finds: it runs on the thread that asks.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let connection = self.readers.get_or_try(|| open_reader(&self.path)).map_err(StoreError::failed)?;
        read(connection).map_err(StoreError::failed)
    }

    /// Reads much, on a thread where nobody waits for something short.
    async fn scan<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        let scan =
            tokio::task::spawn_blocking(move || open_reader(&path).and_then(|connection| read(&connection)));
        scan.await.map_err(StoreError::failed)?.map_err(StoreError::failed)
    }
}

fn configure_writer(connection: &Connection) -> rusqlite::Result<()> {
    // Another process, such as `matricula admin`, may be writing: wait for it.
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.pragma_update(None, "wal_autocheckpoint", writer::WAL_PAGES)
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

impl Store for SqliteStore {
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
            let principal = self.read(|connection| read::principal(connection, &self.vault, access_key))?;
            let principal = principal.map(Arc::new);
            self.snapshot.principals.keep(access_key, &principal, now);
            Ok(principal)
        })
    }

    fn accounts<'a>(&'a self, codes: &'a [AccountCode]) -> Pending<'a, Vec<Option<Arc<Account>>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let read = |code: &AccountCode| self.read(|connection| read::account(connection, code));
            let find = |code: &AccountCode| {
                self.snapshot.accounts.find_or_read(code, now, || Ok(read(code)?.map(Arc::new)))
            };
            codes.iter().map(find).collect()
        })
    }

    fn domains<'a>(&'a self, names: &'a [DomainName]) -> Pending<'a, Vec<Option<Evidence>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let read = |name: &DomainName| self.read(|connection| read::domain_owner(connection, name));
            let find = |name: &DomainName| self.snapshot.domains.find_or_read(name, now, || read(name));
            names.iter().map(find).collect()
        })
    }

    fn recall<'a>(&'a self, request: &'a RequestKey, request_ids: RequestIds) -> Pending<'a, Recalled> {
        Box::pin(async move { self.read(|connection| read::recall(connection, request, request_ids)) })
    }

    fn write(&self, requests: Vec<Write>) -> Pending<'_, Vec<Written>> {
        Box::pin(async move {
            let outdates =
                requests.iter().flat_map(|request| &request.changes).any(Change::outdates_snapshot);
            let outcome = self.writer.run(Work::Write(requests)).await;
            if outdates {
                self.snapshot.clear();
            }
            let Outcome::Written(written) = outcome? else {
                return Err(StoreError::failed("the writer mixed up its answers"));
            };
            if written.contains(&Written::Stale) {
                self.snapshot.clear();
            }
            Ok(written)
        })
    }

    fn apply(&self, changes: Vec<Change>, actor: Actor, now: Timestamp) -> Pending<'_, Changed> {
        Box::pin(async move {
            let outcome = self.writer.run(Work::Apply { changes, actor, now }).await;
            self.snapshot.clear();
            match outcome? {
                Outcome::Changed(changed) => Ok(changed),
                _ => Err(StoreError::failed("the writer mixed up its answers")),
            }
        })
    }

    fn forget_requests(&self, before: Timestamp) -> Pending<'_, usize> {
        Box::pin(async move {
            let mut forgotten = 0;
            loop {
                // Slice by slice, each a job of its own, so that nobody waits for more than one slice.
                match self.writer.run(Work::Forget { before }).await? {
                    Outcome::Forgotten(0) => return Ok(forgotten),
                    Outcome::Forgotten(slice) => forgotten += slice,
                    _ => return Err(StoreError::failed("the writer mixed up its answers")),
                }
            }
        })
    }

    fn users<'a>(&'a self, addresses: &'a [EmailAddress]) -> Pending<'a, Vec<Option<User>>> {
        Box::pin(async move {
            self.read(|connection| {
                addresses.iter().map(|address| read::users::by_address(connection, address)).collect()
            })
        })
    }

    fn count_users(&self) -> Pending<'_, u64> {
        Box::pin(self.scan(read::users::count))
    }

    fn count_listed<'a>(&'a self, account: AccountId, domain: Option<&'a DomainName>) -> Pending<'a, u64> {
        Box::pin(
            async move { self.read(|connection| read::users::count_listed(connection, account, domain)) },
        )
    }

    fn list_users<'a>(
        &'a self,
        account: AccountId,
        domain: Option<&'a DomainName>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<User>> {
        Box::pin(async move {
            self.read(|connection| read::users::list(connection, account, domain, from, limit))
        })
    }

    fn users_by_id<'a>(&'a self, ids: &'a [UserId]) -> Pending<'a, Vec<Option<User>>> {
        Box::pin(async move {
            self.read(|connection| ids.iter().map(|id| read::users::by_id(connection, *id)).collect())
        })
    }

    fn aliases(&self, user: UserId) -> Pending<'_, Vec<User>> {
        Box::pin(async move { self.read(|connection| read::users::aliases(connection, user)) })
    }

    fn attributes(&self, user: UserId) -> Pending<'_, Vec<(Attribute, String)>> {
        Box::pin(async move { self.read(|connection| read::users::attributes(connection, user)) })
    }

    fn delegates(&self, user: UserId) -> Pending<'_, Vec<(Delegate, User)>> {
        Box::pin(async move { self.read(|connection| read::users::delegates(connection, user)) })
    }

    fn delegate(&self, id: DelegateId) -> Pending<'_, Option<Delegate>> {
        Box::pin(async move { self.read(|connection| read::users::delegate(connection, id)) })
    }

    fn due_for_purge(&self, now: Timestamp, limit: usize) -> Pending<'_, Vec<UserId>> {
        Box::pin(async move { self.read(|connection| read::users::due_for_purge(connection, now, limit)) })
    }

    fn domain_of<'a>(&'a self, account: AccountId, name: &'a DomainName) -> Pending<'a, Option<Domain>> {
        Box::pin(async move { self.read(|connection| read::domains::by_name(connection, account, name)) })
    }

    fn domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<Domain>> {
        Box::pin(async move { self.read(|connection| read::domains::list(connection, account, from, limit)) })
    }

    fn pending_domain<'a>(
        &'a self,
        account: AccountId,
        name: &'a DomainName,
    ) -> Pending<'a, Option<PendingDomain>> {
        Box::pin(async move { self.read(|connection| read::domains::pending(connection, account, name)) })
    }

    fn pending_domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<PendingDomain>> {
        Box::pin(async move {
            self.read(|connection| read::domains::list_pending(connection, account, from, limit))
        })
    }

    fn group(&self, id: GroupId) -> Pending<'_, Option<Group>> {
        Box::pin(async move { self.read(|connection| read::groups::by_id(connection, id)) })
    }

    fn count_groups<'a>(&'a self, account: AccountId, query: Option<&'a str>) -> Pending<'a, u64> {
        Box::pin(async move {
            let Some(query) = query.map(str::to_owned) else {
                return self.read(|connection| read::groups::count(connection, account, None));
            };
            self.scan(move |connection| read::groups::count(connection, account, Some(&query))).await
        })
    }

    fn list_groups<'a>(
        &'a self,
        account: AccountId,
        query: Option<&'a str>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Group>> {
        Box::pin(async move {
            let Some(query) = query.map(str::to_owned) else {
                return self.read(|connection| read::groups::list(connection, account, None, from, limit));
            };
            let from = from.clone();
            self.scan(move |connection| read::groups::list(connection, account, Some(&query), &from, limit))
                .await
        })
    }

    fn list_members<'a>(
        &'a self,
        group: &'a Group,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Member>> {
        Box::pin(async move { self.read(|connection| read::groups::members(connection, group, from, limit)) })
    }

    fn credentials<'a>(&'a self, address: &'a EmailAddress) -> Pending<'a, Option<Credentials>> {
        Box::pin(async move { self.read(|connection| read::users::credentials(connection, address)) })
    }

    fn roles_of(&self, account: AccountId) -> Pending<'_, Vec<Role>> {
        Box::pin(async move { self.read(|connection| read::clients::roles_of(connection, account)) })
    }

    fn role(&self, id: RoleId) -> Pending<'_, Option<Role>> {
        Box::pin(async move {
            match BuiltIn::by_id(id) {
                Some(built_in) => Ok(Some(built_in.role())),
                None => self.read(|connection| read::clients::custom(connection, id)),
            }
        })
    }

    fn client(&self, id: ClientId, freshness: Freshness) -> Pending<'_, Option<Arc<ClientPrincipal>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let read = || {
                self.read(|connection| read::clients::principal(connection, id))
                    .map(|found| found.map(Arc::new))
            };
            match freshness {
                Freshness::Recent => self.snapshot.clients.find_or_read(&id, now, read),
                Freshness::Now => {
                    let principal = read()?;
                    if let Some(principal) = &principal {
                        self.snapshot.clients.keep(&id, principal, now);
                    }
                    Ok(principal)
                }
            }
        })
    }

    fn client_by_name<'a>(&'a self, client_id: &'a str) -> Pending<'a, Option<Client>> {
        Box::pin(async move { self.read(|connection| read::clients::by_name(connection, client_id)) })
    }

    fn list_clients(&self) -> Pending<'_, Vec<Client>> {
        Box::pin(self.scan(read::clients::list))
    }

    fn list_profiles(&self) -> Pending<'_, Vec<NamedProfile>> {
        Box::pin(self.scan(read::users::profiles))
    }

    fn audit_of(&self, account: AccountId, query: AuditQuery) -> Pending<'_, AuditPage> {
        Box::pin(self.scan(move |connection| read::audit::of_account(connection, account, query)))
    }

    fn application<'a>(&'a self, app_id: &'a str) -> Pending<'a, Option<Application>> {
        Box::pin(async move { self.read(|connection| read::application(connection, &self.vault, app_id)) })
    }

    fn list_accounts(&self) -> Pending<'_, Vec<Account>> {
        Box::pin(self.scan(read::accounts))
    }

    fn list_domains(&self) -> Pending<'_, Vec<Domain>> {
        Box::pin(self.scan(read::domains::every))
    }

    fn list_roles(&self) -> Pending<'_, Vec<Role>> {
        Box::pin(self.scan(read::roles))
    }

    fn list_administrators(&self) -> Pending<'_, Vec<User>> {
        Box::pin(self.scan(read::users::administrators))
    }

    fn list_applications(&self) -> Pending<'_, Vec<ApplicationRow>> {
        Box::pin(self.scan(read::applications))
    }

    fn list_bindings(&self, user: Option<UserId>) -> Pending<'_, Vec<BindingRow>> {
        Box::pin(self.scan(move |connection| read::bindings(connection, user)))
    }

    fn audit(&self, chain: i64, after: i64, limit: usize) -> Pending<'_, Vec<Event>> {
        Box::pin(self.scan(move |connection| read::audit::events(connection, chain, after, limit)))
    }

    fn verify_audit(&self) -> Pending<'_, Vec<ChainReport>> {
        let vault = Arc::clone(&self.vault);
        Box::pin(self.scan(move |connection| read::audit::verify(connection, &vault)))
    }

    fn ready(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))?;
            self.writer.run(Work::Ping).await.map(|_| ())
        })
    }

    fn keys(&self) -> &Keys {
        &self.vault.keys
    }
}
