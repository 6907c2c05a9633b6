//! The sandbox and test control. `serve` has neither.

pub mod sandbox;
pub mod system;
pub mod test_control;
