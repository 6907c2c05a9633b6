//! Charts as SVG. The style sheet colours them, so they contain no style and no script. The label has the
//! content for screen readers, which present a chart as one image.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

// Dimensions in the units of the view box.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 22.0;

/// Maximum number of horizontal lines above zero.
const STEPS: f64 = 4.0;

/// A chart over buckets of time.
#[derive(Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    label: String,
    /// Position and text of the horizontal lines.
    y_marks: Vec<(String, String)>,
    /// Position and text of the times.
    x_marks: Vec<(String, String)>,
    /// CSS class and path of each shape.
    shapes: Vec<(&'static str, String)>,
    scale: Scale,
    buckets: usize,
}

/// The template escapes all values.
impl HtmlSafe for Chart {}

/// A scale from zero to a round number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    step: f64,
    top: f64,
}

impl Scale {
    /// Covers `most` in steps of 1, 2 or 5 times a power of ten, and at least of `least`.
    pub(crate) fn up_to(most: f64, least: f64) -> Self {
        let rough = (most / STEPS).max(least);
        let ten = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * ten).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        Self { step, top: (most / step).ceil().max(1.0) * step }
    }

    fn marks(self) -> impl Iterator<Item = f64> {
        let marks = (self.top / self.step).round() as u32;
        (0..=marks).map(move |mark| f64::from(mark) * self.step)
    }

    /// The vertical position of a value.
    fn y(self, value: f64) -> f64 {
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value / self.top).clamp(0.0, 1.0))
    }
}

impl Chart {
    /// An empty chart. `starts` are the starts of the buckets; `unit` formats a number of the scale.
    pub(crate) fn new(
        label: String,
        starts: &[Timestamp],
        scale: Scale,
        unit: impl Fn(f64) -> String,
    ) -> Self {
        let y_marks = scale.marks().map(|mark| (number(scale.y(mark)), unit(mark))).collect();
        let mut chart =
            Self { label, y_marks, x_marks: Vec::new(), shapes: Vec::new(), scale, buckets: starts.len() };
        chart.x_marks = round_times(starts).map(|(bucket, time)| (number(chart.x(bucket)), time)).collect();
        chart
    }

    /// The left edge of a bucket.
    fn x(&self, bucket: usize) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * bucket as f64 / self.buckets.max(1) as f64
    }

    /// Adds a bar for each bucket, from one value to another.
    pub(crate) fn bars(mut self, look: &'static str, values: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut path = String::new();
        for (bucket, (from, to)) in values.enumerate().filter(|(_, (from, to))| to > from) {
            // Bars have gaps between them, and a minimum height to be visible.
            let (left, right) = (self.x(bucket) + 0.5, self.x(bucket + 1) - 0.5);
            let bottom = self.scale.y(from);
            let top = self.scale.y(to).min(bottom - 1.0);
            let _ = write!(path, "M{left:.1} {bottom:.1}V{top:.1}H{right:.1}V{bottom:.1}Z");
        }
        self.shapes.push((look, path));
        self
    }

    /// Adds a line through the buckets with a value. It is level within a bucket, so that a single one is
    /// visible.
    pub(crate) fn line(mut self, look: &'static str, values: impl Iterator<Item = Option<f64>>) -> Self {
        let mut path = String::new();
        let mut drawing = false;
        for (bucket, value) in values.enumerate() {
            if let Some(value) = value {
                let (left, right, y) = (self.x(bucket), self.x(bucket + 1), self.scale.y(value));
                let _ = match drawing {
                    true => write!(path, "V{y:.1}H{right:.1}"),
                    false => write!(path, "M{left:.1} {y:.1}H{right:.1}"),
                };
            }
            drawing = value.is_some();
        }
        self.shapes.push((look, path));
        self
    }
}

/// The buckets that start at a round time: a quarter of an hour in the hour chart, six hours in the day chart.
fn round_times(starts: &[Timestamp]) -> impl Iterator<Item = (usize, String)> {
    let seconds = match starts {
        [first, second, ..] => second.as_second() - first.as_second(),
        _ => 60,
    };
    let every = if seconds < 15 * 60 { 15 * 60 } else { 6 * 60 * 60 };
    let round = starts.iter().enumerate().filter(move |(_, start)| start.as_second() % every == 0);
    round.map(|(bucket, start)| (bucket, start.strftime("%H:%M").to_string()))
}

fn number(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, 1.0, &[0.0, 1.0])]
    #[case(3.0, 1.0, &[0.0, 1.0, 2.0, 3.0])]
    #[case(7.0, 1.0, &[0.0, 2.0, 4.0, 6.0, 8.0])]
    #[case(1_234.0, 1.0, &[0.0, 500.0, 1_000.0, 1_500.0])]
    #[case(0.7, 0.0001, &[0.0, 0.2, 0.4, 0.6, 0.8])]
    fn a_scale_has_a_few_round_steps(#[case] most: f64, #[case] least: f64, #[case] marks: &[f64]) {
        let found: Vec<_> = Scale::up_to(most, least).marks().collect();
        assert_eq!(found.len(), marks.len(), "{found:?}");
        assert!(found.iter().zip(marks).all(|(found, mark)| (found - mark).abs() < 1e-9), "{found:?}");
    }

    fn chart(label: &str, first: i64, seconds: i64) -> Chart {
        let starts: Vec<_> = (0..4).map(|n| Timestamp::constant(first + n * seconds, 0)).collect();
        Chart::new(label.to_owned(), &starts, Scale::up_to(4.0, 1.0), |mark| mark.to_string())
    }

    #[test]
    fn bars_stand_on_one_another_and_lines_have_gaps() {
        let values = [(0.0, 4.0), (0.0, 0.0), (1.0, 2.0), (0.0, 0.001)];
        let drawn = chart("a", 0, 60).bars("bar", values.into_iter());
        let bars = "M60.5 128.0V10.0H142.5V128.0ZM226.5 98.5V69.0H308.5V98.5ZM309.5 128.0V127.0H391.5V128.0Z";
        assert_eq!(drawn.shapes, [("bar", bars.to_owned())]);
        let values = [Some(4.0), Some(2.0), None, Some(9.0)];
        let drawn = chart("a", 0, 60).line("line", values.into_iter());
        let line = "M60.0 10.0H143.0V69.0H226.0M309.0 10.0H392.0";
        assert_eq!(drawn.shapes, [("line", line.to_owned())]);
    }

    #[test]
    fn the_times_are_round_and_the_label_is_escaped() {
        let hour = chart("5 < 6 \"<script>\"", 1_795_521_600 - 120, 60);
        assert_eq!(hour.x_marks, [("226.0".to_owned(), "12:00".to_owned())]);
        let svg = hour.to_string();
        assert!(svg.starts_with("<svg") && svg.contains(">12:00</text>"), "{svg}");
        assert!(svg.contains("role=\"img\"") && !svg.contains("<script>") && !svg.contains("style"), "{svg}");
        let day = chart("a", 1_795_521_600 - 900, 900);
        assert_eq!(day.x_marks.len(), 1);
    }
}
