//! A report of a bench of any revision, read leniently: only names and values have to be there, and what is not known
//! here is ignored.

use anyhow::Context as _;
use serde_json::Value;

use crate::figure::{Series, Unit};

pub(super) struct Report {
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) title: String,
    /// The share of the machine that other processes used.
    pub(super) others: Option<f64>,
    pub(super) figures: Vec<Figure>,
}

pub(super) struct Figure {
    pub(super) name: String,
    /// `None`: a unit that is not known here.
    pub(super) unit: Option<Unit>,
    pub(super) value: f64,
}

impl Report {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let report: Value = serde_json::from_str(text).context("the report is not JSON")?;
        let rows = report["rows"].as_array().context("the report has no rows")?;
        Ok(Self { rows: rows.iter().map(row).collect() })
    }
}

fn row(row: &Value) -> Row {
    let list = |name: &str| row[name].as_array().into_iter().flatten();
    let figures = list("series").chain(list("verdicts").map(|verdict| &verdict["figure"]));
    Row {
        title: row["title"].as_str().unwrap_or_default().to_owned(),
        others: row["others"].as_f64(),
        figures: figures.filter_map(figure).collect(),
    }
}

/// `None`: it has no name or no value, such as a ratio to something that was not measured.
fn figure(figure: &Value) -> Option<Figure> {
    let values = figure["values"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let median = Series::new("", Unit::Ratio, values).median;
    let value = if median.is_finite() { median } else { figure["median"].as_f64()? };
    Some(Figure {
        name: figure["name"].as_str()?.to_owned(),
        unit: serde_json::from_value(figure["unit"].clone()).ok(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_units_and_fields_are_no_error() {
        let text = r#"{"rows": [{"title": "t", "news": 1, "series": [
            {"name": "a", "unit": "parsecs", "values": [3.0, 1.0, 2.0]},
            {"name": "b", "unit": "per_second", "median": 5},
            {"name": "c", "unit": "ratio", "median": null, "values": [null]},
            {"unit": "ratio", "values": [1.0]}]}]}"#;
        let report = Report::read(text).unwrap();
        let Row { title, others, figures } = &report.rows[0];
        assert_eq!((title.as_str(), *others), ("t", None));
        let read: Vec<_> = figures.iter().map(|f| (f.name.as_str(), f.unit, f.value)).collect();
        assert_eq!(read, [("a", None, 2.0), ("b", Some(Unit::PerSecond), 5.0)]);
        assert!(Report::read("{}").is_err() && Report::read("no JSON").is_err());
    }
}
