//! How credentials are used: a part of the pages that show them.

use directory::port::Usage;

use super::PageError;
use super::figures::{count, share};
use super::request::PageRequest;
use super::shown_time::ShownTime;

/// The use of a credential.
pub(crate) struct Used {
    pub(crate) at: ShownTime,
    /// The program's User-Agent; empty if it sends none.
    pub(crate) by: String,
    pub(crate) from: String,
    pub(crate) requests: String,
    /// How much of them was refused, if anything was.
    pub(crate) refused: Option<String>,
    /// Code and time of the last refusal.
    pub(crate) last: Option<(String, ShownTime)>,
}

impl From<Usage> for Used {
    fn from(usage: Usage) -> Self {
        Self {
            at: ShownTime(usage.last_used_at),
            by: usage.user_agent,
            from: usage.peer.to_string(),
            requests: count(usage.requests),
            refused: (usage.refused > 0).then(|| share(usage.refused, usage.requests)),
            last: usage.last_refusal.map(|(code, at)| (code, ShownTime(at))),
        }
    }
}

/// The use of several, in their order; `None`: never.
pub(crate) async fn read_usage(
    request: &PageRequest<'_>,
    credentials: &[[u8; 16]],
) -> Result<Vec<Option<Used>>, PageError> {
    let usage = request.console.core.usage_of(credentials).await?;
    Ok(usage.into_iter().map(|usage| usage.map(Used::from)).collect())
}
