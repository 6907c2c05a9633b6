//! The request counts of this node, for each application: in the last hour, the last day and since the start. In
//! memory, bounded, and cheap: one lock and a few additions per request.

mod histogram;
mod refusals;
mod ring;
mod text;
mod usage;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use directory::port::{Clock, Refusal, Usage};
use directory::{Account, AccountCode, AccountId, Sender};
use jiff::{SignedDuration, Timestamp};

use crate::line::Line;
use histogram::{Coarse, Histogram};
use refusals::Refusals;
use ring::Rings;
use usage::Gathered;

pub use histogram::Quantiles;
pub use ring::Span;
pub use text::Reading;

/// Applications with separate counts. Beyond that, one that was unused for a day is replaced; if there is none, a new
/// application is counted with others.
const APPLICATIONS: usize = 256;

/// How long an application must be unused to be replaced.
const UNUSED: SignedDuration = SignedDuration::from_hours(24);

/// Longest application id in bytes; longer ones are unknown.
const LONGEST_APP_ID: usize = 200;

/// The counter of requests with an unknown application; it belongs to no account.
const UNKNOWN: &str = "unknown";

/// The counter for applications beyond the limit; it belongs to no account.
const OTHERS: &str = "others";

/// Codes with their counts.
type Codes = Vec<(&'static str, u64)>;

/// The counts of a node.
pub struct Telemetry {
    clock: Arc<dyn Clock>,
    since: Timestamp,
    counts: Mutex<Counts>,
}

/// A request that was served.
pub struct Request<'a> {
    /// The path of its endpoint, or its own canonical path.
    pub path: &'a str,
    /// The HTTP status of the response.
    pub status: u16,
    /// Its duration.
    pub took: Duration,
    /// The client's address.
    pub peer: IpAddr,
    /// The claimed application.
    pub app_id: Option<&'a [u8]>,
    /// The User-Agent.
    pub user_agent: Option<&'a [u8]>,
    /// Facts collected while it was served.
    pub line: &'a Line,
}

/// Requests in one or several buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// The start of the bucket.
    pub start: Timestamp,
    /// All requests.
    pub requests: u64,
    /// Requests that were refused as a whole.
    pub refused: u64,
    /// Refused items of accepted requests.
    pub refused_items: u64,
    /// Counts of codes, for requests and items; the most frequent first.
    pub codes: Vec<(&'static str, u64)>,
    /// Durations; `None` without requests.
    pub latency: Option<Quantiles>,
    /// Highest used part of a quota, in thousandths of its limit.
    pub quota_per_mille: u16,
    /// Most passwords waiting to be hashed, over all requests to this node.
    pub waiting: usize,
}

/// The counts of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Start of counting on this node.
    pub since: Timestamp,
    /// The buckets, oldest first; [`Span::buckets`] of them.
    pub points: Vec<Point>,
    /// The sum of all buckets.
    pub total: Point,
}

struct Counts {
    applications: HashMap<Box<str>, Application>,
    unknown: Application,
    others: Application,
    endpoints: HashMap<&'static str, Endpoint>,
    waiting: Rings<usize>,
    usage: Gathered,
    refusals: Refusals,
}

#[derive(Default)]
struct Application {
    owner: Option<AccountId>,
    account: Option<AccountCode>,
    name: String,
    /// The time of the last request.
    last: Option<Timestamp>,
    requests: u64,
    codes: Codes,
    recent: Rings<Bucket>,
}

#[derive(Default)]
struct Bucket {
    requests: u32,
    refused: u32,
    refused_items: u32,
    codes: Codes,
    latency: Histogram,
    quota_per_mille: u16,
}

#[derive(Default)]
struct Endpoint {
    statuses: BTreeMap<u16, u64>,
    latency: Coarse,
}

impl Telemetry {
    /// Starts counting. `paths` are those of the endpoints; requests to others are counted together.
    pub fn new(clock: Arc<dyn Clock>, paths: impl IntoIterator<Item = &'static str>) -> Self {
        let endpoints = paths.into_iter().chain([text::OTHER]);
        let counts = Counts {
            applications: HashMap::new(),
            unknown: Application::default(),
            others: Application::default(),
            endpoints: endpoints.map(|path| (path, Endpoint::default())).collect(),
            waiting: Rings::default(),
            usage: Gathered::default(),
            refusals: Refusals::default(),
        };
        Self { since: clock.now(), clock, counts: Mutex::new(counts) }
    }

    /// Counts a request. `waiting` is the number of passwords waiting at its end.
    pub fn record(&self, request: &Request<'_>, waiting: usize) {
        let now = self.clock.now();
        let mut counts = self.counts();
        counts.waiting.count(now, |most| *most = waiting.max(*most));
        if let Some(sender) = &request.line.sender {
            counts.usage.count(sender.credential(), request, now);
            if let Some(token) = sender.token() {
                counts.usage.count(*token.as_bytes(), request, now);
            }
        }
        if let Some(code) = request.line.code.filter(|_| !request.line.is_examined) {
            let app_id = counts.named(request).unwrap_or_default();
            counts.refusals.count((&app_id, code, ""), request.peer, now);
        }
        counts.endpoint(request.path).count(request);
        counts.application(request, now).count(request, now);
    }

    /// Counts a refused signature whose cause was looked for, by the application that it was found to belong to; empty: to
    /// none.
    pub fn record_examined(&self, app_id: &str, code: &'static str, cause: &'static str, peer: IpAddr) {
        let now = self.clock.now();
        self.counts().refusals.count((app_id, code, cause), peer, now);
    }

    /// The refusals since the last call.
    pub fn take_refusals(&self) -> Vec<Refusal> {
        self.counts().refusals.take()
    }

    /// Returns refusals that could not be recorded.
    pub fn put_refusals_back(&self, refusals: Vec<Refusal>) {
        self.counts().refusals.return_unsent(refusals);
    }

    /// Registers an application, so that its requests are counted separately even before one succeeds.
    pub fn know(&self, account: &Account, app_id: &str, name: &str) {
        let now = self.clock.now();
        if let Some(known) = self.counts().application_entry(app_id, now) {
            known.owner = Some(account.id);
            known.account = Some(account.code.clone());
            name.clone_into(&mut known.name);
        }
    }

    /// The account code of a registered application.
    pub fn account_of(&self, app_id: &[u8]) -> Option<AccountCode> {
        self.counts().find_application(app_id)?.account.clone()
    }

    /// The registered applications of an account: id and name, ordered by name.
    pub fn applications(&self, account: AccountId) -> Vec<(String, String)> {
        let counts = self.counts();
        let own = counts.applications.iter().filter(|(_, application)| application.owner == Some(account));
        let mut own: Vec<_> = own.map(|(app_id, it)| (app_id.to_string(), it.name.clone())).collect();
        own.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        own
    }

    /// The counts of one application of an account, or of all. Empty for applications of other accounts.
    pub fn series(&self, account: AccountId, application: Option<&str>, span: Span) -> Series {
        let now = self.clock.now();
        let counts = self.counts();
        let mut sums: Vec<Sum> = span.starts(now).map(Sum::starting).collect();
        for (app_id, it) in &counts.applications {
            if it.owner == Some(account) && application.is_none_or(|named| named == &**app_id) {
                for (sum, bucket) in sums.iter_mut().zip(it.recent.read(span, now)) {
                    bucket.into_iter().for_each(|bucket| sum.add(bucket));
                }
            }
        }
        for (sum, most) in sums.iter_mut().zip(counts.waiting.read(span, now)) {
            sum.point.waiting = most.copied().unwrap_or(0);
        }
        drop(counts);
        let mut total = Sum::starting(sums.first().map_or(now, |oldest| oldest.point.start));
        sums.iter().for_each(|sum| total.merge(sum));
        let points = sums.into_iter().map(Sum::point).collect();
        Series { since: self.since, points, total: total.point() }
    }

    /// The use of credentials since the last call.
    pub fn take_usage(&self) -> Vec<Usage> {
        self.counts().usage.take()
    }

    /// Returns use that could not be recorded.
    pub fn put_usage_back(&self, usage: Vec<Usage>) {
        self.counts().usage.return_unsent(usage);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn endpoint(&mut self, path: &str) -> &mut Endpoint {
        let path = self.endpoints.get_key_value(path).map_or(text::OTHER, |(path, _)| *path);
        self.endpoints.entry(path).or_default()
    }

    /// The counter of a request: that of its signer, else of the named application if registered.
    fn application(&mut self, request: &Request<'_>, now: Timestamp) -> &mut Application {
        if let Some(sender) = &request.line.sender {
            if !self.applications.contains_key(sender.app_id()) {
                self.learn_sender(sender, now);
            }
            return self.applications.get_mut(sender.app_id()).unwrap_or(&mut self.others);
        }
        match self.named(request) {
            Some(app_id) => self.applications.get_mut(&app_id).unwrap_or(&mut self.unknown),
            None => &mut self.unknown,
        }
    }

    /// The id of the application that signed a request, else of the registered one that it names.
    fn named(&self, request: &Request<'_>) -> Option<Box<str>> {
        let Line { sender, claimed, .. } = request.line;
        if let Some(sender) = sender {
            return Some(sender.app_id().into());
        }
        let claimed = claimed.as_ref().map(|(name, _)| name.as_bytes());
        [request.app_id, claimed].into_iter().flatten().find_map(|named| self.app_id(named))
    }

    fn learn_sender(&mut self, sender: &Sender, now: Timestamp) {
        if let Some(known) = self.application_entry(sender.app_id(), now) {
            let own = sender.account();
            known.owner = Some(sender.owner());
            known.account = (own.id == sender.owner()).then(|| own.code.clone());
            sender.application().clone_into(&mut known.name);
        }
    }

    /// The counter of an application, created if needed; `None` if there is no room.
    fn application_entry(&mut self, app_id: &str, now: Timestamp) -> Option<&mut Application> {
        if !self.applications.contains_key(app_id) && self.applications.len() >= APPLICATIONS {
            let (longest, last) =
                self.applications.iter().map(|(app_id, it)| (app_id, it.last)).min_by_key(|it| it.1)?;
            if last.is_some_and(|last| now.duration_since(last) < UNUSED) {
                return None;
            }
            let longest = longest.clone();
            self.applications.remove(&longest);
        }
        Some(self.applications.entry(app_id.into()).or_default())
    }

    fn find_application(&self, app_id: &[u8]) -> Option<&Application> {
        self.app_id(app_id).and_then(|app_id| self.applications.get(&app_id))
    }

    /// The id of a registered application; requests may write it in upper case.
    fn app_id(&self, named: &[u8]) -> Option<Box<str>> {
        let named = str::from_utf8(named).ok().filter(|named| named.len() <= LONGEST_APP_ID)?.trim();
        let found = self.applications.get_key_value(named);
        let found = found.or_else(|| self.applications.get_key_value(named.to_ascii_lowercase().as_str()));
        found.map(|(app_id, _)| app_id.clone())
    }
}

impl Application {
    fn count(&mut self, request: &Request<'_>, now: Timestamp) {
        let Line { code, refused_items, drawn_per_mille, .. } = request.line;
        let codes = || code.iter().chain(refused_items).copied();
        self.last = Some(now);
        self.requests += 1;
        codes().for_each(|code| count_code(&mut self.codes, code, 1));
        self.recent.count(now, |bucket| {
            bucket.requests = bucket.requests.saturating_add(1);
            bucket.refused = bucket.refused.saturating_add(u32::from(code.is_some()));
            let items = u32::try_from(refused_items.len()).unwrap_or(u32::MAX);
            bucket.refused_items = bucket.refused_items.saturating_add(items);
            codes().for_each(|code| count_code(&mut bucket.codes, code, 1));
            bucket.latency.count(request.took);
            bucket.quota_per_mille = bucket.quota_per_mille.max(*drawn_per_mille);
        });
    }
}

impl Endpoint {
    fn count(&mut self, request: &Request<'_>) {
        *self.statuses.entry(request.status).or_default() += 1;
        self.latency.count(request.took);
    }
}

/// Linear search: few different codes occur.
fn count_code(codes: &mut Codes, code: &'static str, times: u64) {
    match codes.iter_mut().find(|(known, _)| *known == code) {
        Some((_, count)) => *count += times,
        None => codes.push((code, times)),
    }
}

/// A point while it is summed up.
struct Sum {
    point: Point,
    latency: Histogram,
}

impl Sum {
    fn starting(start: Timestamp) -> Self {
        Self { point: Point { start, ..Point::default() }, latency: Histogram::default() }
    }

    fn add(&mut self, bucket: &Bucket) {
        let Point { requests, refused, refused_items, codes, quota_per_mille, .. } = &mut self.point;
        *requests += u64::from(bucket.requests);
        *refused += u64::from(bucket.refused);
        *refused_items += u64::from(bucket.refused_items);
        *quota_per_mille = bucket.quota_per_mille.max(*quota_per_mille);
        bucket.codes.iter().for_each(|(code, times)| count_code(codes, code, *times));
        self.latency.add(&bucket.latency);
    }

    fn merge(&mut self, other: &Sum) {
        let Point { requests, refused, refused_items, codes, quota_per_mille, waiting, .. } = &mut self.point;
        *requests += other.point.requests;
        *refused += other.point.refused;
        *refused_items += other.point.refused_items;
        *quota_per_mille = other.point.quota_per_mille.max(*quota_per_mille);
        *waiting = other.point.waiting.max(*waiting);
        other.point.codes.iter().for_each(|(code, times)| count_code(codes, code, *times));
        self.latency.add(&other.latency);
    }

    fn point(mut self) -> Point {
        self.point.codes.sort_by_key(|(code, times)| (std::cmp::Reverse(*times), *code));
        Point { latency: self.latency.quantiles(), ..self.point }
    }
}

#[cfg(test)]
mod tests;
