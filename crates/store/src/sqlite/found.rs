//! What exists at the location of a database. A missing database is never created silently: it would be served as an
//! empty directory, and destroy the log that belongs to it.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::in_use::InUse;
use crate::draft::{BESIDE, folder_of, with_suffix};
use crate::problem::{Left, OpenProblem};

/// The first bytes of an SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Checks that the database exists, makes it readable only by its owner, and locks it against replacement.
pub(super) fn hold(database: &Path) -> Result<InUse, OpenProblem> {
    // Checked first, so that no lock file is created where the database is missing.
    if let Err(problem) = look(database) {
        return Err(if InUse::is_held_alone(database) { OpenProblem::BeingRestored } else { problem });
    }
    let in_use = InUse::beside_others(database)?;
    // It may have been replaced before the lock was held.
    look(database)?;
    for suffix in std::iter::once("").chain(BESIDE) {
        keep_private(&with_suffix(database, suffix))?;
    }
    Ok(in_use)
}

/// Succeeds if the database exists; otherwise names the files that an earlier one left.
pub(super) fn look(database: &Path) -> Result<(), OpenProblem> {
    match std::fs::metadata(database) {
        Ok(metadata) if !metadata.is_file() => Err(OpenProblem::Foreign),
        Ok(metadata) if metadata.len() == 0 => Err(OpenProblem::Empty),
        Ok(_) => begins_as_a_database(database),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let left = left_of(database).map_err(|source| OpenProblem::file(database, source))?;
            Err(left.map_or(OpenProblem::Missing, |(file, what)| OpenProblem::Leftover { file, what }))
        }
        Err(source) => Err(OpenProblem::file(database, source)),
    }
}

/// Whether a file begins as SQLite's do. Other files are not changed.
fn begins_as_a_database(path: &Path) -> Result<(), OpenProblem> {
    let mut start = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    match read {
        Ok(()) if start == *MAGIC => Ok(()),
        Ok(()) => Err(OpenProblem::Foreign),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(OpenProblem::Foreign),
        Err(source) => Err(OpenProblem::file(path, source)),
    }
}

/// A file in the folder that belongs to a missing database.
fn left_of(database: &Path) -> io::Result<Option<(PathBuf, Left)>> {
    let folder = folder_of(database);
    let name = database.file_name().unwrap_or_default().as_encoded_bytes();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?.file_name();
        let suffix = entry.as_encoded_bytes().strip_prefix(name).and_then(|rest| str::from_utf8(rest).ok());
        if let Some(left) = suffix.and_then(Left::by_suffix) {
            found.push((folder.join(entry), left));
        }
    }
    // A log says most about the missing database, then the newest copy.
    found.sort_by(|(one, left), (other, right)| left.cmp(right).then_with(|| other.cmp(one)));
    Ok(found.into_iter().next())
}

/// Removes the permissions of group and others from a file, if it exists.
fn keep_private(path: &Path) -> Result<(), OpenProblem> {
    let mode = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(OpenProblem::file(path, source)),
    };
    if mode & 0o077 == 0 {
        return Ok(());
    }
    match std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700)) {
        Ok(()) => {
            tracing::warn!(file = %path.display(), "other users could read this file; now only its owner can");
            Ok(())
        }
        // It was deleted in the meantime, like the log when the last connection closes.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // It belongs to another user, who gave access to the group.
        Err(_) if mode & 0o007 == 0 => Ok(()),
        Err(_) => Err(OpenProblem::Exposed(path.to_owned())),
    }
}
