//! Observability: the log, counts and metrics, and the journal of requests.

pub mod fault;
pub mod journal;
pub mod line;
pub mod log;
pub mod telemetry;

pub use line::{Line, stopwatch};
