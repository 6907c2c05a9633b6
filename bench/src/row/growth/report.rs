//! The results at each size: as a table, as JSON, as a chart.

use serde::Serialize;

use crate::Settings;
use crate::figure::{Series, Target, Verdict};
use crate::machine::Machine;
use crate::output::grouped;
use crate::plot::{Curve, Panel, svg};

/// The minimal ratio of the rate at the largest size to that at the smallest.
const TARGET: f64 = 0.8;

/// All results.
#[derive(Serialize)]
pub(super) struct Report {
    machine: Machine,
    rounds: u32,
    seconds: f64,
    connections: u16,
    points: Vec<Point>,
    rate_of_the_largest_to_the_smallest: Verdict,
    /// The share of the machine that other processes used.
    others: f64,
}

/// The results at one size.
#[derive(Serialize)]
pub(super) struct Point {
    pub(super) users: u64,
    /// Users per second while seeding.
    pub(super) seeded: f64,
    pub(super) created: Series,
    pub(super) page: Series,
    pub(super) login: Series,
    pub(super) start: Series,
    /// MiB resident after the start.
    pub(super) rest: f64,
    /// Most MiB resident under load.
    pub(super) loaded: f64,
    /// MiB of the database and its log after seeding.
    pub(super) size: f64,
}

impl Report {
    /// Needs points sorted by size.
    pub(super) fn new(settings: &Settings, machine: Machine, points: Vec<Point>, others: f64) -> Self {
        let none = || Series::new("", crate::figure::Unit::PerSecond, vec![]);
        let created = |point: Option<&Point>| point.map_or_else(none, |point| point.created.clone());
        let ratio = created(points.last())
            .ratio_to("rate of the largest ÷ rate of the smallest", &created(points.first()));
        Self {
            machine,
            rounds: settings.rounds,
            seconds: settings.seconds,
            connections: settings.connections,
            points,
            rate_of_the_largest_to_the_smallest: ratio.compared_with(Target::AtLeast(TARGET)),
            others,
        }
    }

    pub(super) fn table(&self) -> String {
        let Self { machine, rounds, seconds, connections, points, others, .. } = self;
        let mut text = format!(
            "{} cores, Linux {}, load {:.2} before and {:.2} after\n\
             growth; others took {:.0} % of the machine\n\
             create-user: {connections} connections, median (least to most) of {rounds} rounds of {seconds} s\n\n",
            machine.cores,
            machine.kernel,
            machine.load_before,
            machine.load_after,
            others * 100.0,
        );
        text += &format!(
            "{:>11} {:>7} {:<15} {:>6} {:>6} {:>6} {:>5} {:>5} {:>6}\n{:>11} {:>7} {:<15} {:>6} {:>6} {:>6} {:>5} {:>5} {:>6}\n",
            "users",
            "create",
            "",
            "page",
            "login",
            "start",
            "rest",
            "load",
            "file",
            "",
            "/s",
            "",
            "ms",
            "ms",
            "ms",
            "MiB",
            "MiB",
            "MiB",
        );
        for point in points {
            let Series { median, least, most, .. } = point.created;
            text += &format!(
                "{:>11} {:>7} {:<15} {:>6.2} {:>6.2} {:>6.1} {:>5.0} {:>5.0} {:>6.0}\n",
                grouped(point.users as f64),
                grouped(median),
                format!("({least:.0} to {most:.0})"),
                point.page.median,
                point.login.median,
                point.start.median,
                point.rest,
                point.loaded,
                point.size,
            );
        }
        let Verdict { figure, reached, .. } = &self.rate_of_the_largest_to_the_smallest;
        text += &format!(
            "\n{}: {:.2} ({:.2} to {:.2})\n→ of {TARGET} — {}\n",
            figure.name,
            figure.median,
            figure.least,
            figure.most,
            if *reached { "reached" } else { "not reached" },
        );
        text
    }

    pub(super) fn svg(&self) -> String {
        let curve = |name: &'static str, value: &dyn Fn(&Point) -> f64| Curve {
            name,
            points: self.points.iter().map(|point| (point.users as f64, value(point))).collect(),
        };
        let smallest = self.points.first().map_or(1.0, |point| point.created.median);
        svg(&[
            Panel {
                title: "create-user, rate relative to the smallest",
                curves: vec![curve("", &|point| point.created.median / smallest)],
                target: Some(TARGET),
            },
            Panel {
                title: "page of 500 in the middle, ms",
                curves: vec![curve("", &|point| point.page.median)],
                target: None,
            },
            Panel {
                title: "from spawn to ready, ms",
                curves: vec![curve("", &|point| point.start.median)],
                target: None,
            },
            Panel {
                title: "resident memory, MiB",
                curves: vec![
                    curve("under load", &|point| point.loaded),
                    curve("at rest", &|point| point.rest),
                ],
                target: None,
            },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Unit;

    fn point(users: u64, rate: f64) -> Point {
        let series = |unit, value| Series::new("x", unit, vec![value, value * 1.5, value / 1.5]);
        Point {
            users,
            seeded: 123_456.0,
            created: series(Unit::PerSecond, rate),
            page: series(Unit::Milliseconds, 12.345),
            login: series(Unit::Milliseconds, 123.456),
            start: series(Unit::Milliseconds, 1_234.5),
            rest: 1_234.0,
            loaded: 12_345.0,
            size: 123_456.0,
        }
    }

    fn report(largest: f64) -> Report {
        let machine = Machine { cores: 2, kernel: "6.1".to_owned(), load_before: 0.1, load_after: 2.0 };
        let settings = Settings { rounds: 3, seconds: 600.0, connections: 65_535, folder: None, json: None };
        let points = vec![point(1_000, 20_000.0), point(100_000_000, largest)];
        Report::new(&settings, machine, points, 0.0)
    }

    #[test]
    fn the_table_fits_eighty_columns_and_holds_the_largest_against_the_smallest() {
        let table = report(15_000.0).table();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("the smallest: 0.75 ("), "{table}");
        assert!(table.contains("→ of 0.8 — not reached"), "{table}");
        assert!(report(16_001.0).table().contains("— reached"));
    }

    #[test]
    fn charts_show_the_measured_values() {
        let svg = report(10_000.0).svg();
        // Two sizes on five curves.
        assert_eq!(svg.matches("<circle").count(), 10, "{svg}");
        assert!(svg.contains("<title>100 M users: 0.500</title>"), "{svg}");
    }
}
