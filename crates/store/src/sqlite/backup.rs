//! A copy of a database in use: as of one moment, and checked before it gets its name.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::in_use::InUse;
use super::migrate;
use super::open_reader;
use crate::backup::{BackedUp, BackupError, Step};
use crate::draft::{BESIDE, COPY, Draft, NEW, PART, folder_of};
use crate::migrations::SQLITE;

/// Pages copied between two reports: 8 MiB.
const SLICE: i32 = 2_048;

/// Copies a database to a new file while a server may write to it. The copy does not contain the master key.
pub(crate) fn backup(
    database: &Path,
    to: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<BackedUp, BackupError> {
    if !database.exists() {
        return Err(BackupError::Missing(database.to_owned()));
    }
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    if is_reserved(to, database) {
        return Err(BackupError::Reserved(to.to_owned()));
    }
    // So that a restore cannot replace it in the meantime.
    let in_use = InUse::shared(database).map_err(file_error)?;
    let _in_use = in_use.ok_or_else(|| BackupError::BeingRestored(database.to_owned()))?;
    let failed = |source| file_error((to.to_owned(), source));
    let (copied, draft) = (Draft::of(to, COPY).map_err(failed)?, Draft::of(to, PART).map_err(failed)?);
    // Opened for writing, so that no log is left if it closes the database last.
    let source = open_reader(database).map_err(|source| engine_error(database, source))?;
    let (copy, _) = copy(&source, database, copied.path(), progress)?;
    drop(source);
    progress(Step::Checking);
    let copy = without_free_pages(copy, database, draft.path())?;
    drop(copied);
    let bytes = std::fs::metadata(draft.path()).map_err(failed)?.len();
    // Checks that the pages arrived. Comparing indexes with rows takes minutes for millions of users, so only a restore
    // does it.
    let schema = check(&copy, database, "quick_check")?;
    close(copy, to)?;
    draft.name(to).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => failed(source),
    })?;
    Ok(BackedUp { bytes, schema })
}

/// Checks the pages of a database, and gives its size in bytes.
pub(crate) fn check_pages(database: &Path) -> Result<u64, BackupError> {
    let failed = |source| file_error((database.to_owned(), source));
    let bytes = std::fs::metadata(database).map_err(failed)?.len();
    let reader = open_reader(database).map_err(|source| engine_error(database, source))?;
    check(&reader, database, "quick_check")?;
    close(reader, database)?;
    Ok(bytes)
}

/// Whether a name next to a database is one that the program or SQLite deletes or reads as part of the database.
fn is_reserved(file: &Path, database: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(folder_of(path));
    let same_folder = matches!((real(file), real(database)), (Ok(one), Ok(other)) if one == other);
    let [name, database] =
        [file, database].map(|path| path.file_name().unwrap_or_default().as_encoded_bytes());
    let suffix = name.strip_prefix(database).and_then(|rest| str::from_utf8(rest).ok());
    same_folder
        && suffix.is_some_and(|suffix| {
            BESIDE.contains(&suffix)
                || suffix == ".lock"
                || [PART, NEW].iter().any(|end| suffix.ends_with(end))
        })
}

/// Copies the content of a database to an empty file, without free pages and deleted remains: they may hold hashes of
/// passwords that an older version did not overwrite.
fn without_free_pages(copy: Connection, of: &Path, to: &Path) -> Result<Connection, BackupError> {
    let target = to.to_str().ok_or_else(|| {
        let why = io::Error::new(io::ErrorKind::InvalidFilename, "the name is not UTF-8");
        file_error((to.to_owned(), why))
    })?;
    // Corruption errors belong to the source, I/O errors to the target.
    copy.execute("VACUUM INTO ?1", [target]).map_err(|source| match engine_error(of, source) {
        BackupError::Engine { source, .. } => BackupError::Engine { path: to.to_owned(), source },
        damage => damage,
    })?;
    close(copy, of)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(to, flags).map_err(|source| engine_error(to, source))
}

/// Copies what a connection reads as of one moment to an empty file, and gives the open copy and its size.
///
/// SQLite's backup restarts whenever another connection has written between two of its steps, because each step reads
/// as of another moment; under steady load it would never end. Here all steps run in one read transaction, which is one
/// moment. Writers go on in WAL mode, and the copy ends after as many steps as the database has pages. Their writes
/// stay in the log until then. `VACUUM INTO` would read as of the same moment, but hold up the log longer: it rebuilds
/// every tree, and does not report progress.
pub(super) fn copy(
    source: &Connection,
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(Connection, u64), BackupError> {
    let engine = |source| engine_error(from, source);
    source.busy_timeout(Duration::from_secs(10)).map_err(engine)?;
    let moment = source.unchecked_transaction().map_err(engine)?;
    // The transaction begins with the first read.
    moment.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(engine)?;
    let page: u32 = moment.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(engine)?;

    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let written = |source| engine_error(to, source);
    let mut target = Connection::open_with_flags(to, flags).map_err(written)?;
    // An incomplete copy is useless, so it is forced to disk only once, at the end.
    target.pragma_update(None, "journal_mode", "OFF").map_err(written)?;
    target.pragma_update(None, "synchronous", "OFF").map_err(written)?;
    let pages = {
        let backup = Backup::new(&moment, &mut target).map_err(written)?;
        loop {
            // Corruption errors belong to the source, I/O errors to the target.
            let step = backup.step(SLICE).map_err(|source| match engine(source) {
                BackupError::Engine { source, .. } => BackupError::Engine { path: to.to_owned(), source },
                damage => damage,
            })?;
            let (of, left) = (backup.progress().pagecount, backup.progress().remaining);
            let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * u64::from(page);
            progress(Step::Copied(bytes(of - left), bytes(of)));
            match step {
                StepResult::Done => break bytes(of),
                StepResult::More => {}
                _ => {
                    return Err(engine(rusqlite::Error::SqliteFailure(
                        ffi::Error::new(ffi::SQLITE_BUSY),
                        None,
                    )));
                }
            }
        }
    };
    // One file without a log, even when somebody opens it: the log comes back when a server opens it.
    let mode: String =
        target.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0)).map_err(written)?;
    if mode != "delete" {
        return Err(BackupError::Damaged {
            path: from.to_owned(),
            what: format!("its journal mode stays {mode}"),
        });
    }
    Ok((target, pages))
}

/// Checks an open copy of a file, and gives its schema.
pub(super) fn check(copy: &Connection, of: &Path, pragma: &str) -> Result<i64, BackupError> {
    let engine = |source| engine_error(of, source);
    let Some(schema) = migrate::schema_of(copy).map_err(engine)? else {
        return Err(BackupError::Foreign(of.to_owned()));
    };
    let known = i64::try_from(SQLITE.len()).unwrap_or(i64::MAX);
    if schema > known {
        return Err(BackupError::Newer { path: of.to_owned(), found: schema, known });
    }
    let state: String = copy.pragma_query_value(None, pragma, |row| row.get(0)).map_err(engine)?;
    if state != "ok" {
        return Err(BackupError::Damaged { path: of.to_owned(), what: state.replace('\n', " ") });
    }
    Ok(schema)
}

pub(super) fn close(connection: Connection, path: &Path) -> Result<(), BackupError> {
    connection.close().map_err(|(_, source)| engine_error(path, source))
}

pub(super) fn file_error((path, source): (PathBuf, io::Error)) -> BackupError {
    BackupError::File { path, source }
}

/// Unreadable pages are corruption, and a file without any is not a Matricula database: the reader need not know the
/// engine.
pub(super) fn engine_error(path: &Path, source: rusqlite::Error) -> BackupError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => BackupError::Foreign(path),
        Some(ErrorCode::DatabaseCorrupt) => BackupError::Damaged { path, what: source.to_string() },
        _ => BackupError::Engine { path, source: source.into() },
    }
}
