//! The table: a row for each fault.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::check::Tally;

/// The results of a fault.
pub(crate) struct Row {
    fault: String,
    rounds: u64,
    tally: Tally,
    again: Vec<Duration>,
}

/// Starts a measurement.
pub(crate) fn stopwatch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measures; no test passes or fails by it")]
    Instant::now()
}

impl Row {
    pub(crate) fn new(fault: impl Into<String>) -> Self {
        Self { fault: fault.into(), rounds: 0, tally: Tally::default(), again: Vec::new() }
    }

    /// Adds a round: its outcomes, and the time until the server served again.
    pub(crate) fn add(&mut self, tally: Tally, again: Duration) {
        self.rounds += 1;
        self.tally += tally;
        self.again.push(again);
    }

    /// Writes the row, then checks it.
    pub(crate) fn finish(mut self) {
        self.again.sort();
        let millis = |time: Option<&Duration>| time.map(|time| time.as_secs_f64() * 1_000.0);
        let Tally { acknowledged, refused, unknown, lost, doubled, refused_wrongly } = self.tally;
        let row = json!({
            "fault": self.fault,
            "rounds": self.rounds,
            "acknowledged": acknowledged,
            "refused": refused,
            "unknown": unknown,
            "lost": lost,
            "doubled": doubled,
            "refused_wrongly": refused_wrongly,
            "again_median_ms": millis(self.again.get(self.again.len() / 2)),
            "again_most_ms": millis(self.again.last()),
        });
        println!("{row}");
        #[expect(clippy::disallowed_methods, reason = "where the table goes is for who runs the test to say")]
        if let Ok(path) = std::env::var("MATRICULA_FAULT_TABLE") {
            let file = std::fs::File::options().create(true).append(true).open(path);
            writeln!(file.unwrap(), "{row}").unwrap();
        }
        assert_eq!((lost, doubled, refused_wrongly), (0, 0, 0), "{row}");
    }
}
