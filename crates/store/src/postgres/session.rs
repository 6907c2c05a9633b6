//! A connection to PostgreSQL as a session. It runs on the caller's thread and blocks it.

use std::cell::{Cell as Mutable, RefCell};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use directory::AccountId;
use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

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

pub(super) struct Connection {
    // `None` only while it is dropped.
    runtime: Option<Runtime>,
    pub(super) client: Client,
    patience: Duration,
    statements: RefCell<HashMap<String, Statement>>,
    lost: Mutable<bool>,
}

/// The address of a server, and its TLS.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Server {
    pub(super) fn connect(&self) -> Result<Connection> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Lost, error))?;
        let patience = self.config.get_connect_timeout().copied().unwrap_or(PATIENCE);
        let connect = async {
            let connect = self.config.connect(self.tls.clone());
            let (client, connection) = tokio::time::timeout(patience, connect).await.map_err(silent)??;
            tokio::spawn(async move {
                // The next query reports that the connection has ended.
                let _ = connection.await;
            });
            Ok::<_, Error>(client)
        };
        let client = runtime.block_on(connect).map_err(|error| Error { kind: Kind::Lost, ..error })?;
        let connection = Connection {
            runtime: Some(runtime),
            client,
            patience,
            statements: RefCell::default(),
            lost: Mutable::new(false),
        };
        connection.batch(SETTINGS)?;
        Ok(connection)
    }
}

fn silent<E>(_: E) -> Error {
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
    /// Whether the connection is unusable.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.get() || self.client.is_closed()
    }

    /// Waits for the server.
    pub(super) fn wait<T>(
        &self,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        self.drive(async { Ok(tokio::time::timeout(self.patience, answer).await.map_err(silent)??) })
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
    pub(super) fn prepared(&self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        // PostgreSQL writes parameters as `$1`.
        let statement = self.wait(self.client.prepare(&sql.replace('?', "$")))?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let kind = match error.code() {
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
        [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(ty)
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
        let rows = self.wait(self.client.execute_raw(&statement, values.iter().copied()))?;
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
            let rows = self.client.query_raw(&statement, values.iter().copied());
            let mut rows = pin!(tokio::time::timeout(self.patience, rows).await.map_err(silent)??);
            while let Some(row) = tokio::time::timeout(self.patience, rows.next()).await.map_err(silent)? {
                if visit(Row(&row?))?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn batch(&self, sql: &str) -> Result<()> {
        self.wait(self.client.batch_execute(sql))
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
