//! Observability: the log, counts and metrics, the journal of requests, and traces.

mod elapsed;
pub mod fault;
pub mod journal;
pub mod line;
pub mod log;
pub mod telemetry;
pub mod trace;

pub use elapsed::stopwatch;
pub use line::Line;
