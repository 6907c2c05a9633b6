//! The use of credentials, as pages show it.

use directory::port::Usage;

use super::PageError;
use super::figures::{count, share};
use super::request::PageRequest;
use super::shown_time::ShownTime;

pub(crate) struct Used {
    pub(crate) at: ShownTime,
    /// The program's User-Agent; empty if it sends none.
    pub(crate) by: String,
    pub(crate) from: String,
    pub(crate) requests: String,
    /// Percentage of refused requests; `None` if there are none.
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

/// The use of each credential; `None`: never used.
pub(crate) async fn read_usage(
    request: &PageRequest<'_>,
    credentials: &[[u8; 16]],
) -> Result<Vec<Option<Used>>, PageError> {
    let usage = request.console.core.usage_of(credentials).await?;
    Ok(usage.into_iter().map(|usage| usage.map(Used::from)).collect())
}
