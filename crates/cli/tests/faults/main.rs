//! Faults, with the real binary, real files and real sockets: what was acknowledged stays, nothing is there twice, and the
//! server answers again without help. `docs/FAULTS.md` has the table of a long run.
//!
//! | variable | |
//! |---|---|
//! | `MATRICULA_FAULT_ROUNDS=200` | so many rounds of each fault, instead of the few that every `cargo test` runs |
//! | `MATRICULA_FAULT_TABLE=FILE` | each fault adds its row of the table to the file, as a line of JSON |

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the harness shows it when a test fails")]

mod check;
mod clock;
mod disk_full;
mod http;
mod idle;
mod kill;
mod load;
mod network;
mod postgres;
#[path = "../running/mod.rs"]
#[expect(dead_code, reason = "no sandbox: faults are for what runs in production")]
mod running;
mod site;
mod slow_reader;
mod table;
mod trickle;

/// How many rounds: few in every run of the tests, as many as asked for in a long one.
fn rounds(few: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how many rounds is for who runs the test to say")]
    std::env::var("MATRICULA_FAULT_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}

/// Says that something was left out because this machine does not allow it, which no script can change.
fn left_out(what: &str, needs: &str) {
    // Past the harness, which shows what a test prints only when it fails.
    let line = format!("left out: {what} needs {needs}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}
