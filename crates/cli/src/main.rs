//! The one binary: matricula.
fn main() {}
