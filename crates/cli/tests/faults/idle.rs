//! Many connections on which nothing is sent.

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

/// As many as there should be.
const MANY: u64 = 10_000;

/// What either process opens beside them.
const BESIDE: u64 = 256;

/// As many may wait to be accepted.
const QUEUE: u64 = 100;

/// A connection that was open all along still serves.
async fn still_serves(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

/// As many connections as `ulimit -n` allows on both sides: a new caller does not wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_caller_does_not_wait_for_many_who_are_idle() {
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
            // Connections are accepted one after the other. Where the queue runs over, the network waits for a second.
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

/// A burst of callers finds a server that has no time for them just then. None of them is turned away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_may_wait_until_the_server_has_time_for_them() {
    let site = Site::new("").await;
    let served = site.serve();
    kill_process(served.process(), Signal::STOP).unwrap();
    let mut waiting = Vec::new();
    for _ in 0..BURST {
        // Nobody accepts it: the kernel does, as long as there is room in the queue. Where there is none, this fails, if
        // only after minutes.
        waiting.push(TcpStream::connect(served.address).await.unwrap());
    }
    kill_process(served.process(), Signal::CONT).unwrap();
    for mut stream in waiting {
        still_serves(&mut stream).await;
    }
}

/// Files that the server may open.
const FEW: u64 = 128;

/// Connections that want to be: more than that, and no more than may wait beside them.
const TOO_MANY: u64 = 200;

fn serve_with(site: &Site, limit: &str) -> Served {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!(r#"{limit}; exec "$@""#)]);
    site.serve_by(shell)
}

/// What a shell allows at first is not what the machine allows.
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

/// More connections than the server may ever open files: a new caller is served all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_idle_connections_than_files_shut_nobody_out() {
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
            // Ends when the server closes the connection; were it never to, this test would not end.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
    site.verify_audit(site.path());
    row.finish();
}
