//! Engines under test, and helpers for the tests.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use directory::account::Account;
use directory::application::{Application, Binding};
use directory::audit::Actor;
use directory::change::{Change, Changed};
use directory::password::Policy;
use directory::port::{Clock, Entropy, Evidence, RequestIds, RequestKey, Store, Write, Written};
use directory::settings::Settings;
use directory::user::{Update, User};
use directory::{
    AccessKey, AccountCode, AccountId, ApplicationId, BindingId, Domain, DomainId, DomainName, EmailAddress,
    UserId,
};
use jiff::Timestamp;
use secrecy::{SecretBox, SecretString};
use store::MasterKey;

/// A database of an engine.
pub(crate) trait Engine: Sized + Sync {
    /// An empty one; `None` where the engine is not installed.
    fn new() -> Option<Self>;
    /// Opens the database; can be called repeatedly.
    fn open(&self) -> Arc<dyn Store>;
    /// Opens it with another master key, and returns the error.
    fn open_with_other_key(&self) -> String;
    /// Changes rows directly in the database.
    fn tamper(&self, how: Tamper);
    /// Takes the database back to the schema from before domains had users.
    fn downgrade(&self);
    /// The number of rows of a table.
    fn rows(&self, table: &str) -> i64;
    /// Every byte on its disk.
    fn bytes(&self) -> Vec<u8>;
}

/// Ways to tamper with the audit in the database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tamper {
    ChangeEvent,
    DropEventInTheMiddle,
    CutOffTheEnd,
    CutOffTheEndAndItsHead,
    ForgeTheHead,
    DropTheHead,
}

pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&n.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A clock that does not move, so caches that last a second never expire.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::constant(1_795_521_600, 0)
}

/// The embedded engine.
#[expect(non_camel_case_types, reason = "the name of the engine is the name of its tests")]
pub(crate) struct sqlite {
    folder: tempfile::TempDir,
    opened: AtomicU8,
}

impl sqlite {
    fn path(&self) -> PathBuf {
        self.folder.path().join("matricula.db")
    }

    fn open_with(&self, digits: &str) -> Result<Arc<dyn Store>, store::OpenError> {
        let seed = u64::from(self.opened.fetch_add(1, Ordering::Relaxed)) << 32;
        let entropy = Arc::new(Counting(AtomicU64::new(seed + 1)));
        let (location, key) = (store::Location::Sqlite(self.path()), MasterKey::parse(digits).unwrap());
        location.create(&key, &*entropy)?;
        location.open(&key, Arc::new(Still), entropy)
    }
}

impl Engine for sqlite {
    fn new() -> Option<Self> {
        Some(Self { folder: tempfile::tempdir().unwrap(), opened: AtomicU8::new(0) })
    }

    fn open(&self) -> Arc<dyn Store> {
        self.open_with(&"0f".repeat(32)).unwrap()
    }

    fn open_with_other_key(&self) -> String {
        self.open_with(&"f0".repeat(32)).err().unwrap().to_string()
    }

    fn tamper(&self, how: Tamper) {
        let sql = tampering_sql(how, "zeroblob(32)");
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(&sql).unwrap();
    }

    fn downgrade(&self) {
        let sql = format!("{WITHOUT_RESERVED}; {WITH_INDEX}; PRAGMA user_version = 10");
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(&sql).unwrap();
    }

    fn rows(&self, table: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

/// Requests as they were found before the index in slices.
const WITH_INDEX: &str = "DROP TABLE request_index; DROP TABLE request_index_end;
    CREATE UNIQUE INDEX requests_by_key ON requests (binding, request_id, variant)";

/// Removes what the migration and those after it add.
const WITHOUT_RESERVED: &str = "DROP TABLE ldap_bases; DROP TABLE ldap_numbers; DROP INDEX groups_by_name; DROP INDEX groups_with_blanks; DROP INDEX users_by_update;
    DROP TABLE refusals; DROP TABLE user_details; DROP TABLE external_ids;
    DROP TABLE client_tokens;
    ALTER TABLE clients DROP COLUMN user_name_domain; DROP TABLE user_names; DROP TABLE client_deletions; DROP TABLE outside_emails;
    ALTER TABLE groups DROP COLUMN version;
    ALTER TABLE clients DROP COLUMN address_from; ALTER TABLE clients DROP COLUMN deletions_an_hour;
    ALTER TABLE groups DROP COLUMN updated_at; DROP INDEX users_reserved;
    DELETE FROM user_words WHERE address_key IN (SELECT address_key FROM users WHERE reserved = 1);
    UPDATE user_counts SET users = users - (SELECT count(*) FROM users u WHERE u.reserved = 1
        AND u.account = user_counts.account AND substr(u.address_key, 1, length(domain) + 1) = domain || '@')
        WHERE chain = 1;
    DELETE FROM users WHERE reserved = 1;
    ALTER TABLE users DROP COLUMN reserved;
    ALTER TABLE accounts DROP COLUMN settings";

/// All of these change the chain with the most events.
fn tampering_sql(how: Tamper, zeros: &str) -> String {
    let last = "(SELECT max(seq) FROM audit_events)";
    match how {
        Tamper::ChangeEvent => "UPDATE audit_events SET actor = 'somebody else' WHERE seq = 2".to_owned(),
        Tamper::DropEventInTheMiddle => "DELETE FROM audit_events WHERE seq = 2".to_owned(),
        Tamper::CutOffTheEnd => format!("DELETE FROM audit_events WHERE seq = {last}"),
        Tamper::CutOffTheEndAndItsHead => format!(
            "DELETE FROM audit_events WHERE seq = {last};
             UPDATE audit_chains SET seq = {last},
                 hash = (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1)"
        ),
        Tamper::ForgeTheHead => format!("UPDATE audit_chains SET seal = {zeros}"),
        Tamper::DropTheHead => "DELETE FROM audit_chains".to_owned(),
    }
}

/// The engine for several nodes.
#[expect(non_camel_case_types, reason = "the name of the engine is the name of its tests")]
pub(crate) struct postgres {
    server: &'static testkit::Postgres,
    url: String,
    /// How the program reaches it.
    through: String,
    opened: AtomicU8,
}

impl postgres {
    fn open_with(&self, digits: &str) -> Result<Arc<dyn Store>, store::OpenError> {
        let seed = u64::from(self.opened.fetch_add(1, Ordering::Relaxed)) << 32;
        let entropy = Arc::new(Counting(AtomicU64::new(seed + 1)));
        let (location, key) =
            (store::Location::from(self.through.clone()), MasterKey::parse(digits).unwrap());
        location.create(&key, &*entropy)?;
        location.open(&key, Arc::new(Still), entropy)
    }
}

impl Engine for postgres {
    fn new() -> Option<Self> {
        let Some(server) = testkit::Postgres::shared() else {
            testkit::left_out("what every engine must do, on PostgreSQL", "PostgreSQL");
            return None;
        };
        let url = server.database();
        Some(Self { server, through: url.clone(), url, opened: AtomicU8::new(0) })
    }

    fn open(&self) -> Arc<dyn Store> {
        self.open_with(&"0f".repeat(32)).unwrap()
    }

    fn open_with_other_key(&self) -> String {
        self.open_with(&"f0".repeat(32)).err().unwrap().to_string()
    }

    fn tamper(&self, how: Tamper) {
        self.server.execute(&self.url, &tampering_sql(how, "decode(repeat('00', 32), 'hex')"));
    }

    fn downgrade(&self) {
        let sql = format!("{WITHOUT_RESERVED}; UPDATE matricula_schema SET version = 6");
        self.server.execute(&self.url, &sql);
    }

    fn rows(&self, table: &str) -> i64 {
        let count = self.server.execute(&self.url, &format!("SELECT count(*) FROM {table}"));
        count.trim().parse().unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
        let tables = self.server.execute(&self.url, tables);
        let rows: String = tables.lines().map(|table| format!("SELECT t FROM {table} t;\n")).collect();
        let printed = self.server.execute(&self.url, &rows);
        // Bytes are printed in hexadecimal.
        let unprinted = printed.split('"').filter_map(|part| part.strip_prefix("\\\\x")).flat_map(bytes_of);
        let unprinted: Vec<u8> = unprinted.collect();
        [printed.into_bytes(), unprinted].concat()
    }
}

/// An engine that is PostgreSQL in another place.
macro_rules! elsewhere {
    ($(#[$doc:meta])* $name:ident, $new:expr) => {
        $(#[$doc])*
        #[expect(non_camel_case_types, reason = "the name of the engine is the name of its tests")]
        pub(crate) struct $name(postgres);

        impl Engine for $name {
            fn new() -> Option<Self> {
                $new.map(Self)
            }

            fn open(&self) -> Arc<dyn Store> {
                self.0.open()
            }

            fn open_with_other_key(&self) -> String {
                self.0.open_with_other_key()
            }

            fn tamper(&self, how: Tamper) {
                self.0.tamper(how);
            }

            fn downgrade(&self) {
                self.0.downgrade();
            }

            fn rows(&self, table: &str) -> i64 {
                self.0.rows(table)
            }

            fn bytes(&self) -> Vec<u8> {
                self.0.bytes()
            }
        }
    };
}

elsewhere!(
    /// Behind a pooler in transaction mode.
    pooled,
    behind_pooler()
);
elsewhere!(
    /// The oldest version that works.
    postgres_12,
    of_version(12)
);
elsewhere!(
    /// The newest version.
    postgres_18,
    of_version(18)
);

fn behind_pooler() -> Option<postgres> {
    let Some(pooler) = testkit::Pooler::shared() else {
        testkit::left_out("what every engine must do, behind a pooler", "PostgreSQL or pgbouncer");
        return None;
    };
    let direct = postgres::new()?;
    Some(postgres { through: pooler.url(&direct.url), ..direct })
}

fn of_version(major: u8) -> Option<postgres> {
    let Some(server) = testkit::Postgres::version(major) else {
        testkit::left_out("what every engine must do, on other versions", &format!("PostgreSQL {major}"));
        return None;
    };
    let url = server.database();
    Some(postgres { server, through: url.clone(), url, opened: AtomicU8::new(0) })
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len() / 2).map(|n| pair(n * 2)).collect()
}

/// Ids and rows for tests, each made from a number.
pub(crate) fn account_id(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}

pub(crate) fn user_id(n: u32) -> UserId {
    let mut bytes = [9; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    UserId::from_bytes(bytes)
}

pub(crate) fn account(n: u8, above: &[u8]) -> Account {
    Account {
        id: account_id(n),
        code: AccountCode::parse(&format!("C{n}")).unwrap(),
        name: format!("Account {n}"),
        above: above.iter().copied().map(account_id).collect(),
        password_policy: Policy::default(),
        settings: Settings::default(),
        epoch: 0,
        created_at: now(),
    }
}

pub(crate) fn domain(account: u8, name: &str) -> Domain {
    let id = DomainId::from_bytes([account; 16]);
    Domain::new(id, account_id(account), DomainName::parse(name).unwrap(), now())
}

pub(crate) fn user(n: u32, address: &str) -> User {
    let address = EmailAddress::parse(address).unwrap();
    User {
        name: format!("User {n}"),
        must_change_password: n % 2 == 1,
        ..User::new(user_id(n), account_id(1), address, now())
    }
}

pub(crate) fn update(user: UserId, update: Update) -> Change {
    Change::UpdateUser(user, Box::new(update))
}

pub(crate) fn disable(user: UserId) -> Change {
    update(user, Update::disabled(true))
}

pub(crate) const APP_KEY: &str = "canary-application-key";
pub(crate) const SECRET: &[u8] = b"canary-secret-key-of-the-binding";

pub(crate) fn application(n: u8) -> Application {
    Application {
        id: ApplicationId::from_bytes([n; 16]),
        account: account_id(1),
        app_id: format!("app-{n}"),
        name: "An application".to_owned(),
        app_key: SecretString::from(APP_KEY),
        created_at: now(),
    }
}

pub(crate) fn binding(n: u8, user: UserId) -> Binding {
    Binding {
        id: BindingId::from_bytes([n; 16]),
        access_key: access_key(n),
        secret: SecretBox::new(SECRET.into()),
        user,
        application: ApplicationId::from_bytes([1; 16]),
        expires_at: None,
        created_at: now(),
    }
}

pub(crate) fn access_key(n: u8) -> AccessKey {
    AccessKey::parse(&format!("access-key-{n}")).unwrap()
}

pub(crate) async fn apply(store: &Arc<dyn Store>, changes: Vec<Change>) {
    assert_eq!(store.apply(changes, Actor::Operator, now()).await.unwrap(), Changed::Done);
}

/// The users of [`filled_store`]: one, and those of its domain.
pub(crate) const FILLED: u64 = 3;

/// An account with a domain, a user, an application and a binding.
pub(crate) async fn filled_store(engine: &impl Engine) -> Arc<dyn Store> {
    let store = engine.open();
    let changes = vec![
        Change::AddAccount(account(1, &[])),
        Change::AddDomain(domain(1, "example.com")),
        Change::AddUser(user(1, "first@example.com")),
        Change::AddApplication(application(1)),
        Change::AddBinding(binding(1, user_id(1))),
    ];
    apply(&store, changes).await;
    store
}

/// A request to create users. Its response lists the outcome of each.
pub(crate) fn request(id: u8, body: u8, users: Vec<User>) -> Write {
    let key = RequestKey { credential: [1; 16], request_id: [id; 16], digest: [body; 32] };
    Write {
        once: Some((key, RequestIds::Strict)),
        evidence: vec![Evidence { account: account_id(1), epoch: 0 }],
        actor: Actor::User { id: user_id(1), address: "first@example.com".to_owned() },
        now: now(),
        changes: users.into_iter().map(Change::AddUser).collect(),
        render: Box::new(|effects| {
            let words = effects.iter().map(|effect| match effect {
                Ok(_) => "Created".to_owned(),
                Err(why) => format!("{why:?}"),
            });
            format!("[{}]", words.collect::<Vec<_>>().join(", ")).into_bytes()
        }),
        times: None,
    }
}

/// The key that identifies a repeated request.
pub(crate) fn key(request: &Write) -> RequestKey {
    request.once.unwrap().0
}

pub(crate) async fn create(store: &Arc<dyn Store>, request: Write) -> Written {
    store.write(vec![request]).await.unwrap().remove(0)
}

pub(crate) fn written_text(text: &str) -> Written {
    Written::Ran(text.as_bytes().to_vec())
}
