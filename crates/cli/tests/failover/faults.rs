//! The faults of a cluster.

use std::time::Duration;

use futures_util::future::join_all;
use testkit::Host;

use crate::http;
use crate::load::{Load, Sent};
use crate::nodes::{CONNECT_TIMEOUT, Measure, Nodes, cluster};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_loses_no_user() {
    let Some(cluster) = cluster().await else { return };
    let mut nodes =
        Nodes::start("cluster: kill -9 of the primary", Measure::Pause, cluster.as_ref().unwrap()).await;
    for round in 0..crate::rounds(1) {
        let harm = async |nodes: &Nodes<'_>, _: &[Load; 2], primary: Host| {
            nodes.cluster.kill_database(primary);
            nodes.cluster.wait_for_primary(primary.other());
            Vec::new()
        };
        nodes.round(round, harm).await;
    }
    nodes.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_host_loses_no_user() {
    let Some(cluster) = cluster().await else { return };
    let mut nodes =
        Nodes::start("cluster: host of the primary lost", Measure::Pause, cluster.as_ref().unwrap()).await;
    for round in 0..crate::rounds(1) {
        let harm = async |nodes: &Nodes<'_>, loads: &[Load; 2], primary: Host| {
            nodes.cluster.lose_host(primary);
            nodes.cluster.wait_for_primary(primary.other());
            for load in loads {
                load.wait_for_acknowledged(50).await;
            }
            nodes.cluster.start_host(primary);
            Vec::new()
        };
        nodes.round(round, harm).await;
    }
    nodes.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switchover_loses_no_user() {
    let Some(cluster) = cluster().await else { return };
    let mut nodes = Nodes::start("cluster: switchover", Measure::Pause, cluster.as_ref().unwrap()).await;
    for round in 0..crate::rounds(1) {
        let harm = async |nodes: &Nodes<'_>, _: &[Load; 2], primary: Host| {
            nodes.cluster.switch_over();
            nodes.cluster.wait_for_primary(primary.other());
            Vec::new()
        };
        nodes.round(round, harm).await;
    }
    nodes.finish();
}

/// The standby receives nothing more, but its connection stays: no commit ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_standby_loses_no_user_and_stops_no_read() {
    let Some(cluster) = cluster().await else { return };
    let mut nodes =
        Nodes::start("cluster: synchronous standby stalls", Measure::SinceEnd, cluster.as_ref().unwrap())
            .await;
    for round in 0..crate::rounds(1) {
        let mut longest = Duration::ZERO;
        let harm = async |nodes: &Nodes<'_>, _: &[Load; 2], primary: Host| {
            nodes.cluster.stall(primary.other());
            let sent = requests_while_it_stalls(nodes, round).await;
            nodes.cluster.resume(primary.other());
            longest = sent.iter().map(|sent| sent.took).max().unwrap();
            sent
        };
        nodes.round(round, harm).await;
        println!("longest response while the standby stalled: {longest:?}");
        if crate::long_run().is_some() {
            // Not in every `cargo test`, because it depends on how busy the machine is.
            assert!(longest <= CONNECT_TIMEOUT + Duration::from_secs(1), "{longest:?}");
        }
    }
    nodes.finish();
}

/// Each request is answered, and says that its outcome is not known. Reads continue.
async fn requests_while_it_stalls(nodes: &Nodes<'_>, round: u64) -> Vec<Sent> {
    let clients = nodes.clients();
    let mut loads = Vec::new();
    for (node, client) in clients.iter().enumerate() {
        loads.push(Load::start_resting(client, &nodes.clock, &format!("r{round}stalled{node}")));
    }
    for (node, client) in nodes.nodes.iter().zip(&clients) {
        http::get(node.address, client, (nodes.clock)(), "/user/cloud-gateway/v1/users");
    }
    for load in &loads {
        // More than one for each caller, so later ones do not wait for the first.
        load.wait_until(|progress| progress.unknown >= 16).await;
        let progress = load.progress();
        assert_eq!((progress.acknowledged, progress.refused), (0, 0), "the standby is stalled");
    }
    join_all(loads.into_iter().map(Load::finish)).await.into_iter().flatten().collect()
}
