//! Splits the file into batches, the same ones each time it is read.

use std::collections::HashSet;

use client::wire::import::{ImportError, Row};
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

/// Consecutive rows, and the users to send.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) number: u64,
    pub(super) rows: Vec<Line>,
    pub(super) users: Vec<NewUser>,
}

/// Splits rows into batches of at most `size` users without duplicate addresses.
pub(super) fn batches(
    rows: impl Iterator<Item = Result<Row, ImportError>>,
    size: usize,
) -> impl Iterator<Item = Result<Batch, ImportError>> {
    let mut rows = rows.fuse();
    let (mut number, mut ahead) = (0, None);
    let mut addresses = HashSet::new();
    std::iter::from_fn(move || {
        let mut batch = Batch { number, ..Batch::default() };
        number += 1;
        addresses.clear();
        // A batch with only bad rows ends too.
        while batch.users.len() < size && batch.rows.len() < size.saturating_mul(4) {
            let row = match ahead.take().or_else(|| rows.next()) {
                Some(Ok(row)) => row,
                Some(Err(error)) if batch.rows.is_empty() => return Some(Err(error)),
                Some(Err(error)) => {
                    ahead = Some(Err(error));
                    break;
                }
                None => break,
            };
            if row.item.is_ok() && !addresses.insert(row.address.to_lowercase()) {
                ahead = Some(Ok(row));
                break;
            }
            let Row { number, line, address, item } = row;
            let wrong = item.map(|user| batch.users.push(user)).err();
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
        let text = "email,name\na@x,\n,Nobody\nb@x,\nA@x,\nc@x,\nc@x,\nd@x,\n";
        let rows = Rows::new(text.as_bytes(), None).unwrap();
        let cut: Vec<_> = batches(rows, 2)
            .map(|batch| {
                let batch = batch.unwrap();
                let numbers: Vec<_> = batch.rows.iter().map(|row| row.number).collect();
                (batch.number, numbers, batch.users.len())
            })
            .collect();
        assert_eq!(cut, [(0, vec![1, 2, 3], 2), (1, vec![4, 5], 2), (2, vec![6, 7], 2)]);
    }
}
