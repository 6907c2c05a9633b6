//! What a server writes: bytes and calls from `/proc/PID/io`, and flushes from the counters of the disk. Both are counted
//! by the kernel anyway, so that counting costs nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::figure::{Series, Unit};

/// Counters at a moment.
#[derive(Clone, Copy)]
struct Counters {
    /// Bytes of pages of files on a disk that the process made dirty. A file in memory (tmpfs) does not count.
    files: u64,
    /// Bytes that it passed to `write`, `pwrite` and `writev`, wherever they went: files, also in memory, and sockets.
    calls_bytes: u64,
    /// Calls of these.
    calls: u64,
    /// Flushes that the disk completed, for whichever process. Several that wait at the same time may be one.
    flushes: Option<u64>,
}

/// A process that writes from a moment on.
pub(crate) struct Watch {
    process: u32,
    disk: Option<PathBuf>,
    before: Counters,
}

impl Watch {
    /// Starts to count. `folder` is where the database is.
    pub(crate) fn start(process: u32, folder: &Path) -> anyhow::Result<Self> {
        let disk = disk(folder);
        Ok(Self { process, before: counters(process, disk.as_deref())?, disk })
    }
}

/// Counts per user, round by round.
#[derive(Default)]
pub(crate) struct Written {
    files: Vec<f64>,
    calls_bytes: Vec<f64>,
    calls: Vec<f64>,
    flushes: Vec<f64>,
}

impl Written {
    /// Adds a round in which this number of users was created.
    pub(crate) fn add(&mut self, watch: &Watch, users: u64) -> anyhow::Result<()> {
        let Watch { process, disk, before } = watch;
        let after = counters(*process, disk.as_deref())?;
        let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / users as f64;
        self.calls_bytes.push(each(after.calls_bytes, before.calls_bytes));
        self.calls.push(each(after.calls, before.calls));
        if let (Some(after_flushes), Some(before_flushes)) = (after.flushes, before.flushes) {
            self.files.push(each(after.files, before.files));
            self.flushes.push(1_000.0 * each(after_flushes, before_flushes));
        }
        Ok(())
    }

    /// The figures. Without a disk those of the disk are left out: they would be zeros.
    pub(crate) fn series(self) -> Vec<Series> {
        let mut series = vec![
            Series::new("write calls per user", Unit::Count, self.calls),
            Series::new("bytes in write calls per user", Unit::Bytes, self.calls_bytes),
        ];
        if !self.flushes.is_empty() {
            series.push(Series::new("bytes written to files per user", Unit::Bytes, self.files));
            series.push(Series::new("flushes of the disk per 1,000 users", Unit::Count, self.flushes));
        }
        series
    }
}

fn counters(process: u32, disk: Option<&Path>) -> anyhow::Result<Counters> {
    let path = format!("/proc/{process}/io");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let field = |name: &str| -> anyhow::Result<u64> {
        let value = text.lines().find_map(|line| line.strip_prefix(name)).context(path.clone())?;
        Ok(value.trim().parse()?)
    };
    Ok(Counters {
        files: field("write_bytes:")?,
        calls_bytes: field("wchar:")?,
        calls: field("syscw:")?,
        flushes: disk.and_then(flushes),
    })
}

/// The counters of the disk under a folder; `None`: it has none, as in memory and on most networks.
fn disk(folder: &Path) -> Option<PathBuf> {
    let device = fs::metadata(folder).ok()?.dev();
    // The kernel's encoding in 64 bits.
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & !0xff));
    let path = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    // Flushes are counted for whole disks, and the folder of a partition is in that of its disk.
    let whole = if path.join("partition").exists() { path.parent()?.to_owned() } else { path };
    let stat = whole.join("stat");
    flushes(&stat).map(|_| stat)
}

/// The field `flush I/Os`: Linux 5.5 and later.
fn flushes(stat: &Path) -> Option<u64> {
    fs::read_to_string(stat).ok()?.split_whitespace().nth(15)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn bytes_and_calls_of_this_process_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::start(std::process::id(), folder.path()).unwrap();
        let mut file = File::create(folder.path().join("file")).unwrap();
        (0..100).for_each(|_| file.write_all(&[7; 1_000]).unwrap());
        let mut written = Written::default();
        written.add(&watch, 10).unwrap();
        // Other tests of this process may write too.
        assert!(written.calls[0] >= 10.0 && written.calls_bytes[0] >= 10_000.0);
        let names: Vec<_> = written.series().into_iter().map(|series| series.name).collect();
        assert!(names.iter().all(|name| name.chars().count() <= 42), "{names:?}");
    }
}
