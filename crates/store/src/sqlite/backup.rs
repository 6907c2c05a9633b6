//! A copy of a database that others are writing to: as of one moment, checked before it gets its name.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::in_use::InUse;
use super::migrate::{self, MIGRATIONS};
use super::open_reader;
use crate::backup::{BackedUp, BackupError, Step};
use crate::draft::{BESIDE, Draft, NEW, PART, folder_of};

/// What the copy of the pages ends in, of which the backup is made.
const COPY: &str = ".copy.part";

/// Pages copied between two reports: 8 MiB.
const SLICE: i32 = 2_048;

/// Copies a database to a new file, also while a server is writing to it. The master key is not in the copy.
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
    // So that nobody puts another database in its place meanwhile.
    let in_use = InUse::shared(database).map_err(file_error)?;
    let _in_use = in_use.ok_or_else(|| BackupError::BeingRestored(database.to_owned()))?;
    let failed = |source| file_error((to.to_owned(), source));
    let (copied, draft) = (Draft::of(to, COPY).map_err(failed)?, Draft::of(to, PART).map_err(failed)?);
    // It can write, so that no log stays behind when it is the last to close the database.
    let source = open_reader(database).map_err(|source| engine_error(database, source))?;
    let (copy, _) = copy(&source, database, copied.path(), progress)?;
    drop(source);
    progress(Step::Checking);
    let copy = without_free_pages(copy, database, draft.path())?;
    drop(copied);
    let bytes = std::fs::metadata(draft.path()).map_err(failed)?.len();
    // Its pages are those of the database: whether they arrived is the question. Indexes are compared with their rows
    // when the backup is restored, which takes minutes for millions of users.
    let schema = check(&copy, database, "quick_check")?;
    close(copy, to)?;
    draft.name(to).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => failed(source),
    })?;
    Ok(BackedUp { bytes, schema })
}

/// Whether a file next to a database has a name that the program or the engine removes, or reads as a part of the database.
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

/// Copies what is in a database to an empty file, without free pages and the remains on others: they may hold hashes of
/// passwords that were removed before they were wiped at once.
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

/// Copies what a connection reads as of one moment into an empty file, and gives the open copy and its size.
///
/// SQLite's backup restarts whenever another connection has written between two of its steps, and under steady
/// load would never end. It does so because each step reads as of another moment. Here all of them stand in one read
/// transaction, which is one moment: writers go on meanwhile, as WAL lets them, and the copy ends after as many steps
/// as the database has pages. What they write stays in the log until then. `VACUUM INTO` would see the same moment and
/// hold up the log longer: it rebuilds every tree, and does not report progress.
pub(super) fn copy(
    source: &Connection,
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(Connection, u64), BackupError> {
    let engine = |source| engine_error(from, source);
    source.busy_timeout(Duration::from_secs(10)).map_err(engine)?;
    let moment = source.unchecked_transaction().map_err(engine)?;
    // The transaction begins with what is read first.
    moment.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(engine)?;
    let page: u32 = moment.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(engine)?;

    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let written = |source| engine_error(to, source);
    let mut target = Connection::open_with_flags(to, flags).map_err(written)?;
    // Half a copy is useless, so it is forced to disk only once, at the end.
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
    // One file and nothing beside it, also when somebody looks into it: the log comes back when a server opens it.
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
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
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

/// Pages that can't be read are damage, and a file without any is not ours: the reader need not know the engine.
pub(super) fn engine_error(path: &Path, source: rusqlite::Error) -> BackupError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => BackupError::Foreign(path),
        Some(ErrorCode::DatabaseCorrupt) => BackupError::Damaged { path, what: source.to_string() },
        _ => BackupError::Engine { path, source: source.into() },
    }
}
