//! Clients that request large responses and never read them: they take little memory, delay no other client, and are
//! disconnected.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use client::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::check::Check;
use crate::load::Load;
use crate::site::{SEEDED, Served, Site};
use crate::table::{Row, stopwatch};

const READERS: usize = 16;

/// Requests that each client sends at once; each response has more than 100 KB.
const REQUESTS: usize = 200;
const LEAST_ANSWER: usize = 100_000;

/// Memory that the server may take for them: a small part of the responses, which have more than 300 MB.
const MIB: u64 = 64;

/// Sends requests, and reads nothing. Its receive buffer is small, so that the server soon cannot send.
async fn ask(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream
        .write_all("GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(REQUESTS).as_bytes())
        .await
        .unwrap();
    stream
}

/// Resident memory of the server, in MiB.
fn memory(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1_024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_read_nothing_are_cut_off_and_delay_nobody() {
    let clock: Clock = Arc::new(client::machine_clock);
    let mut row = Row::new(format!("{READERS} clients that read no answer"));
    let (site, mut known) = (Site::new("[limits]\nanswer_seconds = 1\n").await, BTreeMap::new());
    let served = site.serve();
    let client = site.client(&served);
    for round in 0..crate::rounds(1) {
        let before = memory(&served);
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(ask(served.address).await);
        }
        let started = stopwatch();
        let load = Load::start(&client, &clock, &format!("r{round}"));
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        load.wait_for_acknowledged(200).await;
        let sent = load.finish().await;
        for _ in 0..READERS {
            served.wait_for_line("a connection ended early");
        }
        let after = memory(&served);
        assert!(after < before + MIB, "{before} MiB before, {after} MiB with slow readers");
        for mut reader in readers {
            let mut got = Vec::new();
            // The connection ends with an error or a close.
            let _ = reader.read_to_end(&mut got).await;
            assert!(got.len() < REQUESTS * LEAST_ANSWER, "{} bytes", got.len());
        }
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        row.add(check.check_acknowledged(&sent, &mut known).await, again);
    }
    site.verify_audit(site.path());
    row.finish();
}
