//! Faults between nodes and their shared database.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::Clock;
use testkit::Postgres;

use crate::check::Check;
use crate::http;
use crate::load::{Load, Sent};
use crate::network::Way;
use crate::site::{SEEDED, Served, Site};
use crate::table::{Row, stopwatch};

fn postgres() -> Option<Postgres> {
    let started = Postgres::start("-c max_connections=200");
    if started.is_none() {
        testkit::left_out("faults of a database on a server", "PostgreSQL");
    }
    started
}

/// The results from which the row of a fault is made.
struct Trial {
    clock: Clock,
    site: Site,
    known: BTreeMap<String, String>,
    row: Row,
}

impl Trial {
    fn new(fault: &str, site: Site) -> Self {
        let clock: Clock = Arc::new(client::machine_clock);
        Self { clock, site, known: BTreeMap::new(), row: Row::new(fault) }
    }

    /// Causes a fault under load, repairs it, and checks the responses of the server. Another server verifies the
    /// database.
    async fn round(
        &mut self,
        round: u64,
        served: &Served,
        harm: impl AsyncFnOnce(&Load) -> Vec<Sent>,
        mend: impl FnOnce(),
    ) {
        let client = self.site.client(served);
        let load = Load::start(&client, &self.clock, &format!("r{round}"));
        load.wait_for_acknowledged(20 + round * 37 % 400).await;
        let mut sent = harm(&load).await;
        mend();
        let started = stopwatch();
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        sent.extend(load.finish().await);
        let check = Check { address: served.address, client: &client, clock: &self.clock, seeded: SEEDED };
        self.row.add(check.check_acknowledged(&sent, &mut self.known).await, again);
        self.site.verify_audit(self.site.path());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_users_survive_kill_9_of_the_database() {
    let Some(postgres) = postgres() else { return };
    let url = postgres.database();
    let mut trial =
        Trial::new("PostgreSQL: kill -9, started again at once", Site::on_server(&url, &url).await);
    let served = trial.site.serve();
    for round in 0..crate::rounds(2) {
        let harm = async |_: &Load| {
            postgres.kill();
            Vec::new()
        };
        trial.round(round, &served, harm, || postgres.start_again()).await;
    }
    trial.row.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_loses_no_user() {
    let Some(postgres) = postgres() else { return };
    let url = postgres.database();
    let mut trial = Trial::new("PostgreSQL: one node of two, kill -9", Site::on_server(&url, &url).await);
    let stays = trial.site.serve();
    for round in 0..crate::rounds(3) {
        let goes = trial.site.serve();
        let other = Load::start(&trial.site.client(&goes), &trial.clock, &format!("r{round}other"));
        other.wait_for_acknowledged(20).await;
        // The remaining node answers the repeated requests of the other.
        let harm = async |_: &Load| {
            goes.kill();
            other.finish().await
        };
        trial.round(round, &stays, harm, || ()).await;
    }
    trial.row.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_cut_or_stalls_loses_no_user() {
    let Some(postgres) = postgres() else { return };
    let direct = postgres.database();
    let way = Way::to_socket(postgres.folder().join(".s.PGSQL.5432"));
    let name = direct.rsplit('/').next().unwrap();
    // Callers wait two seconds for a response.
    let through = format!("postgres://matricula@{}/{name}?connect_timeout=2&sslmode=disable", way.address);
    let mut cut = Trial::new("PostgreSQL: network cut", Site::on_server(&direct, &through).await);
    let served = cut.site.serve();
    for round in 0..crate::rounds(2) {
        let harm = async |load: &Load| {
            let unknown = load.progress().unknown;
            way.cut();
            load.wait_until(|progress| progress.unknown > unknown).await;
            assert_eq!(http::status(served.address, "/readyz"), 503, "readiness follows the database");
            assert_eq!(http::status(served.address, "/healthz"), 200);
            Vec::new()
        };
        cut.round(round, &served, harm, || way.carry()).await;
        assert_eq!(http::status(served.address, "/readyz"), 200);
    }
    let Trial { clock, site, known, row } = cut;
    row.finish();
    let mut stalled = Trial { clock, site, known, row: Row::new("PostgreSQL: network stalls") };
    for round in 1_000..1_000 + crate::rounds(1) {
        let harm = async |load: &Load| {
            let unknown = load.progress().unknown;
            way.stall();
            load.wait_until(|progress| progress.unknown > unknown).await;
            Vec::new()
        };
        stalled.round(round, &served, harm, || way.carry()).await;
    }
    stalled.row.finish();
}
