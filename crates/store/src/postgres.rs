//! PostgreSQL, for many nodes on one database. They share nothing else, so whatever must hold for all of them is in the
//! database.

mod creation;
mod dump;
mod lane;
mod migrate;
mod outage;
mod replication;
mod session;
mod version;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use directory::port::{Clock, Entropy, Figures, Replication, Store, StoreError, Write, Written};
use rustls::pki_types::CertificateDer;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::port::{Engine, Opening, TableStore};
use crate::problem::OpenProblem;
use crate::schema::Schema;
use crate::session::{Kind, Result, Session};
use crate::snapshot::Snapshot;
use crate::tables::request::Requests;
use crate::tables::work::{Ping, Work};
use crate::tables::{forget, read};
use crate::vault::{MasterKey, Vault};
use crate::work::{Job, Task, Writer};
use creation::{Additions, Creation};
use lane::{Changes, Lane};
use outage::{Outage, Use};
use session::{Connection, Server};

pub(crate) use dump::{backup, check_backup, restore};

/// Lanes that add users.
const LANES: usize = 2;

/// How much longer than a transaction a caller waits for its turn. With it an answer leaves within a second after
/// `connect_timeout`. [ours]
const SPARE: Duration = Duration::from_millis(500);

/// Connections that read, at most.
const READERS: usize = 8;

/// Connections that a node holds at the same time, at most: lanes, readers, and long reads.
const CONNECTIONS: usize = LANES + 1 + READERS + LONG_READS;

/// Long reads that run at the same time, usually. [ours]
const LONG_READS: usize = 3;

struct Postgres {
    creation: Writer<Task<Additions>>,
    changes: Writer<Box<dyn Job>>,
    readers: Arc<Readers>,
    room: Arc<Semaphore>,
}

struct Readers {
    server: Server,
    outage: Arc<Outage>,
    entropy: Arc<dyn Entropy>,
    idle: Mutex<Vec<Connection>>,
}

/// Creates an empty directory; `false`: one already exists.
pub(crate) fn create(
    url: &str,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> std::result::Result<bool, OpenProblem> {
    let server = server(url)?;
    apart(|| {
        let connection = server.connect()?;
        if migrate::is_complete(&connection)? {
            return Ok(false);
        }
        migrate::create(&connection)?;
        migrate::write_ring(&connection, &Vault::new_ring(master, entropy)?, false)?;
        Ok(true)
    })
}

/// Opens the database, and migrates it when needed. [`Opening::serves`]: with all connections of its lanes and readers, which are
/// kept.
pub(crate) fn open(
    url: &str,
    opening: Opening,
    master: &MasterKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> std::result::Result<Arc<dyn Store>, OpenProblem> {
    let server = server(url)?;
    let (vault, mut idle, forgotten) = apart(|| prepare(&server, master, opening.serves))?;
    let vault = Arc::new(vault);
    let outage = Arc::<Outage>::default();
    let begin = replication::begin(opening.commits);
    // Behind a pooler each group plans its statements, so one lane with groups twice as large costs less.
    let lanes = if idle.first().is_some_and(Connection::is_pooled) { 1 } else { LANES };
    let mut lane = || {
        let connection = if opening.serves { idle.pop() } else { None };
        let (vault, entropy, outage) = (Arc::clone(&vault), Arc::clone(&entropy), Arc::clone(&outage));
        Lane::new(server.clone(), begin, vault, entropy, outage, connection)
    };
    let engine = Postgres {
        changes: Writer::start("store-changes", [Changes(lane())]).map_err(OpenProblem::Thread)?,
        creation: Writer::start("store-creation", (0..lanes).map(|_| Creation(lane())))
            .map_err(OpenProblem::Thread)?,
        readers: Arc::new(Readers { server, outage, entropy, idle: Mutex::new(idle) }),
        room: Arc::new(Semaphore::new(READERS)),
    };
    Ok(Arc::new(TableStore::new(engine, vault, Snapshot::new(clock, forgotten))))
}

fn prepare(
    server: &Server,
    master: &MasterKey,
    serves: bool,
) -> std::result::Result<(Vault, Vec<Connection>, i64), OpenProblem> {
    if serves {
        check_connections(server)?;
    }
    let connection = server.connect()?;
    if !migrate::is_complete(&connection)? {
        return Err(OpenProblem::Missing);
    }
    migrate::run(&connection)?;
    let vault = Vault::open(master, &read::ring(&connection)?)?;
    lane::add_chain(&connection, &vault, lane::CHANGES)?;
    let forgotten = forget::up_to(&connection)?;
    let mut idle = vec![connection];
    while serves && idle.len() < CONNECTIONS - LONG_READS {
        idle.push(server.connect()?);
    }
    Ok((vault, idle, forgotten))
}

/// Checks that a node gets all its connections at the same time. A pooler in session mode lets further ones wait without
/// a word, and then calls fail later, when many arrive together.
fn check_connections(server: &Server) -> std::result::Result<(), OpenProblem> {
    let deadline = Some(Instant::now() + server.patience());
    let mut open = Vec::with_capacity(CONNECTIONS);
    while open.len() < CONNECTIONS {
        match server.occupy(deadline) {
            Ok(connection) => open.push(connection),
            Err(error) if open.is_empty() => return Err(error.into()),
            Err(error) => {
                let found = open.len();
                return Err(OpenProblem::Connections { found, needed: CONNECTIONS, cause: error.source });
            }
        }
    }
    Ok(())
}

/// Replaces the master key. Rows and ids stay the same.
pub(crate) fn rotate_master_key(
    url: &str,
    old: &MasterKey,
    new: &MasterKey,
    entropy: &dyn Entropy,
) -> std::result::Result<(), OpenProblem> {
    let server = server(url)?;
    apart(|| {
        let connection = server.connect()?;
        let ring = Vault::rewrap(old, new, &read::ring(&connection)?, entropy)?;
        Ok(migrate::write_ring(&connection, &ring, true)?)
    })
}

/// Looks at the schema, and changes nothing.
pub(crate) fn schema(url: &str) -> std::result::Result<Schema, OpenProblem> {
    let server = server(url)?;
    apart(|| migrate::schema(&server.connect()?))
}

/// Runs the migrations that are due, all or none, and gives the schema before.
pub(crate) fn migrate(url: &str) -> std::result::Result<Schema, OpenProblem> {
    let server = server(url)?;
    apart(|| {
        let connection = server.connect()?;
        let schema = migrate::schema(&connection)?;
        migrate::run(&connection)?;
        Ok(schema)
    })
}

/// Runs on a separate thread: the caller may be where blocking is not allowed.
fn apart<T: Send>(
    work: impl FnOnce() -> std::result::Result<T, OpenProblem> + Send,
) -> std::result::Result<T, OpenProblem> {
    let joined = std::thread::scope(|scope| scope.spawn(work).join());
    joined.map_err(|_| OpenProblem::Engine("a thread panicked".into()))?
}

/// Parses the connection string. A certificate is always verified, by the roots of the system or of `SSL_CERT_FILE`.
fn server(url: &str) -> std::result::Result<Server, OpenProblem> {
    let mut config: tokio_postgres::Config =
        url.parse().map_err(|error: tokio_postgres::Error| OpenProblem::Engine(error.into()))?;
    if config.get_application_name().is_none() {
        config.application_name("matricula");
    }
    let mut roots = rustls::RootCertStore::empty();
    let found: Vec<CertificateDer<'static>> = rustls_native_certs::load_native_certs().certs;
    roots.add_parsable_certificates(found);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenProblem::Engine(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Server::new(config, MakeRustlsConnect::new(tls)))
}

impl Readers {
    fn read<T>(&self, read: impl Fn(&dyn Session) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + self.server.patience();
        self.note(self.attempts(Some(deadline), read))
    }

    fn scan<T>(&self, read: impl Fn(&dyn Session) -> Result<T>) -> Result<T> {
        // A separate connection, so that no short read waits.
        let scanned = self.server.connect().and_then(|connection| {
            connection.allow_long_reads()?;
            read(&connection)
        });
        self.note(scanned)
    }

    fn note<T>(&self, outcome: Result<T>) -> Result<T> {
        self.outage.note(outcome, Use::Reads, &*self.entropy)
    }

    fn attempts<T>(&self, deadline: Option<Instant>, read: impl Fn(&dyn Session) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (connection, fresh) = match idle.filter(|connection| !connection.is_lost()) {
            Some(connection) => (connection, false),
            None => (self.server.connect_by(deadline)?, true),
        };
        connection.set_deadline(deadline);
        let found = read(&connection);
        match found {
            // The server was restarted in the meantime: a read can be retried safely.
            Err(error) if error.kind == Kind::Lost && !fresh => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.attempts(deadline, read)
            }
            Err(error) if error.kind == Kind::Lost => Err(error),
            found => {
                if found.is_err() {
                    // The failed read may have left a transaction open.
                    connection.batch("ROLLBACK")?;
                }
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                found
            }
        }
    }
}

impl Postgres {
    /// Waits for work in a queue of a lane, or in front of a connection, no longer than a transaction may take. The work is
    /// not cancelled: the caller learns that the outcome is not known.
    async fn in_time<T>(
        &self,
        by: Use,
        work: impl Future<Output = std::result::Result<T, StoreError>>,
    ) -> std::result::Result<T, StoreError> {
        let patience = self.readers.server.patience() + SPARE;
        match tokio::time::timeout(patience, work).await {
            Ok(done) => done,
            Err(elapsed) => {
                let Readers { outage, entropy, .. } = &*self.readers;
                Ok(outage.note(Err(session::silent(elapsed)), by, &**entropy)?)
            }
        }
    }
}

impl Engine for Postgres {
    const SHARED: bool = true;

    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let read = async {
            let room = Arc::clone(&self.room).acquire_owned().await.map_err(StoreError::failed)?;
            let readers = Arc::clone(&self.readers);
            let read = tokio::task::spawn_blocking(move || {
                let _room = room;
                readers.read(read)
            });
            Ok(read.await.map_err(StoreError::failed)??)
        };
        self.in_time(Use::Reads, read).await
    }

    async fn scan<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        let scan = tokio::task::spawn_blocking(move || readers.scan(read));
        Ok(scan.await.map_err(StoreError::failed)??)
    }

    async fn look<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.read(read).await
    }

    async fn run<W: Work>(&self, work: W) -> std::result::Result<W::Output, StoreError> {
        self.in_time(Use::Writes, self.changes.run(work)).await
    }

    async fn write(&self, requests: Vec<Write>) -> std::result::Result<Vec<Written>, StoreError> {
        match creation::additions(requests) {
            Ok(additions) => self.in_time(Use::Writes, self.creation.run(additions)).await,
            Err(requests) => self.in_time(Use::Writes, self.changes.run(Requests(requests))).await,
        }
    }

    fn figures(&self) -> Figures {
        let reading = READERS.saturating_sub(self.room.available_permits());
        Figures {
            writers: vec![self.creation.figures(), self.changes.figures()],
            bytes: None,
            readers: Some((reading, READERS)),
        }
    }

    async fn replication(&self) -> std::result::Result<Option<Replication>, StoreError> {
        self.read(replication::read).await.map(Some)
    }

    async fn ping(&self) -> std::result::Result<(), StoreError> {
        let ping = async {
            self.creation.run(Additions(Vec::new())).await?;
            self.changes.run(Ping).await
        };
        self.in_time(Use::Writes, ping).await
    }
}
