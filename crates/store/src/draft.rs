//! A file in the making: in the folder it is for, under another name until it is whole and on the disk.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// What a draft of a backup, or of a database that is being restored, ends in.
pub(crate) const PART: &str = ".part";

/// What a draft of a new database ends in.
pub(crate) const NEW: &str = ".new";

/// A file that only its owner can read, and that goes when this is dropped before it got its name.
pub(crate) struct Draft {
    path: PathBuf,
    /// Locked, so that others can tell it from one whose process ended.
    file: File,
    named: bool,
}

impl Draft {
    /// An empty one, for the file at this path. Those that a process left behind when it was killed are removed.
    pub(crate) fn of(path: &Path, ends: &str) -> io::Result<Self> {
        remove_dead(path, ends)?;
        let path = with_suffix(path, &format!(".{}{ends}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self { path, file, named: false };
        draft.file.try_lock().map_err(io::Error::from)?;
        Ok(draft)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forces the file to disk, gives it its name, and forces that to disk too. A file of that name is left alone.
    pub(crate) fn name(mut self, path: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        rename_new(&self.path, path)?;
        self.named = true;
        sync_folder(path)
    }

    /// The same, in place of the file of that name, which is there until the moment the new one is.
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

/// The files that SQLite keeps next to a database, a draft among them, and would apply to any database there.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Removes a draft, and the engine's own files beside it. What can't be removed is in the way of nobody.
fn remove(draft: &Path) {
    for suffix in BESIDE.into_iter().chain([""]) {
        let _ = std::fs::remove_file(with_suffix(draft, suffix));
    }
}

/// Removes drafts of a file that nobody works on any more, and what the engine left of them.
fn remove_dead(path: &Path, ends: &str) -> io::Result<()> {
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
            // Who has it open holds the lock.
            Ok(file) => file.try_lock().is_ok(),
            // A power cut may take the draft and leave its log.
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if dead {
            remove(&draft);
        }
    }
    Ok(())
}

/// Whether this, behind the name of a file, makes the name of a draft of it.
pub(crate) fn is_draft(suffix: &str, ends: &str) -> bool {
    let process = suffix.strip_prefix('.').and_then(|rest| rest.strip_suffix(ends));
    process.is_some_and(|process| !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Renames a file to a name that nothing has. Never takes the place of anything, and the name is never of half a file.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can; then a second name that is new, and one name less.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

/// Gives a file a second name, and forces that to disk.
pub(crate) fn second_name(of: &Path, name: &Path) -> io::Result<()> {
    std::fs::hard_link(of, name)?;
    sync_folder(name)
}

/// Whether a file system has no second names.
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

/// The path with something behind its name, which need not be UTF-8.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
