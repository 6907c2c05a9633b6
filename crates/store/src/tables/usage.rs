//! The use of credentials. Counts add up and the newest of the rest wins, so that reports of several nodes may come in
//! any order.

use directory::port::Usage;

use super::batch::Batch;
use super::row::{millis, optional_time, parsed, time};
use super::work::{Payload, Work};
use crate::session::{Result, Session, values};

/// Adds to the usage of credentials. A second run counts twice, which does less harm than an error for all that share
/// the transaction.
pub(crate) struct NoteUsage(pub(crate) Vec<Usage>);

impl Payload for NoteUsage {
    type Output = ();

    fn size(&self) -> usize {
        self.0.len()
    }
}

impl Work for NoteUsage {
    fn run(&self, batch: &mut Batch<'_>) -> Result<()> {
        self.0.iter().try_for_each(|usage| note(batch.session, usage))
    }
}

/// Adds to the usage of one credential. A deleted credential stays deleted.
fn note(session: &dyn Session, usage: &Usage) -> Result<()> {
    let (refusal, refused_at) = usage.last_refusal.as_ref().map(|(code, at)| (code, millis(*at))).unzip();
    session.execute(
        "INSERT INTO binding_usage (credential, used_at, user_agent, peer, requests, refused, refusal, refused_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
         WHERE EXISTS (SELECT 1 FROM bindings WHERE id = ?1) OR EXISTS (SELECT 1 FROM clients WHERE id = ?1)
             OR EXISTS (SELECT 1 FROM client_tokens WHERE id = ?1 AND revoked_at IS NULL)
         ON CONFLICT (credential) DO UPDATE SET
             requests = binding_usage.requests + excluded.requests,
             refused = binding_usage.refused + excluded.refused,
             user_agent = CASE WHEN excluded.used_at >= binding_usage.used_at
                 THEN excluded.user_agent ELSE binding_usage.user_agent END,
             peer = CASE WHEN excluded.used_at >= binding_usage.used_at
                 THEN excluded.peer ELSE binding_usage.peer END,
             used_at = CASE WHEN excluded.used_at >= binding_usage.used_at
                 THEN excluded.used_at ELSE binding_usage.used_at END,
             refusal = CASE WHEN excluded.refused_at >= coalesce(binding_usage.refused_at, excluded.refused_at)
                 THEN excluded.refusal ELSE binding_usage.refusal END,
             refused_at = CASE WHEN excluded.refused_at >= coalesce(binding_usage.refused_at, excluded.refused_at)
                 THEN excluded.refused_at ELSE binding_usage.refused_at END",
        values![
            usage.credential,
            millis(usage.last_used_at),
            usage.user_agent,
            usage.peer.to_string(),
            count(usage.requests),
            count(usage.refused),
            refusal,
            refused_at,
        ],
    )?;
    Ok(())
}

pub(crate) fn of(session: &dyn Session, credential: &[u8; 16]) -> Result<Option<Usage>> {
    let sql = "SELECT used_at, user_agent, peer, requests, refused, refusal, refused_at
         FROM binding_usage WHERE credential = ?1";
    session.one(sql, values![credential], |row| {
        Ok(Usage {
            credential: *credential,
            last_used_at: time(row, 0)?,
            user_agent: row.get(1)?,
            peer: parsed(row, 2, str::parse)?,
            requests: row.get(3)?,
            refused: row.get(4)?,
            last_refusal: row.get::<Option<String>>(5)?.zip(optional_time(row, 6)?),
        })
    })
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
