//! The sandbox, and what a test may do to a server and see of it. `serve` has neither.

pub mod sandbox;
pub mod system;
pub mod test_control;
