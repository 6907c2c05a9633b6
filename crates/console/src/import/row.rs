//! The rows of an import with their outcomes.

use wire::import::Entry;
use wire::{Code, Error};

/// Maximum bytes of a request around its items.
pub(super) const ENVELOPE_SIZE: usize = 1_024;

/// A row of the file.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) address: String,
    pub(super) name: String,
    /// Bytes of the item in a request.
    pub(super) length: usize,
    pub(super) outcome: RowOutcome,
}

/// The outcome of a row. A user may have a password, and is dropped when it is no longer needed.
pub(super) enum RowOutcome {
    Unchecked(Entry),
    Ready(Entry),
    /// With the secure id of a user; an alias has none.
    Created(String),
    Refused(Vec<Error>),
}

/// The status of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowStatus {
    Unchecked,
    Ready,
    Created,
    Exists,
    Refused,
    Unreadable,
}

impl Row {
    pub(super) fn status(&self) -> RowStatus {
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

    pub(super) fn errors(&self) -> &[Error] {
        match &self.outcome {
            RowOutcome::Refused(errors) => errors,
            RowOutcome::Unchecked(_) | RowOutcome::Ready(_) | RowOutcome::Created(_) => &[],
        }
    }

    pub(super) fn entry(&self) -> Option<&Entry> {
        match &self.outcome {
            RowOutcome::Unchecked(entry) | RowOutcome::Ready(entry) => Some(entry),
            RowOutcome::Created(_) | RowOutcome::Refused(_) => None,
        }
    }

    pub(super) fn is_alias(&self) -> bool {
        matches!(self.entry(), Some(Entry::Alias(_)))
    }
}

/// Splits the rows with this status into slices that fit into requests: first the users, then the aliases.
pub(super) fn slice_rows(rows: &[Row], status: RowStatus, most: usize, max_body: usize) -> Vec<Vec<usize>> {
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
