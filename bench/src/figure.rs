//! Measurements: series of values, one per round, and how they compare with a target.

use serde::{Deserialize, Serialize};

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Microseconds,
    Mebibytes,
    Kibibytes,
    Bytes,
    Count,
    Ratio,
}

/// One value per round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// In order of measurement.
    pub(crate) values: Vec<f64>,
}

/// The bound for a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    Below(f64),
}

/// A figure, its target, and whether it was reached.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) figure: Series,
    pub(crate) target: Target,
    pub(crate) reached: bool,
}

/// One row of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) title: String,
    /// Measured values, and values that are only informative.
    pub(crate) series: Vec<Series>,
    pub(crate) verdicts: Vec<Verdict>,
    /// The share of the machine that other processes used. Above a few per cent, measure again.
    pub(crate) others: f64,
}

impl Series {
    pub(crate) fn new(name: impl Into<String>, unit: Unit, values: Vec<f64>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        let median = f64::midpoint(at(low), at(high));
        let (least, most) = (at(0), at(sorted.len().saturating_sub(1)));
        Self { name: name.into(), unit, median, least, most, values }
    }

    /// The ratio to another series, round by round.
    pub(crate) fn ratio_to(&self, name: impl Into<String>, other: &Series) -> Series {
        let values = self.values.iter().zip(&other.values).map(|(this, other)| this / other).collect();
        Series::new(name, Unit::Ratio, values)
    }

    pub(crate) fn compared_with(self, target: Target) -> Verdict {
        let reached = match target {
            Target::AtLeast(bound) => self.median >= bound,
            Target::Below(bound) => self.median < bound,
        };
        Verdict { figure: self, target, reached }
    }
}

/// The value below which a share of the values lies. Sorts them.
pub(crate) fn quantile(micros: &mut [u32], share: f64) -> f64 {
    micros.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the length")]
    let index = (micros.len() as f64 * share).ceil() as usize;
    micros.get(index.saturating_sub(1)).copied().map_or(f64::NAN, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_quantiles_are_values_that_occurred() {
        let series = Series::new("x", Unit::Ratio, vec![3.0, 1.0, 2.0]);
        assert_eq!((series.median, series.least, series.most), (2.0, 1.0, 3.0));
        let mut micros: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(quantile(&mut micros, 0.99), 99.0);
        assert_eq!(quantile(&mut micros, 0.5), 50.0);
        assert_eq!(quantile(&mut [7], 0.99), 7.0);
    }

    #[test]
    fn a_target_is_compared_with_the_median() {
        let series = || Series::new("x", Unit::Ratio, vec![0.4, 0.5, 0.9]);
        assert!(series().compared_with(Target::AtLeast(0.5)).reached);
        assert!(!series().compared_with(Target::Below(0.5)).reached);
    }
}
