//! Refused requests by hour. Counts add up and the newest of the rest wins, so that reports of several nodes may come in
//! any order.

use std::collections::HashMap;

use directory::port::{REFUSALS_KEPT, Refusal};
use jiff::Timestamp;

use super::batch::Batch;
use super::row::{millis, parsed, time};
use super::work::{Payload, Work};
use crate::session::{Result, Session, values};

const SECONDS: i64 = 3_600;

/// Adds refusals. A second run counts twice, which does less harm than an error for all that share the transaction.
pub(crate) struct NoteRefusals(pub(crate) Vec<Refusal>, pub(crate) Timestamp);

impl Payload for NoteRefusals {
    type Output = ();

    fn size(&self) -> usize {
        self.0.len()
    }
}

impl Work for NoteRefusals {
    fn run(&self, batch: &mut Batch<'_>) -> Result<()> {
        let oldest = self.1.saturating_sub(REFUSALS_KEPT).unwrap_or(Timestamp::MIN);
        batch.session.execute("DELETE FROM refusals WHERE hour < ?1", values![hour_of(oldest)])?;
        self.0.iter().try_for_each(|refusal| note(batch.session, refusal))
    }
}

fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS)
}

fn note(session: &dyn Session, refusal: &Refusal) -> Result<()> {
    session.execute(
        "INSERT INTO refusals (hour, app_id, code, cause, times, last_at, peer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (hour, app_id, code, cause) DO UPDATE SET
             times = refusals.times + excluded.times,
             peer = CASE WHEN excluded.last_at >= refusals.last_at THEN excluded.peer ELSE refusals.peer END,
             last_at = CASE WHEN excluded.last_at >= refusals.last_at
                 THEN excluded.last_at ELSE refusals.last_at END",
        values![
            hour_of(refusal.last_at),
            refusal.app_id,
            refusal.code,
            refusal.cause,
            i64::try_from(refusal.times).unwrap_or(i64::MAX),
            millis(refusal.last_at),
            refusal.peer.to_string(),
        ],
    )?;
    Ok(())
}

/// The refusals of an application since the hour of a time, the most frequent first.
pub(crate) fn of(session: &dyn Session, app_id: &str, since: Timestamp) -> Result<Vec<Refusal>> {
    let sql = "SELECT code, cause, times, last_at, peer FROM refusals WHERE app_id = ?1 AND hour >= ?2";
    let rows = session.all(sql, values![app_id, hour_of(since)], |row| {
        Ok(Refusal {
            app_id: app_id.to_owned(),
            code: row.get(0)?,
            cause: row.get(1)?,
            times: row.get(2)?,
            last_at: time(row, 3)?,
            peer: parsed(row, 4, str::parse)?,
        })
    })?;
    let mut sums: HashMap<(String, String), Refusal> = HashMap::new();
    for row in rows {
        match sums.entry((row.code.clone(), row.cause.clone())) {
            std::collections::hash_map::Entry::Vacant(new) => drop(new.insert(row)),
            std::collections::hash_map::Entry::Occupied(mut sum) => {
                let sum = sum.get_mut();
                let times = sum.times.saturating_add(row.times);
                if row.last_at > sum.last_at {
                    *sum = row;
                }
                sum.times = times;
            }
        }
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| (&a.code, &a.cause).cmp(&(&b.code, &b.cause))));
    Ok(sums)
}
