//! The request counts as figures and charts.

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

pub(super) struct Statistics {
    pub(super) since: ShownTime,
    /// Whether the node has counted for the whole span.
    pub(super) is_whole: bool,
    pub(super) requests: Figures,
    pub(super) latency: Option<[String; 3]>,
    /// Highest use of a quota.
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

/// An error code with its count and meaning, and the path of its requests in the journal.
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
        let limit = console.core.hasher.limit() as u64;
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
        let starts = points.iter().map(|point| point.start).collect();
        let (span, bucket) = match span {
            Span::Hour => ("the last hour", "minute"),
            Span::Day => ("the last day", "quarter of an hour"),
        };
        let data = ChartData { span, bucket, starts, points, total };
        Self {
            requests: data.requests(),
            latency: data.latency(),
            quota: data.quota(),
            waiting: data.waiting(limit),
        }
    }
}

/// The counts behind the charts.
struct ChartData<'a> {
    span: &'static str,
    bucket: &'static str,
    starts: Vec<Timestamp>,
    points: &'a [Point],
    total: &'a Point,
}

impl ChartData<'_> {
    fn requests(&self) -> Chart {
        let (span, bucket) = (self.span, self.bucket);
        let most = self.most(|point| point.requests as f64);
        let label = format!(
            "Requests in {span}, each {bucket}: {} in all, {} refused, at most {} in one {bucket}",
            count(self.total.requests),
            count(self.total.refused),
            count(most as u64),
        );
        let accepted = |point: &Point| (point.requests - point.refused.min(point.requests)) as f64;
        Chart::new(label, &self.starts, Scale::up_to(most, 1.0), whole_number)
            .bars("bar", self.points.iter().map(|point| (0.0, accepted(point))))
            .bars("bar bad", self.points.iter().map(|point| (accepted(point), point.requests as f64)))
    }

    fn latency(&self) -> Chart {
        let span = self.span;
        let label = match &self.total.latency {
            Some(it) => format!(
                "Duration of requests in {span}: half at most {}, 95 of 100 at most {}, 99 of 100 at most {}",
                duration(it.p50),
                duration(it.p95),
                duration(it.p99),
            ),
            None => format!("Duration of requests in {span}: no requests"),
        };
        let seconds = |point: &Point, quantile: fn(&Quantiles) -> Duration| {
            point.latency.as_ref().map(quantile).map(|it| it.as_secs_f64())
        };
        let slowest = self.points.iter().filter_map(|point| seconds(point, |it| it.p99)).fold(0.0, f64::max);
        let time = |mark: f64| match mark {
            0.0 => "0".to_owned(),
            _ => duration(Duration::from_secs_f64(mark)),
        };
        Chart::new(label, &self.starts, Scale::up_to(slowest, 0.0001), time)
            .line("line", self.points.iter().map(|point| seconds(point, |it| it.p50)))
            .line("line two", self.points.iter().map(|point| seconds(point, |it| it.p95)))
            .line("line three", self.points.iter().map(|point| seconds(point, |it| it.p99)))
    }

    fn quota(&self) -> Chart {
        let label = format!(
            "Share of the quota used in {}: at most {}",
            self.span,
            share(u64::from(self.total.quota_per_mille), 1_000),
        );
        let percent = |point: &Point| f64::from(point.quota_per_mille) / 10.0;
        Chart::new(label, &self.starts, Scale::up_to(100.0, 25.0), |mark| format!("{mark:.0} %"))
            .bars("bar", self.points.iter().map(|point| (0.0, percent(point))))
    }

    fn waiting(&self, limit: u64) -> Chart {
        let label = format!(
            "Passwords waiting to be hashed in {}: at most {} of {} allowed",
            self.span,
            count(self.total.waiting as u64),
            count(limit),
        );
        let most = self.most(|point| point.waiting as f64);
        Chart::new(label, &self.starts, Scale::up_to(most, 1.0), whole_number)
            .bars("bar", self.points.iter().map(|point| (0.0, point.waiting as f64)))
    }

    fn most(&self, value: fn(&Point) -> f64) -> f64 {
        self.points.iter().map(value).fold(0.0, f64::max)
    }
}

fn whole_number(mark: f64) -> String {
    count(mark as u64)
}
