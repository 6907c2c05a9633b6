//! A connection that writes. It reconnects, and retries a transaction after a conflict.

use std::cell::Cell;
use std::sync::Arc;

use std::time::Instant;

use directory::AccountId;
use directory::port::Entropy;

use super::outage::{Outage, Use};
use super::session::{Connection, Server};
use crate::audit::Head;
use crate::session::{Error, Kind, Result, Session, values};
use crate::tables::batch::{Batch, Chain};
use crate::vault::Vault;
use crate::work::{Commit, Job};

/// The chain of changes. A transaction with any change other than an addition locks its end: so changes are made one
/// after the other on all nodes, and each is judged by the state after the one before.
pub(super) const CHANGES: i64 = 1;

/// Retries of a transaction after conflicts. Each conflict means that another transaction was committed.
const CONFLICTS: u32 = 50;

pub(super) struct Lane {
    pub(super) server: Server,
    /// What begins a transaction.
    pub(super) begin: &'static str,
    pub(super) vault: Arc<Vault>,
    pub(super) entropy: Arc<dyn Entropy>,
    outage: Arc<Outage>,
    connection: Option<Connection>,
}

/// The progress of a transaction.
#[derive(Default)]
pub(super) struct Progress {
    /// Whether the commit was sent: if the connection is lost after that, the outcome is unknown.
    pub(super) committing: Cell<bool>,
}

impl Lane {
    pub(super) fn new(
        server: Server,
        begin: &'static str,
        vault: Arc<Vault>,
        entropy: Arc<dyn Entropy>,
        outage: Arc<Outage>,
        connection: Option<Connection>,
    ) -> Self {
        Self { server, begin, vault, entropy, outage, connection }
    }

    /// Runs a transaction. `repeatable`: it does no harm when it runs twice.
    pub(super) fn transaction<T>(
        &mut self,
        name: &'static str,
        repeatable: bool,
        run: impl FnMut(&Self, &Connection, &Progress) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.attempts(name, repeatable, run);
        self.outage.note(outcome, Use::Writes, &*self.entropy)
    }

    fn attempts<T>(
        &mut self,
        name: &'static str,
        repeatable: bool,
        mut run: impl FnMut(&Self, &Connection, &Progress) -> Result<T>,
    ) -> Result<T> {
        #[expect(clippy::disallowed_methods, reason = "elapsed time, for the log")]
        let began = Instant::now();
        let deadline = Some(tokio::time::Instant::from_std(began) + self.server.patience());
        let (mut conflicts, mut lost) = (0, 0);
        loop {
            let connection = match self.connection.take().filter(|connection| !connection.is_lost()) {
                Some(connection) => connection,
                None => self.server.connect_by(deadline)?,
            };
            connection.set_deadline(deadline);
            let progress = Progress::default();
            let outcome = run(self, &connection, &progress);
            let error = match outcome {
                // Committed, but not known to survive a failover. A retry finds that it ran, and waits for the standby.
                Ok(_) if connection.is_unconfirmed() => {
                    connection.set_lost();
                    Error::new(Kind::Lost, "the wait for the standby was cancelled")
                }
                Ok(done) => {
                    self.connection = Some(connection);
                    tracing::debug!(name, conflicts, elapsed = ?began.elapsed(), "transaction");
                    return Ok(done);
                }
                Err(error) => error,
            };
            if error.kind != Kind::Lost && connection.batch("ROLLBACK").is_ok() {
                self.connection = Some(connection);
            }
            match error.kind {
                // Two nodes ran the same request at the same time: the retry finds that it ran.
                Kind::Conflict | Kind::Unique if conflicts < CONFLICTS => conflicts += 1,
                Kind::Lost if lost == 0 && (repeatable || !progress.committing.get()) => lost += 1,
                _ => return Err(error),
            }
            tracing::debug!(name, %error, "retrying transaction");
        }
    }
}

/// The lane of changes: one group after the other on all nodes.
pub(super) struct Changes(pub(super) Lane);

impl Commit for Changes {
    type Queued = Box<dyn Job>;

    fn commit(&mut self, group: &mut [Self::Queued]) -> Result<()> {
        let repeatable = group.iter().all(|job| job.is_repeatable());
        self.0.transaction("changes", repeatable, |lane, connection, progress| {
            let session: &dyn Session = connection;
            session.batch(lane.begin)?;
            let chain = Chain::read(session, CHANGES, " FOR UPDATE")?;
            let mut batch = Batch::begin(session, &lane.vault, &*lane.entropy, chain);
            group.iter_mut().try_for_each(|job| job.run(&mut batch))?;
            batch.end()?;
            progress.committing.set(true);
            session.batch("COMMIT")
        })
    }
}

/// Creates a chain, unless it exists. A chain with events but no end was tampered with, and stays so.
pub(super) fn add_chain(session: &dyn Session, vault: &Vault, chain: i64) -> Result<()> {
    let head = Head::empty(chain);
    let sql = "INSERT INTO audit_chains (chain, seq, hash, seal, at) 
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM audit_events WHERE chain = ?1)
         ON CONFLICT DO NOTHING";
    let seal = head.seal(&vault.audit);
    session.execute(sql, values![chain, head.seq, head.hash, seal, i64::MIN]).map(|_| ())
}

/// An internal contradiction.
pub(super) fn impossible(what: &'static str) -> Error {
    Error::new(Kind::Other, what)
}

/// The number under which an account is locked. Two accounts may share one: then one waits needlessly.
pub(super) fn lock(account: AccountId) -> i64 {
    let bytes = account.as_bytes();
    let mut random = [0; 8];
    random.copy_from_slice(&bytes[8..]);
    i64::from_be_bytes(random)
}
