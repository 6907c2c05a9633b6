//! The health of an account's applications.

use directory::port::{ApplicationRow, BindingRow};
use jiff::Timestamp;

use crate::PageError;
use crate::applications::client_path;
use crate::figures::{count, duration, share};
use crate::key_status::KeyStatus;
use crate::request::PageRequest;
use crate::shown_time::ShownTime;
use observe::telemetry::{Point, Span};

/// Key pairs per application that are checked, the newest ones.
const PAIRS: usize = 200;

/// More refusals than one in this many requests need attention.
const TOLERATED: u64 = 20;

/// An application and its requests in a span of time.
pub(super) struct Application {
    /// The application id or client id.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) requests: String,
    pub(super) refused: String,
    /// `None` without requests.
    pub(super) p95: Option<String>,
    pub(super) last_used: Option<ShownTime>,
    /// Whether it has ever called.
    pub(super) has_called: bool,
    /// Key pairs or tokens that end soon.
    pub(super) ending: usize,
    /// Number of key pairs; `None` for API 2.0.
    pub(super) pairs: Option<usize>,
    /// The API generation.
    pub(super) generation: &'static str,
    /// Text and CSS class.
    pub(super) state: (&'static str, &'static str),
}

/// The enabled applications, those of API 1.0 first. From now on refused requests with their ids are counted as
/// theirs.
pub(super) async fn list_applications(
    request: &PageRequest<'_>,
    span: Span,
) -> Result<Vec<Application>, PageError> {
    let (console, account, now) =
        (request.console, request.scope.account(), request.console.core.clock.now());
    let applications = console.core.store.list_applications().await?.into_iter();
    let own = applications.filter(|it| it.account == account.id && it.disabled_at.is_none());
    let mut found: Vec<(Found, Vec<[u8; 16]>)> = Vec::new();
    for ApplicationRow { id, app_id, name, .. } in own {
        let pairs = console.core.store.bindings_to(id, None, PAIRS).await?;
        let credentials = pairs.iter().map(|pair| *pair.id.as_bytes()).collect();
        let path = request.path(&format!("/applications/{app_id}"));
        found.push((
            Found { ending: ending(&pairs, now), pairs: Some(pairs.len()), id: app_id, name, path },
            credentials,
        ));
    }
    for client in console.core.store.list_clients().await?.into_iter().filter(|it| it.account == account.id) {
        let path = client_path(request, &client.client_id);
        let tokens = console.core.store.tokens(client.id).await?;
        let ending = tokens.iter().filter(|token| KeyStatus::of_token(token, now) == KeyStatus::EndsSoon);
        let ending = ending.count();
        let found_client = Found { id: client.client_id, name: client.name, path, pairs: None, ending };
        found.push((found_client, vec![*client.id.as_bytes()]));
    }
    let credentials: Vec<_> = found.iter().flat_map(|(_, credentials)| credentials).copied().collect();
    let mut used =
        console.core.usage_of(&credentials).await?.into_iter().map(|usage| usage.map(|it| it.last_used_at));
    let all = found.into_iter().map(|(found, credentials)| {
        let last = used.by_ref().take(credentials.len()).flatten().max();
        console.core.telemetry.know(account, &found.id, &found.name);
        let total = console.core.telemetry.series(account.id, Some(&found.id), span).total;
        found.with_health(&total, last)
    });
    Ok(all.collect())
}

fn ending(pairs: &[BindingRow], now: Timestamp) -> usize {
    pairs.iter().filter(|pair| KeyStatus::of_pair(pair, now) == KeyStatus::EndsSoon).count()
}

/// An application in the directory.
struct Found {
    id: String,
    name: String,
    path: String,
    pairs: Option<usize>,
    ending: usize,
}

impl Found {
    fn with_health(self, total: &Point, last: Option<Timestamp>) -> Application {
        let Self { id, name, path, pairs, ending } = self;
        let state = match total.requests {
            _ if ending > 0 => ("needs attention", "warn"),
            0 => ("idle", ""),
            requests if total.refused * TOLERATED > requests => ("needs attention", "warn"),
            _ => ("healthy", "good"),
        };
        Application {
            id,
            name,
            path,
            requests: count(total.requests),
            refused: share(total.refused, total.requests),
            p95: total.latency.map(|latency| duration(latency.p95)),
            last_used: last.map(ShownTime),
            has_called: last.is_some() || total.requests > 0,
            ending,
            generation: if pairs.is_some() { "1.0" } else { "2.0" },
            pairs,
            state,
        }
    }
}
