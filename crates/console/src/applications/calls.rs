//! Recent requests of an application.

use observe::telemetry::Span;

use crate::figures::{count, share};
use crate::request::PageRequest;

/// Recent requests to this node, including those with a wrong signature.
pub(super) struct Calls {
    pub(super) requests: String,
    pub(super) refused: Option<String>,
    pub(super) refused_items: Option<String>,
    /// The most frequent code.
    pub(super) code: Option<&'static str>,
}

/// The requests of a day with this application id or client id.
pub(super) fn calls(request: &PageRequest<'_>, id: &str, name: &str) -> Calls {
    let (telemetry, account) = (&request.console.core.telemetry, request.scope.account());
    telemetry.know(account, id, name);
    let total = telemetry.series(account.id, Some(id), Span::Day).total;
    Calls {
        requests: count(total.requests),
        refused: (total.refused > 0).then(|| share(total.refused, total.requests)),
        refused_items: (total.refused_items > 0).then(|| count(total.refused_items)),
        code: total.codes.first().map(|(code, _)| *code),
    }
}
