//! The counts, as charts and figures.

use std::time::Duration;

use directory::role::LOGS_READ;
use jiff::Timestamp;

use super::Selection;
use crate::chart::{Chart, Scale};
use crate::figures::{count, duration, meaning, share};
use crate::form::query_string;
use crate::request::PageRequest;
use crate::shown_time::ShownTime;
use observe::telemetry::{Point, Quantiles, Series, Span};

/// The counts of a span of time.
pub(super) struct Statistics {
    pub(super) since: ShownTime,
    /// Whether the node counts for longer than the span.
    pub(super) is_whole: bool,
    pub(super) requests: Figures,
    pub(super) latency: Option<[String; 3]>,
    /// The most that was drawn of a quota.
    pub(super) quota: String,
    pub(super) waiting: u64,
    pub(super) limit: String,
    pub(super) charts: Charts,
    pub(super) refusals: Vec<Refusals>,
}

pub(super) struct Figures {
    pub(super) all: String,
    pub(super) refused: String,
    pub(super) share: String,
    pub(super) items: String,
}

pub(super) struct Charts {
    pub(super) requests: Chart,
    pub(super) latency: Chart,
    pub(super) quota: Chart,
    pub(super) waiting: Chart,
}

/// How often a code was given, what it means, and where the requests are.
pub(super) struct Refusals {
    pub(super) code: &'static str,
    pub(super) times: String,
    pub(super) meaning: String,
    pub(super) path: Option<String>,
}

impl Statistics {
    pub(super) fn read(request: &PageRequest<'_>, selection: &Selection) -> Self {
        let (console, account) = (request.console, request.scope.account().id);
        let Series { since, points, total } =
            console.core.telemetry.series(account, selection.application.as_deref(), selection.span);
        let limit = console.core.gate.limit() as u64;
        let journal = request.may(&LOGS_READ) && console.host.journal().is_some();
        let refusals = total.codes.iter().map(|&(code, times)| Refusals {
            code,
            times: count(times),
            meaning: meaning(code),
            path: journal.then(|| request.path(&format!("/journal?{}", query_string(&[("code", code)])))),
        });
        Self {
            since: ShownTime(since),
            is_whole: points.first().is_some_and(|oldest| since <= oldest.start),
            requests: Figures {
                all: count(total.requests),
                refused: count(total.refused),
                share: share(total.refused, total.requests),
                items: count(total.refused_items),
            },
            latency: total.latency.map(|it| [it.p50, it.p95, it.p99].map(duration)),
            quota: share(u64::from(total.quota_per_mille), 1_000),
            waiting: total.waiting as u64,
            limit: count(limit),
            charts: Charts::draw(selection.span, &points, &total, limit),
            refusals: refusals.collect(),
        }
    }
}

impl Charts {
    fn draw(span: Span, points: &[Point], total: &Point, limit: u64) -> Self {
        let starts: Vec<Timestamp> = points.iter().map(|point| point.start).collect();
        let (whole, bucket) = match span {
            Span::Hour => ("the last hour", "minute"),
            Span::Day => ("the last day", "quarter of an hour"),
        };
        let whole_number = |mark: f64| count(mark as u64);
        let most = |of: fn(&Point) -> f64| points.iter().map(of).fold(0.0, f64::max);

        let busiest = most(|point| point.requests as f64);
        let label = format!(
            "Requests in {whole}, each {bucket}: {} in all, {} refused, at most {} in one {bucket}",
            count(total.requests),
            count(total.refused),
            count(busiest as u64),
        );
        let accepted = |point: &Point| (point.requests - point.refused.min(point.requests)) as f64;
        let requests = Chart::new(label, &starts, Scale::up_to(busiest, 1.0), whole_number)
            .bars("bar", points.iter().map(|point| (0.0, accepted(point))))
            .bars("bar bad", points.iter().map(|point| (accepted(point), point.requests as f64)));

        let seconds = |point: &Point, of: fn(&Quantiles) -> Duration| {
            point.latency.as_ref().map(of).map(|it| it.as_secs_f64())
        };
        let slowest = points.iter().filter_map(|point| seconds(point, |it| it.p99)).fold(0.0, f64::max);
        let label = match &total.latency {
            Some(it) => format!(
                "Duration of requests in {whole}: half at most {}, 95 of 100 at most {}, 99 of 100 at most {}",
                duration(it.p50),
                duration(it.p95),
                duration(it.p99),
            ),
            None => format!("Duration of requests in {whole}: no requests"),
        };
        let time = |mark: f64| match mark {
            0.0 => "0".to_owned(),
            _ => duration(Duration::from_secs_f64(mark)),
        };
        let latency = Chart::new(label, &starts, Scale::up_to(slowest, 0.0001), time)
            .line("line", points.iter().map(|point| seconds(point, |it| it.p50)))
            .line("line two", points.iter().map(|point| seconds(point, |it| it.p95)))
            .line("line three", points.iter().map(|point| seconds(point, |it| it.p99)));

        let drawn = |point: &Point| f64::from(point.quota_per_mille) / 10.0;
        let label = format!(
            "Share of the quota used in {whole}: at most {}",
            share(u64::from(total.quota_per_mille), 1_000),
        );
        let quota = Chart::new(label, &starts, Scale::up_to(100.0, 25.0), |mark| format!("{mark:.0} %"))
            .bars("bar", points.iter().map(|point| (0.0, drawn(point))));

        let label = format!(
            "Passwords waiting to be hashed in {whole}: at most {} of {} allowed",
            count(total.waiting as u64),
            count(limit),
        );
        let scale = Scale::up_to(most(|point| point.waiting as f64), 1.0);
        let waiting = Chart::new(label, &starts, scale, whole_number)
            .bars("bar", points.iter().map(|point| (0.0, point.waiting as f64)));
        Self { requests, latency, quota, waiting }
    }
}
