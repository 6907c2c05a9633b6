//! A file in the making: in the folder it is for, under another name until it is whole and on the disk.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file that only its owner can read, and that goes when this is dropped before it got its name.
pub(crate) struct Draft {
    path: PathBuf,
    named: bool,
}

impl Draft {
    /// An empty one, for the file at this path.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let path = with_suffix(path, &format!(".{}.part", std::process::id()));
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path, named: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forces the file to disk, gives it its name, and forces that to disk too. A file of that name is left alone.
    pub(crate) fn name(mut self, path: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        // A rename takes the place of what is there. So the name is taken first, which only one can do.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        if let Err(error) = std::fs::rename(&self.path, path) {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        self.named = true;
        sync_folder(path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named {
            // The engine's own files beside it too. What can't be removed is in the way of nobody.
            for suffix in ["", "-journal", "-wal", "-shm"] {
                let _ = std::fs::remove_file(with_suffix(&self.path, suffix));
            }
        }
    }
}

/// Forces the names in a file's folder to disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// The path with something behind its name, which need not be UTF-8.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
