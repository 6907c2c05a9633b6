//! The figures of two builds, round by round, and their ratios.

use serde::Serialize;

use super::report::{Figure, Report, Row};
use crate::figure::{Series, Unit};
use crate::output::{symbol, value};

/// A valid round: one report of each build.
pub(super) struct Round {
    pub(super) old: Report,
    pub(super) new: Report,
}

/// A row of both builds.
#[derive(Serialize)]
pub(super) struct Compared {
    /// The command that measured it.
    row: String,
    title: String,
    /// The share of the machine that other processes used, in all measurements of both builds.
    others: Series,
    figures: Vec<Pair>,
}

/// A figure of both builds. A build that does not measure it has `None`.
#[derive(Serialize)]
struct Pair {
    name: String,
    old: Option<Series>,
    new: Option<Series>,
    /// NEW ÷ OLD, round by round.
    ratio: Option<Series>,
}

/// Which side of a round.
type Side = fn(&Round) -> &Report;

/// The rows of the reports of one command. The newest build names them.
pub(super) fn compare(row: &str, rounds: &[Round]) -> Vec<Compared> {
    let sides: [Side; 2] = [|round| &round.old, |round| &round.new];
    let Some(first) = rounds.first() else { return Vec::new() };
    let titles = first.new.rows.iter().map(|new| &new.title).enumerate();
    let compared = titles.map(|(place, title)| {
        let found = |side: Side| rounds.iter().filter_map(move |round| find(side(round), place, title));
        let others = sides.iter().flat_map(|side| found(*side)).filter_map(|row| row.others).collect();
        let mut names: Vec<&str> = Vec::new();
        for figure in found(sides[1]).chain(found(sides[0])).flat_map(|row| &row.figures) {
            if !names.contains(&figure.name.as_str()) {
                names.push(&figure.name);
            }
        }
        let pair = |name: &&str| {
            let [old, new] =
                sides.map(|side| series(name, rounds.iter().map(|r| find(side(r), place, title))));
            Pair::new(name, old, new)
        };
        Compared {
            row: row.to_owned(),
            title: title.clone(),
            others: Series::new("others", Unit::Ratio, others),
            figures: names.iter().map(pair).collect(),
        }
    });
    compared.collect()
}

/// The row with this title; if there is none, the one at this place: an older build may call it something else.
fn find<'r>(report: &'r Report, place: usize, title: &str) -> Option<&'r Row> {
    report.rows.iter().find(|row| row.title == title).or_else(|| report.rows.get(place))
}

/// A figure of one build, over all rounds; `None`: some round does not have it.
fn series<'r>(name: &str, rows: impl Iterator<Item = Option<&'r Row>>) -> Option<Series> {
    let figures: Option<Vec<&Figure>> =
        rows.map(|row| row?.figures.iter().find(|figure| figure.name == name)).collect();
    let figures = figures?;
    let unit = figures.first()?.unit.unwrap_or(Unit::Count);
    Some(Series::new(name, unit, figures.iter().map(|figure| figure.value).collect()))
}

impl Pair {
    fn new(name: &str, old: Option<Series>, new: Option<Series>) -> Self {
        let ratio = old.as_ref().zip(new.as_ref()).map(|(old, new)| new.ratio_to(name, old));
        // Nothing ÷ nothing is not a number.
        let ratio = ratio.filter(|ratio| ratio.values.iter().all(|value| value.is_finite()));
        Self { name: name.to_owned(), old, new, ratio }
    }

    fn line(&self) -> String {
        let shown = |series: &Series| value(series.median, series.unit);
        let unit = |series: &Series| symbol(series.unit);
        let (values, ratio) = match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                (format!("{} → {} {}", shown(old), shown(new), unit(new)), self.ratio.as_ref().map(spread))
            }
            (None, Some(new)) => {
                (format!("{} {}", shown(new), unit(new)), Some("not measured by OLD".to_owned()))
            }
            (Some(old), None) => {
                (format!("{} {}", shown(old), unit(old)), Some("not measured by NEW".to_owned()))
            }
            (None, None) => (String::new(), Some("not in every round".to_owned())),
        };
        let ratio = ratio.unwrap_or_default();
        format!("  {}\n      {:<26} {ratio}", self.name, values.trim_end()).trim_end().to_owned() + "\n"
    }
}

fn spread(ratio: &Series) -> String {
    let Series { median, least, most, .. } = ratio;
    format!("{median:.3} ({least:.3} to {most:.3})")
}

/// The rows for people, in 80 columns.
pub(super) fn text(rows: &[Compared]) -> String {
    let mut text = String::new();
    for Compared { title, others, figures, .. } in rows {
        text += &format!("\n{title}\n");
        if others.median.is_finite() {
            let percent = |share: f64| format!("{:.0}", share * 100.0);
            text += &format!(
                "  noise: other processes took {} % of the machine ({} to {})\n",
                percent(others.median),
                percent(others.least),
                percent(others.most)
            );
        }
        figures.iter().for_each(|pair| text += &pair.line());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rate: f64, more: &str) -> Report {
        Report::read(&format!(
            r#"{{"rows": [{{"title": "t", "others": 0.02, "series": [
                {{"name": "rate", "unit": "per_second", "values": [{rate}]}}{more}]}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn the_ratio_is_that_of_each_round_and_not_of_the_medians() {
        let rounds = [(100.0, 150.0), (300.0, 330.0), (200.0, 260.0)]
            .map(|(old, new)| Round { old: report(old, ""), new: report(new, "") });
        let compared = compare("create", &rounds);
        let ratio = compared[0].figures[0].ratio.as_ref().unwrap();
        assert!((ratio.median - 1.3).abs() < 1e-9 && (ratio.least - 1.1).abs() < 1e-9, "{ratio:?}");
        assert!((ratio.most - 1.5).abs() < 1e-9, "{ratio:?}");
        let text = text(&compared);
        assert!(text.contains("200 → 260 /s"), "{text}");
        assert!(text.contains("1.300 (1.100 to 1.500)"), "{text}");
        assert!(text.contains("took 2 % of the machine"), "{text}");
    }

    #[test]
    fn a_figure_of_one_build_is_shown_without_a_ratio_and_nothing_by_nothing_has_none() {
        let more = r#", {"name": "fresh", "unit": "bytes", "values": [12345]}"#;
        let nothing = r#", {"name": "nothing", "unit": "bytes", "values": [0]}"#;
        let rounds = [Round { old: report(1.0, nothing), new: report(2.0, &format!("{more}{nothing}")) }];
        let text = text(&compare("create", &rounds));
        assert!(text.contains("12 345 B                   not measured by OLD\n"), "{text}");
        assert!(text.contains("0 → 0 B\n"), "{text}");
    }
}
