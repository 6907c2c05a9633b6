//! Other people's kind of clients, run for real against the real binary: what the documented samples send, by the
//! libraries they send it with, is understood, and what is answered is understood by them (spec/clients.md 7).
//!
//! The programs stand in `tests/clients` of the repository. A test whose tools are not on the machine is left out and
//! says so; with `MATRICULA_TEST_ALL=1` it fails. `scripts/test-tools` installs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, also in what tests share"
)]
#![expect(
    clippy::print_stdout,
    reason = "the harness shows what a test prints when it fails, or when asked to"
)]

mod compatibility;
mod course;
mod examples;
mod java;
mod mono;
mod node;
mod package;
mod powershell;
mod program;
mod python;
mod relay;
mod retries;
mod sample;
mod sandbox;
mod schemathesis;
mod shell;
mod tools;
mod wrong;
