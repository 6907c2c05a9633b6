//! Splits the file into batches, the same ones each time it is read.

use std::collections::{HashMap, VecDeque};

use client::wire::import::{Entry, ImportError, Row};
use client::wire::users::Alias;
use client::{Fault, NewUser};

/// A row of the file.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// The line it begins on.
    pub(super) line: u64,
    /// The address, if it could be read.
    pub(super) address: String,
    /// Why it can't be sent.
    pub(super) wrong: Option<Vec<Fault>>,
}

/// Consecutive rows, and what to send: users, or aliases.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) number: u64,
    pub(super) rows: Vec<Line>,
    pub(super) users: Vec<NewUser>,
    /// Not empty only if there are no users.
    pub(super) aliases: Vec<Alias>,
    /// The last of the batches before it that has one of its addresses: it is waited for, so that the first row wins.
    pub(super) after: Option<u64>,
}

/// The addresses of the batches that may be sent at the same time as the next one.
#[derive(Default)]
struct Recent {
    batches: HashMap<String, u64>,
    addresses: VecDeque<(u64, String)>,
}

impl Recent {
    /// Most batches that are sent at the same time.
    const MOST: u64 = 64;

    /// Whether a row of the batch has the address already.
    fn is_in(&self, batch: u64, address: &str) -> bool {
        self.batches.get(address) == Some(&batch)
    }

    /// Notes the address of a row, and gives the last earlier batch that has it.
    fn note(&mut self, batch: u64, address: String) -> Option<u64> {
        while let Some((number, address)) = self.addresses.front()
            && number + Self::MOST < batch
        {
            if self.batches.get(address) == Some(number) {
                self.batches.remove(address);
            }
            self.addresses.pop_front();
        }
        self.addresses.push_back((batch, address.clone()));
        self.batches.insert(address, batch).filter(|earlier| *earlier < batch)
    }
}

impl Batch {
    /// Whether the row can be in this batch.
    fn takes(&self, entry: &Entry) -> bool {
        match entry {
            Entry::User(_) => self.aliases.is_empty(),
            Entry::Alias(_) => self.users.is_empty(),
        }
    }

    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::User(user) => self.users.push(*user),
            Entry::Alias(alias) => self.aliases.push(alias),
        }
    }
}

/// Splits rows into batches of at most `size` users or aliases without duplicate addresses.
pub(super) fn batches(
    rows: impl Iterator<Item = Result<Row, ImportError>>,
    size: usize,
) -> impl Iterator<Item = Result<Batch, ImportError>> {
    let mut rows = rows.fuse();
    let (mut number, mut ahead) = (0, None);
    let mut recent = Recent::default();
    std::iter::from_fn(move || {
        let mut batch = Batch { number, ..Batch::default() };
        number += 1;
        // A batch with only bad rows ends too.
        while batch.users.len().max(batch.aliases.len()) < size && batch.rows.len() < size.saturating_mul(4) {
            let row = match ahead.take().or_else(|| rows.next()) {
                Some(Ok(row)) => row,
                Some(Err(error)) if batch.rows.is_empty() => return Some(Err(error)),
                Some(Err(error)) => {
                    ahead = Some(Err(error));
                    break;
                }
                None => break,
            };
            let key = row.address.to_lowercase();
            let fits = |entry: &Entry| batch.takes(entry) && !recent.is_in(batch.number, &key);
            if !row.item.as_ref().map_or(true, fits) {
                ahead = Some(Ok(row));
                break;
            }
            let Row { number, line, address, item } = row;
            if item.is_ok() {
                batch.after = batch.after.max(recent.note(batch.number, key));
            }
            let wrong = item.map(|entry| batch.add(entry)).err();
            batch.rows.push(Line { number, line, address, wrong });
        }
        (!batch.rows.is_empty()).then_some(Ok(batch))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::wire::import::Rows;

    #[test]
    fn batches_hold_each_row_once_in_order_and_no_address_twice() {
        let text = "email,aliasOf\na@x,\n,z@x\nb@x,\nA@x,\nc@x,\nc@x,\nd@x,\ne@x,a@x\nf@x,a@x\ng@x,\n";
        let rows = Rows::new(text.as_bytes(), None).unwrap();
        let cut: Vec<_> = batches(rows, 2)
            .map(|batch| {
                let batch = batch.unwrap();
                let numbers: Vec<_> = batch.rows.iter().map(|row| row.number).collect();
                (batch.number, numbers, batch.users.len(), batch.aliases.len(), batch.after)
            })
            .collect();
        assert_eq!(
            cut,
            [
                (0, vec![1, 2, 3], 2, 0, None),
                (1, vec![4, 5], 2, 0, Some(0)),
                (2, vec![6, 7], 2, 0, Some(1)),
                (3, vec![8, 9], 0, 2, None),
                (4, vec![10], 1, 0, None)
            ]
        );
    }
}
