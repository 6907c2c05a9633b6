//! Why requests of an application were refused.

use directory::port::{REFUSALS_KEPT, Refusal};
use wire::explain::Mistake;

use crate::PageError;
use crate::figures::count;
use crate::request::PageRequest;
use crate::shown_time::ShownTime;

/// Rows on the page; the rest is rare.
const ROWS: usize = 20;

pub(super) struct Row {
    pub(super) code: String,
    /// What is wrong, and how to fix it; only for signatures.
    pub(super) why: Option<(&'static str, &'static str)>,
    pub(super) times: String,
    pub(super) last: ShownTime,
    pub(super) from: String,
}

/// The most frequent refusals of the last days, by application id or client id.
pub(super) async fn rows(request: &PageRequest<'_>, id: &str) -> Result<Vec<Row>, PageError> {
    let core = &request.console.core;
    let since = core.clock.now().saturating_sub(REFUSALS_KEPT).unwrap_or(jiff::Timestamp::MIN);
    let mut refusals = core.refusals_of(id, since).await?;
    refusals.truncate(ROWS);
    Ok(refusals.into_iter().map(row).collect())
}

fn row(Refusal { code, cause, times, last_at, peer, .. }: Refusal) -> Row {
    Row { why: why(&cause), code, times: count(times), last: ShownTime(last_at), from: peer.to_string() }
}

fn why(cause: &str) -> Option<(&'static str, &'static str)> {
    if let Some(mistake) = Mistake::ALL.iter().find(|mistake| mistake.name() == cause) {
        return Some((mistake.wrong(), mistake.mend()));
    }
    match cause {
        "unexplained" => Some((
            "The signature is wrong, and no known mistake explains it.",
            "Compare the secret key and the application key with the issued ones, to the last character.",
        )),
        "unread" => Some((
            "The headers of a signed request cannot be read.",
            "Compare them with those of a request that works.",
        )),
        "right" => Some((
            "The signature was right a moment later.",
            "The key pair or its user changed while the request arrived: nothing to do.",
        )),
        _ => None,
    }
}
