//! The embedded engine: one writer thread that commits in groups, a read connection per thread, WAL with
//! `synchronous=FULL`.

mod backup;
mod checkpoint;
mod damage;
mod found;
mod in_use;
mod migrate;
mod restore;
mod saved_state;
mod schema;
mod session;
mod writer;

#[cfg(test)]
mod once_tests;

pub(crate) use backup::{backup, check_pages};
pub(crate) use restore::{check_backup, restore};
pub use saved_state::SavedState;
pub(crate) use saved_state::{restore_state, save_state};
pub(crate) use schema::{migrate, schema};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::port::{Clock, Entropy, Figures, Store, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use thread_local::ThreadLocal;

use crate::draft::{Draft, NEW, with_suffix};
use crate::port::{Engine, TableStore};
use crate::problem::OpenProblem;
use crate::session::{Result, Session};
use crate::snapshot::Snapshot;
use crate::tables::memory::{GENERATION, Memory};
use crate::tables::work::Work;
use crate::tables::{forget, read};
use crate::vault::{MasterKey, Vault, VaultError};
use crate::work::{Job, Writer};
use damage::Damage;
use in_use::InUse;

/// Compiled statements that a connection keeps.
const STATEMENTS: usize = 96;

/// Fields drop in this order: the connection that closes last moves the log into the database.
struct Sqlite {
    readers: ThreadLocal<Connection>,
    writer: Writer<Box<dyn Job>>,
    /// Drops after the writer.
    _mover: checkpoint::Mover,
    path: PathBuf,
    memory: Arc<Memory>,
    damage: Arc<Damage>,
    /// Held to the end, so that no other file can replace the database.
    in_use: Arc<InUse>,
    /// Checks after everything else is closed.
    _log: LogLeft,
}

/// Warns when the log remains after the last program closed the database: then the file alone is incomplete.
struct LogLeft(PathBuf);

impl Drop for LogLeft {
    fn drop(&mut self) {
        let log = with_suffix(&self.0, "-wal");
        let left = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        // Another program that uses the database keeps the log.
        if left && matches!(InUse::alone(&self.0), Ok(Some(_))) {
            tracing::warn!(
                database = %self.0.display(),
                log = %log.display(),
                "the log could not be moved into the database: a copy of the database needs both files. Is the disk full?"
            );
        }
    }
}

/// Creates an empty directory; `false`: one already exists. It gets its name when it is complete and on disk.
pub(crate) fn create(
    path: &Path,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> std::result::Result<bool, OpenProblem> {
    match found::look(path) {
        Ok(()) => return Ok(false),
        Err(OpenProblem::Missing) => {}
        Err(problem) => return Err(problem),
    }
    let failed = |source| OpenProblem::file(path, source);
    let _in_use = InUse::beside_others(path)?;
    let draft = Draft::of(path, NEW).map_err(failed)?.for_owner_of_folder();
    let mut connection = open_writer(draft.path())?;
    migrate::run(&mut connection)?;
    migrate::write_ring(&mut connection, &Vault::new_ring(master, entropy)?)?;
    connection.close().map_err(|(_, error)| error)?;
    match draft.name(path) {
        Ok(()) => Ok(true),
        // Another process was first.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Opens the database, and migrates it when needed.
pub(crate) fn open(
    path: &Path,
    master: &MasterKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> std::result::Result<Arc<dyn Store>, OpenProblem> {
    let in_use = Arc::new(hold(path)?);
    let mut connection = open_writer(path)?;
    migrate::run(&mut connection)?;
    let ring = {
        let ring = read::ring(&connection)?;
        if ring.is_empty() {
            // A new ring opens nothing that was sealed with the old one.
            if read::has_sealed(&connection)? {
                return Err(VaultError::NoKeys.into());
            }
            migrate::write_ring(&mut connection, &Vault::new_ring(master, &*entropy)?)?;
            // Another process may have been first: the database is authoritative.
            read::ring(&connection)?
        } else {
            ring
        }
    };
    let vault = Arc::new(Vault::open(master, &ring)?);
    let forgotten = forget::up_to(&connection)?;
    let memory = Arc::new(Memory::read(&connection, GENERATION)?);
    let (rest, mover) = checkpoint::start(&mut connection, open_writer(path)?)?;
    let damage = Arc::new(Damage::none(path.to_owned()));
    let lane = writer::Writer::new(
        connection,
        rest,
        Arc::clone(&vault),
        entropy,
        Arc::clone(&memory),
        Arc::clone(&damage),
    );
    let writer = Writer::start("store-writer", [lane]).map_err(OpenProblem::Thread)?;
    let readers = ThreadLocal::new();
    let engine = Sqlite {
        readers,
        writer,
        _mover: mover,
        path: path.to_owned(),
        memory,
        damage,
        in_use,
        _log: LogLeft(path.to_owned()),
    };
    Ok(Arc::new(TableStore::new(engine, vault, Snapshot::new(clock, forgotten))))
}

/// Replaces the master key. Rows and ids stay the same.
pub(crate) fn rotate_master_key(
    path: &Path,
    old: &MasterKey,
    new: &MasterKey,
    entropy: &dyn Entropy,
) -> std::result::Result<(), OpenProblem> {
    let _in_use = hold(path)?;
    let mut connection = open_writer(path)?;
    let ring = Vault::rewrap(old, new, &read::ring(&connection)?, entropy)?;
    Ok(migrate::write_ring(&mut connection, &ring)?)
}

impl Engine for Sqlite {
    const SHARED: bool = false;

    fn figures(&self) -> Figures {
        let size = |suffix| std::fs::metadata(with_suffix(&self.path, suffix)).map_or(0, |file| file.len());
        Figures { writers: vec![self.writer.figures()], bytes: Some((size(""), size("-wal"))), readers: None }
    }

    /// Reads on this thread's own connection: an indexed read takes less time than handing it to another thread.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let connection = self.readers.get_or_try(|| open_reader(&self.path)).map_err(StoreError::failed)?;
        Ok(self.damage.watch(read(connection))?)
    }

    async fn scan<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let (path, damage, in_use) = (self.path.clone(), Arc::clone(&self.damage), Arc::clone(&self.in_use));
        let scan = tokio::task::spawn_blocking(move || {
            let found = open_reader(&path).map_err(Into::into).and_then(|connection| read(&connection));
            drop(in_use);
            damage.watch(found)
        });
        Ok(scan.await.map_err(StoreError::failed)??)
    }

    fn memory(&self) -> Option<Arc<Memory>> {
        Some(Arc::clone(&self.memory))
    }

    fn sound(&self) -> std::result::Result<(), StoreError> {
        self.damage.check()
    }

    async fn run<W: Work>(&self, work: W) -> std::result::Result<W::Output, StoreError> {
        self.writer.run(work).await
    }
}

/// Checks that the file is a database of this program before a byte is written to it, and locks it against replacement.
fn hold(path: &Path) -> std::result::Result<InUse, OpenProblem> {
    let in_use = found::hold(path)?;
    migrate::schema_of(&open_reader(path)?)?.ok_or(OpenProblem::Foreign)?;
    Ok(in_use)
}

/// A connection that writes to an existing database. A commit's pages go into the log with one call of the system, for
/// which `synchronous=FULL` is needed (`collecting_vfs`).
fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match collecting_vfs::register() {
        Ok(()) => Connection::open_with_flags_and_vfs(path, flags, collecting_vfs::NAME)?,
        Err(error) => {
            tracing::warn!(%error, "each page is written separately, which is slower");
            Connection::open_with_flags(path, flags)?
        }
    };
    // Another process, such as `matricula admin`, may be writing: wait for it.
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    keep_plans(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    writer::set_cache(&connection)?;
    // Deleted rows are overwritten: they may hold the hash of a password.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", writer::WAL_PAGES)?;
    Ok(connection)
}

/// Compiles each statement once, for any values. Otherwise SQLite compiles a statement again at each use when its plan might
/// depend on a value, such as that of a `LIMIT`.
pub(crate) fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A connection that only reads. It is opened for writing, because a read-only connection that closes last leaves the
/// log.
fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    keep_plans(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
