//! The rows of an import with their outcomes.

use wire::import::Entry;
use wire::{Code, Error};

/// Maximum bytes of a request around its items.
pub const ENVELOPE_SIZE: usize = 1_024;

/// A row of the file.
pub struct Row {
    /// The line it begins on, from 1.
    pub line: u64,
    /// The address, to name the row by.
    pub address: String,
    /// The name of the user, for people.
    pub name: String,
    /// Bytes of the item in a request.
    pub length: usize,
    /// Its outcome.
    pub outcome: RowOutcome,
}

/// The outcome of a row. A user may have a password, and is dropped when it is no longer needed.
pub enum RowOutcome {
    /// It was not checked yet.
    Unchecked(Entry),
    /// It can be created.
    Ready(Entry),
    /// With the secure id of a user; an alias has none.
    Created(String),
    /// It is refused.
    Refused(Vec<Error>),
}

/// The status of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    /// It was not checked yet.
    Unchecked,
    /// It can be created.
    Ready,
    /// It was created.
    Created,
    /// Its address is taken.
    Exists,
    /// It is refused.
    Refused,
    /// It cannot be read.
    Unreadable,
}

impl Row {
    /// Its status.
    pub fn status(&self) -> RowStatus {
        match &self.outcome {
            RowOutcome::Unchecked(_) => RowStatus::Unchecked,
            RowOutcome::Ready(_) => RowStatus::Ready,
            RowOutcome::Created(_) => RowStatus::Created,
            RowOutcome::Refused(errors) => match errors.first() {
                Some(error) if error.code == Code::UserAlreadyExists.as_str() => RowStatus::Exists,
                Some(error) if error.code == Code::Deserialise.as_str() => RowStatus::Unreadable,
                _ => RowStatus::Refused,
            },
        }
    }

    /// Why it is refused.
    pub fn errors(&self) -> &[Error] {
        match &self.outcome {
            RowOutcome::Refused(errors) => errors,
            RowOutcome::Unchecked(_) | RowOutcome::Ready(_) | RowOutcome::Created(_) => &[],
        }
    }

    /// What it says, as long as it is needed.
    pub fn entry(&self) -> Option<&Entry> {
        match &self.outcome {
            RowOutcome::Unchecked(entry) | RowOutcome::Ready(entry) => Some(entry),
            RowOutcome::Created(_) | RowOutcome::Refused(_) => None,
        }
    }

    /// Marks it as ready without a check.
    pub(super) fn skip_check(&mut self) {
        let before = std::mem::replace(&mut self.outcome, RowOutcome::Refused(Vec::new()));
        self.outcome = match before {
            RowOutcome::Unchecked(entry) => RowOutcome::Ready(entry),
            outcome => outcome,
        };
    }

    /// Whether it is an alias.
    pub fn is_alias(&self) -> bool {
        matches!(self.entry(), Some(Entry::Alias(_)))
    }
}

/// Splits the rows with this status into slices that fit into requests: first the users, then the aliases.
pub fn slice_rows(rows: &[Row], status: RowStatus, most: usize, max_body: usize) -> Vec<Vec<usize>> {
    let (mut slices, mut room) = (Vec::<Vec<usize>>::new(), 0);
    for aliases in [false, true] {
        let wanted = |row: &Row| row.status() == status && row.is_alias() == aliases;
        let first = slices.len();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| wanted(row)) {
            match slices.get_mut(first..).and_then(<[_]>::last_mut) {
                Some(slice) if slice.len() < most && row.length <= room => slice.push(index),
                _ => {
                    slices.push(vec![index]);
                    room = max_body.saturating_sub(ENVELOPE_SIZE);
                }
            }
            room = room.saturating_sub(row.length);
        }
    }
    slices
}
