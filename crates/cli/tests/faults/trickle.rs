//! Requests that arrive byte by byte: time limits hold for the whole request, and other callers are served meanwhile.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use client::{Client, Clock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::check::Check;
use crate::load::{Load, PATH};
use crate::site::{SEEDED, Site};
use crate::table::{Row, stopwatch};

const TRICKLES: usize = 32;

const SETTINGS: &str = "[limits]\nheader_seconds = 1\nbody_seconds = 1\n";

/// Sends a byte after each request of other callers, until the server closes the connection. Returns the response.
async fn trickle(address: SocketAddr, start: String, load: Arc<Load>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(start.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let mut ended = std::pin::pin!(read.read_to_end(&mut answer));
    let mut sent = 0_u32;
    loop {
        tokio::select! {
            // A reset also closes the connection.
            _ = &mut ended => break,
            () = load.wait_for_acknowledged(1) => {
                sent += 1;
                // The reading side decides whether it is closed.
                let _ = write.write_all(b"x").await;
            }
        }
    }
    // Independent of the speed of the machine: other callers were served meanwhile.
    assert!(sent > 0, "nobody else was served");
    String::from_utf8(answer).unwrap()
}

/// Runs this many slow requests under load, each beginning with `start`. Each must get a response that begins like
/// this.
async fn trickles(fault: &'static str, start: impl Fn(&Client) -> String, answer: &str) {
    let clock: Clock = Arc::new(client::machine_clock);
    let mut row = Row::new(fault);
    let (site, mut known) = (Site::new(SETTINGS).await, BTreeMap::new());
    let served = site.serve();
    let client = site.client(&served);
    for round in 0..crate::rounds(1) {
        let started = stopwatch();
        let load = Arc::new(Load::start(&client, &clock, &format!("r{round}")));
        let trickles: Vec<_> = (0..TRICKLES)
            .map(|_| tokio::spawn(trickle(served.address, start(&client), Arc::clone(&load))))
            .collect();
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        for trickle in trickles {
            let said = trickle.await.unwrap();
            assert!(said.starts_with(answer) && said.is_empty() == answer.is_empty(), "{said}");
        }
        let sent = Arc::into_inner(load).unwrap().finish().await;
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        row.add(check.check_acknowledged(&sent, &mut known).await, again);
    }
    site.verify_audit(site.path());
    row.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_headers_are_cut_off() {
    let start = |_: &Client| format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nx-trickle: ");
    trickles("headers, a byte at a time", start, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_are_cut_off() {
    let start = |client: &Client| {
        let signed =
            client.signer().unwrap().sign(PATH, client::machine_clock(), &client::random_request_id());
        let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 500000\r\n\r\n")
    };
    trickles("bodies, a byte at a time", start, "HTTP/1.1 408 ").await;
}
