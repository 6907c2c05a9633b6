//! Log lines are written by a separate thread. A full disk, an unread pipe or a blocked terminal loses log lines, which
//! are counted, but never delays a request.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use json::JsonLines;

mod json;

/// Bytes of lines waiting to be written; further lines are dropped.
const ROOM: usize = 4 << 20;

/// How long the thread collects lines after a batch. Under load this is all that wakes it, not every line.
const COLLECTS: Duration = Duration::from_millis(5);

/// How long the end of the program waits for pending lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The log. Clones share one queue. [`Log::close`] writes the pending lines.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    waiting: Mutex<Waiting>,
    /// Signals work for the thread.
    work: Condvar,
    /// Signals that the thread has finished all work.
    done: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// To reopen the file, after this many bytes of the lines: they were written before it was renamed.
    reopen: Option<usize>,
    /// The thread has taken lines and is still writing them.
    writing: bool,
    /// The thread waits for the next line, which must wake it.
    asleep: bool,
    closed: bool,
}

/// The destination of lines.
struct Target {
    file: File,
    /// `None`: standard error, which cannot be reopened.
    path: Option<PathBuf>,
    /// The last line was written only in part.
    torn: bool,
}

impl Log {
    /// Opens the log: a file that only its owner can read, or standard error.
    ///
    /// # Errors
    /// When the file cannot be opened, or the thread cannot be started.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = match path {
            Some(path) => append_to(path)?,
            // A separate descriptor, because a blocked write would hold the lock of standard error.
            None => File::from(io::stderr().as_fd().try_clone_to_owned()?),
        };
        Self::into_file(file, path.map(Path::to_owned))
    }

    fn into_file(file: File, path: Option<PathBuf>) -> io::Result<Self> {
        let inner = Inner {
            waiting: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            dropped: AtomicU64::new(0),
        };
        let log = Self(Arc::new(inner));
        let (inner, target) = (Arc::clone(&log.0), Target { file, path, torn: false });
        std::thread::Builder::new().name("log".to_owned()).spawn(move || inner.write_all(target))?;
        Ok(log)
    }

    /// Reopens the file after it was renamed. Lines from before go into the renamed one. Standard error stays as it is.
    pub fn reopen(&self) {
        let mut waiting = self.0.lock();
        waiting.reopen = Some(waiting.lines.len());
        self.0.work.notify_one();
    }

    /// Lines that were lost: the queue was full, or writing failed.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Stops accepting lines and waits briefly for the pending ones.
    pub fn close(&self) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        self.0.work.notify_one();
        let busy = |waiting: &mut Waiting| waiting.writing || !waiting.lines.is_empty();
        let ended = self.0.done.wait_timeout_while(waiting, LAST_LINES, busy);
        drop(ended);
    }
}

/// Accepts whole lines. Never fails and never blocks.
impl Write for Log {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.closed || waiting.lines.len() + lines.len() > ROOM {
            self.0.count_dropped(lines);
            return Ok(lines.len());
        }
        waiting.lines.extend_from_slice(lines);
        let wake = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if wake {
            self.0.work.notify_one();
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_dropped(&self, lines: &[u8]) {
        let ends = lines.iter().filter(|byte| **byte == b'\n').count();
        self.dropped.fetch_add(ends as u64, Ordering::Relaxed);
    }

    /// The loop of the thread.
    fn write_all(&self, mut target: Target) {
        let (mut lines, mut told) = (Vec::new(), 0);
        loop {
            let mut waiting = self.lock();
            while waiting.lines.is_empty() && waiting.reopen.is_none() && !waiting.closed {
                self.done.notify_all();
                waiting.asleep = true;
                waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            waiting.asleep = false;
            if waiting.lines.is_empty() && waiting.closed {
                self.done.notify_all();
                return;
            }
            std::mem::swap(&mut waiting.lines, &mut lines);
            waiting.writing = true;
            let reopen = waiting.reopen.take();
            drop(waiting);
            let (before, after) = lines.split_at(reopen.unwrap_or(0));
            if reopen.is_some() {
                self.count_dropped(target.write(before));
                target.reopen();
            }
            let rest = target.write(after);
            self.count_dropped(rest);
            let dropped = self.dropped.load(Ordering::Relaxed);
            if rest.is_empty() && dropped > told {
                tracing::warn!(lines = dropped - told, "log lines were dropped");
                told = dropped;
            }
            lines.clear();
            self.collect();
        }
    }

    /// The pause after a batch; a reopening or the end cuts it short.
    fn collect(&self) {
        let mut waiting = self.lock();
        waiting.writing = false;
        let uninterrupted = |waiting: &mut Waiting| waiting.reopen.is_none() && !waiting.closed;
        drop(self.work.wait_timeout_while(waiting, COLLECTS, uninterrupted));
    }
}

impl Target {
    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match append_to(path) {
            Ok(file) => (self.file, self.torn) = (file, false),
            Err(error) => {
                let file = path.display();
                tracing::error!(%error, %file, "could not reopen the log file; the previous one stays in use");
            }
        }
    }

    /// Writes lines and returns those that could not be written.
    fn write<'a>(&mut self, lines: &'a [u8]) -> &'a [u8] {
        if self.torn && self.file.write_all(b"\n").is_err() {
            return lines;
        }
        self.torn = false;
        let mut rest = lines;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => break,
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let written = &lines[..lines.len() - rest.len()];
        self.torn = !rest.is_empty() && written.last().is_some_and(|byte| *byte != b'\n');
        rest
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, Read as _};

    fn write_text(log: &Log, text: &str) {
        let written = log.clone().write(format!("{text}\n").as_bytes()).unwrap();
        assert_eq!(written, text.len() + 1);
    }

    #[test]
    fn lines_are_written_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Log::open(Some(&path)).unwrap();
        for n in 0..1_000 {
            write_text(&log, &n.to_string());
        }
        log.close();
        write_text(&log, "too late");
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.lines().count(), 1_000);
        assert!(written.ends_with("\n999\n"));
        assert_eq!(log.dropped(), 1);
    }

    #[test]
    fn a_line_is_written_without_a_further_one() {
        let (reader, writer) = io::pipe().unwrap();
        let log = Log::into_file(File::from(std::os::fd::OwnedFd::from(writer)), None).unwrap();
        let mut lines = io::BufReader::new(reader).lines();
        for n in 0..100 {
            // While the thread collects, and after it fell asleep.
            let text = n.to_string();
            write_text(&log, &text);
            assert_eq!(lines.next().unwrap().unwrap(), text);
            while n % 10 == 0 && !log.0.lock().asleep {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn lines_from_before_a_reopening_are_in_the_renamed_file() {
        let folder = tempfile::tempdir().unwrap();
        let [path, renamed] = ["log", "log.1"].map(|name| folder.path().join(name));
        for n in 0..50 {
            let log = Log::open(Some(&path)).unwrap();
            write_text(&log, "first");
            // The thread collects lines after it has written some.
            while n % 2 == 0 && std::fs::read(&path).unwrap().is_empty() {
                std::thread::yield_now();
            }
            write_text(&log, "before");
            std::fs::rename(&path, &renamed).unwrap();
            log.reopen();
            write_text(&log, "after");
            log.close();
            let read = |path: &Path| std::fs::read_to_string(path).unwrap();
            assert_eq!((read(&renamed), read(&path)), ("first\nbefore\n".to_owned(), "after\n".to_owned()));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_pipe_that_nobody_reads_costs_lines_and_nobody_waits() {
        let (mut reader, writer) = io::pipe().unwrap();
        let log = Log::into_file(File::from(std::os::fd::OwnedFd::from(writer)), None).unwrap();
        let line = "x".repeat(1_023);
        let lines = ROOM / 1_024 * 2;
        for _ in 0..lines {
            write_text(&log, &line);
        }
        let dropped = log.dropped();
        assert!((1..lines as u64).contains(&dropped), "{dropped} of {lines}");
        // A reader that resumes gets all other lines, unbroken.
        let mut read = vec![0; (lines - dropped as usize) * 1_024];
        reader.read_exact(&mut read).unwrap();
        assert!(read.chunks(1_024).all(|found| found.ends_with(b"x\n") && found.len() == 1_024));
    }

    #[test]
    fn a_pipe_that_was_closed_costs_every_line() {
        let (reader, writer) = io::pipe().unwrap();
        let log = Log::into_file(File::from(std::os::fd::OwnedFd::from(writer)), None).unwrap();
        drop(reader);
        for _ in 0..10 {
            write_text(&log, "to nobody");
        }
        log.close();
        assert_eq!(log.dropped(), 10);
    }

    #[test]
    fn a_file_that_was_renamed_is_left_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let log = Log::open(Some(&path)).unwrap();
        write_text(&log, "one");
        log.reopen();
        // The file exists from the start, so a line after the next one shows that it was reopened.
        write_text(&log, "two");
        log.close();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        std::fs::rename(&path, &old).unwrap();
        let log = Log::into_file(append_to(&old).unwrap(), Some(path.clone())).unwrap();
        log.reopen();
        write_text(&log, "three");
        log.close();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "one\ntwo\n");
    }
}
