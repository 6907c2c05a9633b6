//! An unfinished file: in its final folder, under another name until it is complete and on disk.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::geteuid;

/// The suffix of an unfinished backup, or of a database that is being restored.
pub(crate) const PART: &str = ".part";

/// The suffix of the raw copy from which a backup is made.
pub(crate) const COPY: &str = ".copy.part";

/// The suffix of an unfinished new database.
pub(crate) const NEW: &str = ".new";

/// A file that only its owner can read. Dropping it before it is named deletes it.
pub(crate) struct Draft {
    path: PathBuf,
    /// Locked, so that others can tell it from the draft of a dead process.
    file: File,
    named: bool,
}

impl Draft {
    /// Creates an empty draft of the file at this path. Deletes the drafts of killed processes.
    pub(crate) fn of(path: &Path, ends: &str) -> io::Result<Self> {
        remove_dead(path, ends)?;
        let path = with_suffix(path, &format!(".{}{ends}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self { path, file, named: false };
        draft.file.try_lock().map_err(io::Error::from)?;
        Ok(draft)
    }

    /// Gives a draft that root created to the owner of its folder.
    pub(crate) fn for_owner_of_folder(self) -> Self {
        give_to_owner_of_folder(&self.file, &self.path);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forces the file to disk, renames it, and forces the name to disk. Fails if the name exists.
    pub(crate) fn name(mut self, path: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        rename_new(&self.path, path)?;
        self.named = true;
        sync_folder(path)
    }

    /// The same, but replaces a file of that name in one step.
    pub(crate) fn replace(mut self, path: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        std::fs::rename(&self.path, path)?;
        self.named = true;
        sync_folder(path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named {
            remove(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// Gives a file that root has just created to the owner of its folder, because a server that is not root must open it.
/// SQLite does the same with the files that it keeps next to a database. The caller must have created the file: an
/// existing one may be a link to a file of somebody else.
pub(crate) fn give_to_owner_of_folder(file: &File, path: &Path) {
    if geteuid().is_root()
        && let Ok(folder) = std::fs::metadata(folder_of(path))
        && folder.uid() != 0
    {
        // Without the right to do so, as in some containers, the file stays with root.
        let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
    }
}

/// Suffixes of the files that SQLite keeps next to a database, and would apply to any database there.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Deletes a draft and SQLite's files next to it. A leftover does no harm.
fn remove(draft: &Path) {
    for suffix in BESIDE.into_iter().chain([""]) {
        let _ = std::fs::remove_file(with_suffix(draft, suffix));
    }
}

/// Deletes the drafts of dead processes, and SQLite's files next to them.
pub(crate) fn remove_dead(path: &Path, ends: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    for entry in std::fs::read_dir(folder_of(path))? {
        let file = entry?.file_name();
        let rest = file.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
        let Some(rest) = rest.and_then(|rest| str::from_utf8(rest).ok()) else { continue };
        let rest = BESIDE.iter().find_map(|suffix| rest.strip_suffix(suffix)).unwrap_or(rest);
        if !is_draft(rest, ends) {
            continue;
        }
        let draft = with_suffix(path, rest);
        let dead = match File::open(&draft) {
            // A live process holds the lock.
            Ok(file) => file.try_lock().is_ok(),
            // After a power cut the draft may be gone and its log left.
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if dead {
            remove(&draft);
        }
    }
    Ok(())
}

/// Whether this suffix makes a draft's name.
pub(crate) fn is_draft(suffix: &str, ends: &str) -> bool {
    let process = suffix.strip_prefix('.').and_then(|rest| rest.strip_suffix(ends));
    process.is_some_and(|process| !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Renames a file, and fails if the new name exists. The new name never shows an incomplete file.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems without this call: add a second name, then remove the first.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

/// Gives a file a second name, and forces it to disk.
pub(crate) fn second_name(of: &Path, name: &Path) -> io::Result<()> {
    std::fs::hard_link(of, name)?;
    sync_folder(name)
}

/// Whether the error means that the file system has no hard links.
pub(crate) fn has_no_second_names(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
        || error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
}

/// Forces the names in a file's folder to disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path with a suffix. The path need not be UTF-8.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
