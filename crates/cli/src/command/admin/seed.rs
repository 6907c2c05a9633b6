//! `matricula admin seed`

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use server::admin::{Admin, Seeded};

use crate::output::{Failed, Output};
use crate::progress::{Progress, percent};

#[derive(Args)]
pub(super) struct Seed {
    /// Total number of users afterwards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    users: u64,
    /// Domain of the users; optional if there is only one
    #[arg(long, value_name = "D")]
    domain: Option<String>,
    /// Account of the domain; optional
    #[arg(long, value_name = "CODE")]
    account: Option<String>,
}

pub(super) async fn run(admin: &Admin, seed: Seed, output: &Output) -> Result<(), Failed> {
    let Seed { users, domain, account } = seed;
    let mut progress = Progress::new(output);
    #[expect(clippy::disallowed_methods, reason = "measures")]
    let started = Instant::now();
    let mut show = |there| progress.show(line(there, users, started.elapsed()));
    let seeded = admin.seed(account.as_deref(), domain.as_deref(), users, &mut show).await;
    drop(progress);
    let Seeded { added, there } = seeded?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(output.say(
        json!({ "users": users, "added": added, "already_there": there, "seconds": seconds }),
        format_args!(
            "{added} users added, {there} already existed; {seconds:.1} s, {:.0}/s",
            users as f64 / seconds
        ),
    )?)
}

/// The number of users, the rate, and the remaining time.
fn line(there: u64, users: u64, elapsed: Duration) -> String {
    let rate = there as f64 / elapsed.as_secs_f64();
    let left = (users - there) as f64 / rate;
    format!("{there} of {users} users, {}; {rate:.0}/s, {left:.0} s left", percent(there, users))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_long_it_will_take() {
        let line = line(2_500_000, 10_000_000, Duration::from_secs(25));
        assert_eq!(line, "2500000 of 10000000 users, 25 %; 100000/s, 75 s left");
    }
}
