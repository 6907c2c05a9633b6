//! Many idle connections.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use client::Clock;
use rustix::process::{Resource, Signal, getrlimit, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::check::Check;
use crate::load::Load;
use crate::site::{SEEDED, Served, Site};
use crate::table::{Row, stopwatch};

/// The intended number of connections.
const MANY: u64 = 10_000;

/// The other open files of either process.
const BESIDE: u64 = 256;

/// The length of the queue of connections to accept.
const QUEUE: u64 = 100;

/// Checks that a connection that was open all along still serves.
async fn still_serves(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

/// As many connections as `ulimit -n` allows on both sides do not delay a new caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_idle_connections_do_not_delay_a_new_caller() {
    let clock: Clock = Arc::new(client::machine_clock);
    let allowed = getrlimit(Resource::Nofile).current.map_or(MANY, |limit| limit.saturating_sub(BESIDE));
    let many = MANY.min(allowed);
    if many < MANY {
        crate::left_out(
            &format!("more than {many} idle connections"),
            &format!("`ulimit -n` of {}", MANY + BESIDE),
        );
    }
    let mut row = Row::new(format!("{many} idle connections"));
    let (site, mut known) = (Site::new("[limits]\nheader_seconds = 600\n").await, BTreeMap::new());
    for round in 0..crate::rounds(1) {
        let served = site.serve();
        let client = site.client(&served);
        let mut idle = Vec::new();
        for n in 1..=many {
            idle.push(TcpStream::connect(served.address).await.unwrap());
            // Connections are accepted one after the other. When the queue overflows, TCP retries after a second.
            if n % QUEUE == 0 {
                still_serves(idle.last_mut().unwrap()).await;
            }
        }
        let started = stopwatch();
        let load = Load::start(&client, &clock, &format!("r{round}"));
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        load.wait_for_acknowledged(100).await;
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        row.add(check.check_acknowledged(&load.finish().await, &mut known).await, again);
        still_serves(&mut idle[0]).await;
        still_serves(idle.last_mut().unwrap()).await;
    }
    site.verify_audit(site.path());
    row.finish();
}

/// Callers at the same moment.
const BURST: u64 = 500;

/// A burst of callers while the server is stopped. None of them is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_may_wait_until_the_server_has_time_for_them() {
    let site = Site::new("").await;
    let served = site.serve();
    kill_process(served.process(), Signal::STOP).unwrap();
    let mut waiting = Vec::new();
    for _ in 0..BURST {
        // The kernel accepts it while there is room in the queue. Otherwise this fails, but only after minutes.
        waiting.push(TcpStream::connect(served.address).await.unwrap());
    }
    kill_process(served.process(), Signal::CONT).unwrap();
    for mut stream in waiting {
        still_serves(&mut stream).await;
    }
}

/// Limit of open files of the server.
const FEW: u64 = 128;

/// Connections to open: more than the limit, but no more than the queue can also hold.
const TOO_MANY: u64 = 200;

fn serve_with(site: &Site, limit: &str) -> Served {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!(r#"{limit}; exec "$@""#)]);
    site.serve_by(shell)
}

/// The default limit of a shell is lower than the limit of the machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_opens_as_many_files_as_it_may() {
    let site = Site::new("[limits]\nheader_seconds = 10\n").await;
    let served = serve_with(&site, &format!("ulimit -S -n {FEW}"));
    let mut idle = Vec::new();
    for _ in 0..TOO_MANY {
        idle.push(TcpStream::connect(served.address).await.unwrap());
    }
    for mut stream in idle.into_iter().rev() {
        still_serves(&mut stream).await;
    }
}

/// More connections than the server can open files: a new caller is served all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_idle_connections_than_open_files_do_not_refuse_a_new_caller() {
    let clock: Clock = Arc::new(client::machine_clock);
    let mut row = Row::new(format!("{TOO_MANY} idle connections, {FEW} files"));
    let (site, mut known) = (Site::new("[limits]\nheader_seconds = 1\n").await, BTreeMap::new());
    for round in 0..crate::rounds(1) {
        let served = serve_with(&site, &format!("ulimit -n {FEW}"));
        let client = site.client(&served);
        let started = stopwatch();
        let mut idle = Vec::new();
        for _ in 0..TOO_MANY {
            idle.push(TcpStream::connect(served.address).await.unwrap());
        }
        let load = Load::start(&client, &clock, &format!("r{round}"));
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        load.wait_for_acknowledged(100).await;
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        row.add(check.check_acknowledged(&load.finish().await, &mut known).await, again);
        for mut stream in idle {
            // Ends when the server closes the connection.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
    site.verify_audit(site.path());
    row.finish();
}
