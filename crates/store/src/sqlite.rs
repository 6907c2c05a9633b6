//! The embedded engine: one writer thread that commits in groups, a read connection per thread, WAL with
//! `synchronous=FULL`.

mod backup;
mod checkpoint;
mod in_use;
mod kept;
mod migrate;
mod restore;
mod schema;
mod session;
mod writer;

pub(crate) use backup::backup;
pub use kept::Kept;
pub(crate) use kept::{keep, put_back};
#[cfg(test)]
pub(crate) use migrate::MIGRATIONS;
pub(crate) use restore::restore;
pub(crate) use schema::{migrate, schema};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::port::{Clock, Entropy, Store, StoreError};
use rusqlite::{Connection, OpenFlags};
use thread_local::ThreadLocal;

use crate::location::OpenProblem;
use crate::port::{Engine, TableStore};
use crate::session::{Result, Session};
use crate::snapshot::Snapshot;
use crate::tables::read;
use crate::vault::{MasterKey, Vault};
use crate::work::{Outcome, Work, Writer};
use in_use::InUse;

struct Sqlite {
    writer: Writer,
    /// Ends after the writer.
    _mover: checkpoint::Mover,
    readers: ThreadLocal<Connection>,
    path: PathBuf,
    /// Held to the last, so that nobody puts another file in the place of the database meanwhile.
    _in_use: InUse,
}

/// Opens the database, making or migrating it when needed.
pub(crate) fn open(
    path: &Path,
    master: &MasterKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> std::result::Result<Arc<dyn Store>, OpenProblem> {
    let in_use = InUse::beside_others(path)?;
    let mut connection = Connection::open(path)?;
    configure_writer(&connection)?;
    migrate::run(&mut connection)?;
    let ring = {
        let ring = read::ring(&connection)?;
        if ring.is_empty() {
            migrate::write_ring(&mut connection, &Vault::new_ring(master, &*entropy)?)?;
            // Another process may have been first: what stands in the database counts.
            read::ring(&connection)?
        } else {
            ring
        }
    };
    let vault = Arc::new(Vault::open(master, &ring)?);
    let mover = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure_writer(&mover)?;
    let (rest, mover) = checkpoint::start(&mut connection, mover)?;
    let lane = writer::Writer::new(connection, rest, Arc::clone(&vault), entropy);
    let writer = Writer::start("store-writer", [lane]).map_err(OpenProblem::Thread)?;
    let engine =
        Sqlite { writer, _mover: mover, readers: ThreadLocal::new(), path: path.to_owned(), _in_use: in_use };
    Ok(Arc::new(TableStore { engine, vault, snapshot: Snapshot::new(clock) }))
}

/// Exchanges the master key. The rows and the ids stay as they are.
pub(crate) fn rotate_master_key(
    path: &Path,
    old: &MasterKey,
    new: &MasterKey,
    entropy: &dyn Entropy,
) -> std::result::Result<(), OpenProblem> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure_writer(&connection)?;
    let ring = Vault::rewrap(old, new, &read::ring(&connection)?, entropy)?;
    Ok(migrate::write_ring(&mut connection, &ring)?)
}

impl Engine for Sqlite {
    const SHARED: bool = false;

    /// On this thread's own connection: what an index finds is found sooner than it could be handed over.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let connection = self.readers.get_or_try(|| open_reader(&self.path)).map_err(StoreError::failed)?;
        Ok(read(connection)?)
    }

    async fn scan<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Session) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let path = self.path.clone();
        let scan = tokio::task::spawn_blocking(move || read(&open_reader(&path)?));
        Ok(scan.await.map_err(StoreError::failed)??)
    }

    async fn run(&self, work: Work) -> std::result::Result<Outcome, StoreError> {
        self.writer.run(work).await
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
