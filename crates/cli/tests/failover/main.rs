//! Failover of the database under two nodes: acknowledged users stay, none exists twice, and both nodes recover without
//! help. `docs/FAULTS.md` has the table of a long run.
//!
//! | variable | |
//! |---|---|
//! | `MATRICULA_FAULT_ROUNDS=5` | the number of rounds per fault, instead of the one of every `cargo test` |
//! | `MATRICULA_ROLLING_CALLS=20000` | the calls of a rolling restart |
//! | `MATRICULA_FAULT_TABLE=FILE` | each fault appends its row of the table to the file, as a line of JSON |

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the harness shows it when a test fails")]

#[path = "../faults/check.rs"]
#[expect(dead_code, reason = "other faults count users")]
mod check;
mod faults;
#[path = "../faults/http.rs"]
mod http;
#[path = "../faults/load.rs"]
#[expect(dead_code, reason = "other faults have callers that do not wait")]
mod load;
mod nodes;
mod rolling;
#[path = "../running/mod.rs"]
#[expect(dead_code, reason = "no sandbox: faults are for what runs in production")]
mod running;
#[path = "../faults/site.rs"]
#[expect(dead_code, reason = "other faults limit a server")]
mod site;
#[path = "../faults/table.rs"]
mod table;
mod unconfirmed;

/// The number of rounds: few by default, more for a long run.
fn rounds(few: u64) -> u64 {
    long_run().unwrap_or(few)
}

/// The number of rounds of a long run.
fn long_run() -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how many rounds is for who runs the test to say")]
    std::env::var("MATRICULA_FAULT_ROUNDS").ok().map(|rounds| rounds.parse().unwrap())
}
