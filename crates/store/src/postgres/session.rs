//! A connection to PostgreSQL as a session. It runs on the caller's thread and blocks it.

use std::borrow::Cow;
use std::cell::{Cell as Mutable, RefCell};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use directory::AccountId;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio::time::error::Elapsed;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, Kind as TypeKind, ToSql, Type, to_sql_checked};
use tokio_postgres::{AsyncMessage, Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::replication::UNPROTECTED;
use super::version;
use crate::session::{Cell, Cells, Error, Kind, Result, Row, Session, Value, values};

/// Longest wait for a connection and for a response, unless the connection string sets `connect_timeout`. A longer wait
/// means that the network is down.
const PATIENCE: Duration = Duration::from_secs(15);

/// Settings of every connection. A node that is cut off in the middle of a transaction must not keep its locks; and a
/// commit must be on disk when it is reported.
///
/// Statements are planned once, when tables may still be empty. So index scans are forced, or a statement might read
/// whole tables forever. None is worth JIT compilation.
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off; SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '10s';
    SET statement_timeout = '60s'; SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'";

/// The same for one transaction, on a connection that belongs to a pooler. Statements are then planned each time.
const LOCAL: &str = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
    set_config('idle_in_transaction_session_timeout', '10s', true), set_config('lock_timeout', '10s', true),
    set_config('statement_timeout', '60s', true), set_config('synchronous_commit', 'on', true)";

/// How often two connections are told apart at the start.
const TRIALS: u32 = 3;

pub(super) struct Connection {
    // `None` only while it is dropped.
    runtime: Option<Runtime>,
    pub(super) client: Client,
    patience: Duration,
    /// The end of the transaction that runs, if it has one.
    deadline: Mutable<Option<Instant>>,
    /// Whether a pooler gives each transaction another connection to the database. Then nothing is left on it: no
    /// statement and no setting, which others would find there.
    is_pooled: bool,
    statements: RefCell<HashMap<String, Sent>>,
    lost: Mutable<bool>,
    /// Whether somebody ended the wait of a commit for its standby. PostgreSQL then reports success and a warning.
    unconfirmed: Arc<AtomicBool>,
}

/// A statement, as it is sent.
#[derive(Clone)]
pub(super) enum Sent {
    /// Prepared once for the connection.
    Prepared(Statement),
    /// With its text each time.
    Text(Arc<str>),
}

/// A parameter and its type.
pub(super) type Typed<'p> = (&'p (dyn ToSql + Sync), Type);

/// The address of a server, and its TLS. Clones share what was found out about it.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    is_pooled: Arc<OnceLock<bool>>,
}

impl Server {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect) -> Self {
        Self { config, tls, is_pooled: Arc::default() }
    }

    /// Whether a pooler such as pgbouncer in transaction mode is in front of the server. What one connection sets, another
    /// one then finds, or the first one misses.
    fn is_pooled(&self, deadline: Option<Instant>) -> Result<bool> {
        if let Some(is_pooled) = self.is_pooled.get() {
            return Ok(*is_pooled);
        }
        let (one, other) = (self.open(false, deadline)?, self.open(false, deadline)?);
        let set = |connection: &Connection, value| {
            connection.batch(&format!("SELECT set_config('matricula.connection', '{value}', false)"))
        };
        let mut is_pooled = false;
        for _ in 0..TRIALS {
            set(&one, "one")?;
            set(&other, "other")?;
            let sql = "SELECT coalesce(current_setting('matricula.connection', true), '')";
            let kept = one.wait(one.client.query_typed(sql, &[]))?;
            is_pooled |=
                !kept.first().is_some_and(|row| row.try_get::<_, &str>(0).is_ok_and(|kept| kept == "one"));
        }
        if *self.is_pooled.get_or_init(|| is_pooled) {
            tracing::info!(
                "a pooler in transaction mode is in front of the database: statements are sent whole"
            );
        }
        Ok(is_pooled)
    }

    /// Longest wait for a connection, for a response, and for a transaction of requests.
    pub(super) fn patience(&self) -> Duration {
        self.config.get_connect_timeout().copied().unwrap_or(PATIENCE)
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        self.connect_by(None)
    }

    /// Connects, and gives the connection a deadline.
    pub(super) fn connect_by(&self, deadline: Option<Instant>) -> Result<Connection> {
        let connection = self.open(self.is_pooled(deadline)?, deadline)?;
        if !connection.is_pooled {
            connection.batch(SETTINGS)?;
        }
        Ok(connection)
    }

    /// Connects, and occupies a connection of the database even behind a pooler in session mode.
    pub(super) fn occupy(&self, deadline: Option<Instant>) -> Result<Connection> {
        let connection = self.open(false, deadline)?;
        connection.batch("SELECT 1")?;
        Ok(connection)
    }

    fn open(&self, is_pooled: bool, deadline: Option<Instant>) -> Result<Connection> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Lost, error))?;
        let patience = self.patience();
        let connect = async {
            let connect = self.config.connect(self.tls.clone());
            let (client, connection) = within(patience, deadline, connect).await.map_err(silent)??;
            let version = connection.parameter("server_version").unwrap_or_default().to_owned();
            let unconfirmed = Arc::new(AtomicBool::new(false));
            tokio::spawn(drive(connection, Arc::clone(&unconfirmed)));
            Ok::<_, Error>((client, version, unconfirmed))
        };
        let connected = runtime.block_on(connect).map_err(|error| Error { kind: Kind::Lost, ..error });
        let (client, version, unconfirmed) = connected?;
        version::check(&version)?;
        Ok(Connection {
            runtime: Some(runtime),
            client,
            patience,
            deadline: Mutable::new(deadline),
            is_pooled,
            statements: RefCell::default(),
            lost: Mutable::new(false),
            unconfirmed,
        })
    }
}

/// Moves messages until the connection ends, which the next query reports. Notes that a commit no longer waits for a
/// standby.
async fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, unconfirmed: Arc<AtomicBool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        // By the name of PostgreSQL's function, because the text is translated.
        if let AsyncMessage::Notice(notice) = message
            && notice.routine() == Some("SyncRepWaitForLSN")
        {
            unconfirmed.store(true, Ordering::Relaxed);
        }
    }
}

/// Waits for `patience`, or until the deadline if that is earlier.
async fn within<T>(
    patience: Duration,
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> std::result::Result<T, Elapsed> {
    let latest = Instant::now() + patience;
    tokio::time::timeout_at(deadline.map_or(latest, |deadline| deadline.min(latest)), work).await
}

pub(super) fn silent<E>(_: E) -> Error {
    Error::new(Kind::Lost, "the database does not answer")
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting: it may be dropped where blocking is not allowed.
            runtime.shutdown_background();
        }
    }
}

impl Connection {
    /// Whether a pooler gives each transaction another connection to the database.
    pub(super) fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// Whether the connection is unusable.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.get() || self.client.is_closed()
    }

    /// Whether a commit was reported although no standby has confirmed it.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed.load(Ordering::Relaxed)
    }

    /// Makes the connection unusable.
    pub(super) fn set_lost(&self) {
        self.lost.set(true);
    }

    /// Sets the deadline of the transaction that follows; `None`: each response has its own.
    pub(super) fn set_deadline(&self, deadline: Option<Instant>) {
        self.deadline.set(deadline);
    }

    /// Waits for the server.
    pub(super) fn wait<T>(
        &self,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        self.drive(async { Ok(within(self.patience, self.deadline.get(), answer).await.map_err(silent)??) })
    }

    fn drive<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(runtime) = &self.runtime else { return Err(silent(())) };
        runtime.block_on(work).inspect_err(|error| {
            if error.kind == Kind::Lost {
                self.lost.set(true);
            }
        })
    }

    /// The statement, prepared once.
    pub(super) fn prepared(&self, sql: &str) -> Result<Sent> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        // PostgreSQL writes parameters as `$1`.
        let text = sql.replace('?', "$");
        let statement = match self.is_pooled {
            true => Sent::Text(text.into()),
            false => Sent::Prepared(self.wait(self.client.prepare(&text))?),
        };
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs a statement that gives rows.
    pub(super) async fn query(
        &self,
        statement: &Sent,
        parameters: &[Typed<'_>],
    ) -> std::result::Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
        match statement {
            Sent::Prepared(statement) => self.client.query(statement, &untyped(parameters)).await,
            Sent::Text(sql) => self.client.query_typed(sql, parameters).await,
        }
    }

    /// Runs a statement that gives none.
    pub(super) async fn run(
        &self,
        statement: &Sent,
        parameters: &[Typed<'_>],
    ) -> std::result::Result<u64, tokio_postgres::Error> {
        match statement {
            Sent::Prepared(statement) => self.client.execute(statement, &untyped(parameters)).await,
            Sent::Text(sql) => self.client.execute_typed(sql, parameters).await,
        }
    }

    /// Lets a statement take as long as it needs. A pooler's connection has no limit of ours outside of transactions.
    pub(super) fn allow_long_reads(&self) -> Result<()> {
        if self.is_pooled { Ok(()) } else { self.batch("SET statement_timeout = 0") }
    }

    /// What begins a transaction: with its settings, if the connection cannot keep them.
    pub(super) fn begin<'s>(&self, begin: &'s str) -> Cow<'s, str> {
        if self.is_pooled { format!("{begin}; {LOCAL}").into() } else { begin.into() }
    }
}

fn untyped<'p>(parameters: &[Typed<'p>]) -> Vec<&'p (dyn ToSql + Sync)> {
    parameters.iter().map(|(value, _)| *value).collect()
}

/// No type: PostgreSQL takes that of the column. Only for a null, which is written without one.
static ANY: LazyLock<Type> =
    LazyLock::new(|| Type::new("any".to_owned(), 0, TypeKind::Pseudo, "pg_catalog".to_owned()));

impl Value<'_> {
    pub(super) fn kind(&self) -> Type {
        match self {
            Value::Null => ANY.clone(),
            Value::Integer(_) => Type::INT8,
            Value::Text(_) => Type::TEXT,
            Value::Bytes(_) => Type::BYTEA,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let kind = match error.code() {
            Some(code) if code.code() == UNPROTECTED => Kind::Unprotected,
            Some(&SqlState::UNIQUE_VIOLATION) => Kind::Unique,
            Some(&SqlState::FOREIGN_KEY_VIOLATION) => Kind::ForeignKey,
            Some(
                &SqlState::T_R_SERIALIZATION_FAILURE
                | &SqlState::T_R_DEADLOCK_DETECTED
                | &SqlState::LOCK_NOT_AVAILABLE,
            ) => Kind::Conflict,
            // The server is stopping or starting, is full, has become a standby, or ended a statement that took too
            // long.
            Some(code)
                if ["08", "53", "57"].iter().any(|class| code.code().starts_with(class))
                    || [
                        SqlState::READ_ONLY_SQL_TRANSACTION,
                        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                    ]
                    .contains(code) =>
            {
                Kind::Lost
            }
            Some(_) => Kind::Other,
            None if error.is_closed() || io(&error) => Kind::Lost,
            None => Kind::Other,
        };
        // The driver's own text says little; its cause has the message of the server or the network.
        match error.as_db_error() {
            Some(told) => Error::new(kind, format!("{} ({})", told.message(), told.code().code())),
            None => {
                let causes: String = causes(&error).map(|cause| format!(": {cause}")).collect();
                Error::new(kind, format!("{error}{causes}"))
            }
        }
    }
}

fn causes(error: &tokio_postgres::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

fn io(error: &tokio_postgres::Error) -> bool {
    causes(error).any(|cause| cause.is::<std::io::Error>())
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Value::Integer(number) => number.to_sql(ty, out),
            Value::Text(text) => text.to_sql(ty, out),
            Value::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(ty) || *ty == *ANY
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Cell::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Cell::Integer(i32::from_sql(ty, raw)?.into()),
            Type::TEXT => Cell::Text(str::from_utf8(raw)?),
            _ => Cell::Bytes(raw),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Cell::Null)
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(ty)
    }
}

impl Cells for tokio_postgres::Row {
    fn cell(&self, column: usize) -> Result<Cell<'_>> {
        Ok(self.try_get(column)?)
    }
}

impl Session for Connection {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        let statement = self.prepared(sql)?;
        let typed = values.iter().map(|value| (value as &(dyn ToSql + Sync), value.kind()));
        let rows = self.wait(self.run(&statement, &typed.collect::<Vec<_>>()))?;
        Ok(usize::try_from(rows).unwrap_or(usize::MAX))
    }

    fn visit(
        &self,
        sql: &str,
        values: &[Value<'_>],
        visit: &mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let statement = self.prepared(sql)?;
        self.drive(async {
            let rows = async {
                let values = values.iter().copied();
                match &statement {
                    Sent::Prepared(statement) => self.client.query_raw(statement, values).await,
                    Sent::Text(sql) => {
                        self.client.query_typed_raw(sql, values.map(|value| (value, value.kind()))).await
                    }
                }
            };
            let (patience, deadline) = (self.patience, self.deadline.get());
            let mut rows = pin!(within(patience, deadline, rows).await.map_err(silent)??);
            while let Some(row) = within(patience, deadline, rows.next()).await.map_err(silent)? {
                if visit(Row(&row?))?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn batch(&self, sql: &str) -> Result<()> {
        let sql = if sql.starts_with("BEGIN") { self.begin(sql) } else { sql.into() };
        self.wait(self.client.batch_execute(&sql))
    }

    fn hold(&self, account: AccountId) -> Result<()> {
        let session: &dyn Session = self;
        session
            .only("SELECT 1 FROM pg_advisory_xact_lock(?1)", values![super::lane::lock(account)], |_| Ok(()))
    }

    fn begin_moment(&self) -> Result<()> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }
}
