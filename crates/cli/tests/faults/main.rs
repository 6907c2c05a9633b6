//! Faults with the real binary, real files and real sockets: acknowledged users stay, none exists twice, and the server
//! recovers without help. `docs/FAULTS.md` has the table of a long run.
//!
//! | variable | |
//! |---|---|
//! | `MATRICULA_FAULT_ROUNDS=200` | the number of rounds per fault, instead of the few of every `cargo test` |
//! | `MATRICULA_FAULT_TABLE=FILE` | each fault appends its row of the table to the file, as a line of JSON |

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the harness shows it when a test fails")]

mod check;
mod clock;
mod disk_full;
mod http;
mod idle;
mod kill;
#[expect(dead_code, reason = "only outages of a cluster are long and measured")]
mod load;
mod network;
mod postgres;
#[path = "../running/mod.rs"]
#[expect(dead_code, reason = "no sandbox: faults are for what runs in production")]
mod running;
#[expect(dead_code, reason = "only a rolling restart stops a server")]
mod site;
mod slow_reader;
mod table;
mod trickle;

/// The number of rounds: few by default, more for a long run.
fn rounds(few: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how many rounds is for who runs the test to say")]
    std::env::var("MATRICULA_FAULT_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}

/// Reports a test that this machine does not allow, which no installed tool can change.
fn left_out(what: &str, needs: &str) {
    // Written directly, because the harness shows printed lines only when a test fails.
    let line = format!("left out: {what} needs {needs}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}
