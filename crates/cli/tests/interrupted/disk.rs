//! A model of what a power cut leaves of a folder.
//!
//! The model is stricter than any file system in use. Data is safe after a sync of its file, a name after a sync of its
//! folder. Every other change may be lost or kept, independently and in any order, and a write may be kept in part.
//! Only a rename is atomic. A new file's name also needs a sync of the folder, although most file systems keep it with
//! the file. SQLite follows these rules: it syncs the folder with the first sync of a new log or journal. It does not
//! sync it after it removes one, so a removed log may reappear, which SQLite handles.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::trace::{Change, File, Trace};

/// The part of an unsynced call that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    All,
    Nothing,
    /// The bytes of a write in this range.
    Piece(usize, usize),
}

/// A choice of the unsynced calls to lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All of them.
    All,
    /// None: the process was killed, but the machine was not.
    Nothing,
    /// Only contents are kept.
    Contents,
    /// Only names are kept.
    Names,
    /// All after a random point.
    After(u64),
    /// A random choice.
    Some(u64),
    /// A random choice, and random parts of the kept writes.
    Pieces(u64),
}

/// A power cut after this number of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) calls: usize,
    pub(crate) loss: Loss,
}

/// Pseudo-random numbers, the same in every run (xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn random_below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit.max(1)
    }
}

impl Trace {
    /// For each call, the number of calls after which it is synced.
    pub(crate) fn forced_after(&self) -> Vec<usize> {
        let mut forced = vec![usize::MAX; self.calls.len()];
        let mut waiting = BTreeMap::<Option<File>, Vec<usize>>::new();
        for (n, call) in self.calls.iter().enumerate() {
            match call.change {
                Change::Named { .. } | Change::Renamed { .. } | Change::Unnamed { .. } => {
                    waiting.entry(None).or_default().push(n);
                }
                Change::Written { file, .. } | Change::Resized { file, .. } => {
                    waiting.entry(Some(file)).or_default().push(n);
                }
                Change::Forced { first, .. } | Change::NamesForced { first } => {
                    let of = match call.change {
                        Change::Forced { file, .. } => Some(file),
                        _ => None,
                    };
                    waiting.entry(of).or_default().retain(|&change| {
                        if change < first {
                            forced[change] = n + 1;
                        }
                        change >= first
                    });
                }
                Change::Said(_) => {
                    // A power cut cannot revoke a message.
                    forced[n] = n;
                }
            }
        }
        forced
    }

    /// The unsynced calls at this point.
    pub(crate) fn pending(&self, forced: &[usize], calls: usize) -> Vec<usize> {
        let changes =
            |n: &usize| !matches!(self.calls[*n].change, Change::Forced { .. } | Change::NamesForced { .. });
        (0..calls).filter(|&n| forced[n] > calls).filter(changes).collect()
    }

    /// Chooses what is kept of each pending call.
    pub(crate) fn choose_kept(&self, pending: &[usize], loss: Loss) -> BTreeMap<usize, Kept> {
        let mut chance = Chance::new(match loss {
            Loss::After(seed) | Loss::Some(seed) | Loss::Pieces(seed) => seed,
            _ => 0,
        });
        let until = chance.random_below(pending.len() + 1);
        let mut choose = |place: usize, n: usize| {
            let contents = match &self.calls[n].change {
                Change::Written { bytes, .. } => Some(bytes.len()),
                Change::Resized { .. } => Some(0),
                _ => None,
            };
            let keep = match loss {
                Loss::All => false,
                Loss::Nothing => true,
                Loss::Contents => contents.is_some(),
                Loss::Names => contents.is_none(),
                Loss::After(_) => place < until,
                Loss::Some(_) | Loss::Pieces(_) => chance.random_below(2) == 0,
            };
            match (loss, contents) {
                (Loss::Pieces(_), Some(length)) if keep && length > 1 => {
                    let sector = [512, 4_096][chance.random_below(2)];
                    let cut = if length > sector {
                        (1 + chance.random_below(length / sector)) * sector
                    } else {
                        length / 2
                    };
                    if chance.random_below(2) == 0 {
                        Kept::Piece(0, cut.min(length))
                    } else {
                        Kept::Piece(cut.min(length), length)
                    }
                }
                _ if keep => Kept::All,
                _ => Kept::Nothing,
            }
        };
        pending.iter().enumerate().map(|(place, &n)| (n, choose(place, n))).collect()
    }

    /// Writes the folder as it is after this number of calls, with the chosen part of the pending ones.
    pub(crate) fn write_folder(&self, calls: usize, kept: &BTreeMap<usize, Kept>, folder: &Path) {
        let (mut files, mut names) = (self.files.clone(), self.names.clone());
        for (n, call) in self.calls[..calls].iter().enumerate() {
            let (from, to) = match kept.get(&n).copied().unwrap_or(Kept::All) {
                Kept::All => (0, usize::MAX),
                Kept::Nothing => continue,
                Kept::Piece(from, to) => (from, to),
            };
            match &call.change {
                Change::Named { name, file } => {
                    names.insert(name.clone(), *file);
                }
                Change::Renamed { from, to, file } => {
                    if names.get(from) == Some(file) {
                        names.remove(from);
                    }
                    names.insert(to.clone(), *file);
                }
                Change::Unnamed { name } => {
                    names.remove(name);
                }
                Change::Written { file, at, bytes } => {
                    let file = file_of(&mut files, *file);
                    let bytes = &bytes[from..to.min(bytes.len())];
                    let at = at + from;
                    if file.len() < at + bytes.len() {
                        file.resize(at + bytes.len(), 0);
                    }
                    file[at..at + bytes.len()].copy_from_slice(bytes);
                }
                Change::Resized { file, length } => file_of(&mut files, *file).resize(*length, 0),
                Change::Forced { .. } | Change::NamesForced { .. } | Change::Said(_) => {}
            }
        }
        let mut written = BTreeMap::<File, &String>::new();
        for (name, file) in &names {
            if let Some(first) = written.get(file) {
                std::fs::hard_link(folder.join(first), folder.join(name)).unwrap();
                continue;
            }
            let mut options = std::fs::OpenOptions::new();
            let opened = options.write(true).create_new(true).mode(0o600).open(folder.join(name));
            opened.unwrap().write_all(file_of(&mut files, *file)).unwrap();
            written.insert(*file, name);
        }
    }

    /// The output of the first calls.
    pub(crate) fn output_before(&self, calls: usize) -> Vec<u8> {
        let said = self.calls[..calls].iter().filter_map(|call| match &call.change {
            Change::Said(bytes) => Some(&**bytes),
            _ => None,
        });
        said.collect::<Vec<_>>().concat()
    }

    /// The points to stop at: before and after each call. In a longer run of writes to one file, only those around the
    /// first, the middle and the last.
    pub(crate) fn stop_points(&self, in_a_row: usize) -> Vec<usize> {
        let written = |n: usize| match self.calls.get(n).map(|call| &call.change) {
            Some(Change::Written { file, .. }) => Some(*file),
            _ => None,
        };
        let (mut points, mut begin) = (BTreeSet::from([0]), 0);
        for n in 0..self.calls.len() {
            if written(n).is_some() && written(n) == written(n + 1) {
                continue;
            }
            if n - begin < in_a_row {
                points.extend(begin..=n + 1);
            } else {
                let middle = begin + (n - begin) / 2;
                points.extend([begin + 1, begin + 2, middle, middle + 1, n, n + 1]);
            }
            begin = n + 1;
        }
        points.into_iter().collect()
    }
}

/// A file by its number.
fn file_of(files: &mut Vec<Vec<u8>>, file: File) -> &mut Vec<u8> {
    if files.len() <= file {
        files.resize(file + 1, Vec::new());
    }
    &mut files[file]
}
