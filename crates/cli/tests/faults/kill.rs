//! `kill -9` under load.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Check;
use crate::load::Load;
use crate::site::{SEEDED, Site};
use crate::table::{Row, stopwatch};

/// Rounds on one directory.
const ROUNDS_EACH: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_users_survive_kill_9() {
    let clock: client::Clock = Arc::new(client::machine_clock);
    let (mut row, rounds) = (Row::new("kill -9"), crate::rounds(3));
    let (mut site, mut known) = (Site::new("").await, BTreeMap::new());
    let mut served = site.serve();
    for round in 0..rounds {
        if round > 0 && round % ROUNDS_EACH == 0 {
            (site, known) = (Site::new("").await, BTreeMap::new());
            served = site.serve();
        }
        let load = Load::start(&site.client(&served), &clock, &format!("r{round}"));
        // At another point in each round, but never before a request was acknowledged. Many kills find more than many
        // requests.
        load.wait_for_acknowledged(5 + round * 37 % 90).await;
        served.kill();
        let sent = load.finish().await;

        let started = stopwatch();
        served = site.serve();
        let client = site.client(&served);
        let load = Load::start(&client, &clock, &format!("r{round}after"));
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        let after = load.finish().await;
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        let sent: Vec<_> = sent.into_iter().chain(after).collect();
        row.add(check.check_acknowledged(&sent, &mut known).await, again);
        // A broken chain stays broken.
        if (round + 1) % ROUNDS_EACH == 0 || round + 1 == rounds {
            site.verify_audit(site.path());
        }
    }
    row.finish();
}
