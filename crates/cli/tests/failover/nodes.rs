//! Two nodes on a cluster: one on the port of haproxy, the other one through pgbouncer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::{Client, Clock};
use testkit::{Cluster, Host};
use tokio::sync::{Mutex, MutexGuard};

use crate::check::Check;
use crate::http;
use crate::load::{Load, Sent};
use crate::site::{SEEDED, Served, Site};
use crate::table::{Row, stopwatch};

/// The nodes' `connect_timeout`.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The cluster that all tests use, one after the other: times are measured.
static CLUSTER: Mutex<Option<Cluster>> = Mutex::const_new(None);

/// Waits until no other test runs that asks for this or for the cluster.
pub(crate) async fn alone() -> impl Sized {
    CLUSTER.lock().await
}

/// The cluster. `None`: not installed.
pub(crate) async fn cluster() -> Option<MutexGuard<'static, Option<Cluster>>> {
    let mut cluster = CLUSTER.lock().await;
    if cluster.is_none() {
        *cluster = Cluster::start();
    }
    if cluster.is_none() {
        testkit::left_out("failover", "PostgreSQL, etcd, Patroni, haproxy and pgbouncer");
        return None;
    }
    Some(cluster)
}

/// The time that the table shows.
#[derive(Clone, Copy)]
pub(crate) enum Measure {
    /// The longest time without an acknowledged request.
    Pause,
    /// From the end of the fault to the next acknowledged request of each node.
    SinceEnd,
}

/// Two nodes with a directory.
pub(crate) struct Nodes<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) clock: Clock,
    pub(crate) site: Site,
    pub(crate) nodes: [Served; 2],
    known: BTreeMap<String, String>,
    row: Row,
    measure: Measure,
}

impl<'c> Nodes<'c> {
    pub(crate) async fn start(fault: &str, measure: Measure, cluster: &'c Cluster) -> Self {
        cluster.wait_until_whole();
        let options = format!("connect_timeout={}", CONNECT_TIMEOUT.as_secs());
        let [direct, pooled] = cluster.database(&options);
        let site = Site::on_server(&direct, &direct).await;
        let first = site.serve();
        site.serve_from(&pooled);
        let nodes = [first, site.serve()];
        let clock: Clock = Arc::new(client::machine_clock);
        Self { cluster, clock, site, nodes, known: BTreeMap::new(), row: Row::new(fault), measure }
    }

    pub(crate) fn clients(&self) -> [Client; 2] {
        self.nodes.each_ref().map(|node| self.site.client(node))
    }

    /// Causes a fault under load on both nodes, and checks their responses when both respond again. `harm` gets the host
    /// of the primary, and gives the requests that it sent itself.
    pub(crate) async fn round(
        &mut self,
        round: u64,
        harm: impl AsyncFnOnce(&Self, &[Load; 2], Host) -> Vec<Sent>,
    ) {
        let primary = self.cluster.wait_until_whole();
        let clients = self.clients();
        let mut node = 0;
        let loads = clients.each_ref().map(|client| {
            node += 1;
            Load::start_resting(client, &self.clock, &format!("r{round}node{node}"))
        });
        for load in &loads {
            load.wait_for_acknowledged(50).await;
        }
        let mut sent = harm(self, &loads, primary).await;
        let ended = stopwatch();
        for load in &loads {
            load.wait_for_acknowledged(1).await;
        }
        let since_end = ended.elapsed();
        for load in &loads {
            load.wait_for_acknowledged(50).await;
        }
        let pause = loads.each_ref().map(|load| load.progress().pause).into_iter().max();
        for load in loads {
            sent.extend(load.finish().await);
        }
        // The lost host is a standby again.
        self.cluster.wait_until_whole();
        let time = match self.measure {
            Measure::Pause => pause.unwrap_or_default(),
            Measure::SinceEnd => since_end,
        };
        self.check(round, &sent, time).await;
    }

    async fn check(&mut self, round: u64, sent: &[Sent], time: Duration) {
        for node in &self.nodes {
            assert_eq!(http::status(node.address, "/readyz"), 200);
        }
        // Each node answers for the other one in turn.
        let node = usize::from(round % 2 == 1);
        let (address, client) = (self.nodes[node].address, &self.clients()[node]);
        let check = Check { address, client, clock: &self.clock, seeded: SEEDED };
        self.row.add(check.check_acknowledged(sent, &mut self.known).await, time);
        self.site.verify_audit(self.site.path());
    }

    pub(crate) fn finish(self) {
        self.row.finish();
    }
}
