//! A full disk under load: creations are refused, reads succeed, and creations succeed as soon as there is space.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use client::{Client, Clock};
use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use serde_json::Value;

use crate::check::Check;
use crate::load::{Load, Outcome, Sent};
use crate::site::{SEEDED, Served, Site};
use crate::table::{Row, stopwatch};

/// Requests to be refused while the disk is full.
const REFUSED: u64 = 24;

/// A replacement for a disk.
trait Disk {
    fn serve(&self, site: &Site) -> Served;
    /// The folder of the directory, as the test sees it.
    fn folder(&self, site: &Site, served: &Served) -> PathBuf;
    /// Takes nearly all free space, up to another point in each round.
    fn fill_up(&self, folder: &Path, served: &Served, round: u64);
    /// Frees the space again.
    fn make_room(&self, folder: &Path, served: &Served);
    /// Verifies the audit from another process.
    fn verify_audit(&self, site: &Site, served: &Served);
}

/// Files may not grow beyond a limit. A write fails as on a full disk, but with EFBIG. Needs no privileges.
struct FileSizes;

impl Disk for FileSizes {
    fn serve(&self, site: &Site) -> Served {
        site.serve()
    }

    fn folder(&self, site: &Site, _: &Served) -> PathBuf {
        site.path().to_owned()
    }

    fn fill_up(&self, _: &Path, served: &Served, round: u64) {
        // The write-ahead log is larger already and is written from its start, so a write fails at some point in it.
        limit(served, Some((512 << 10) + round * 8_191 % (1 << 20)));
    }

    fn make_room(&self, _: &Path, served: &Served) {
        limit(served, None);
    }

    fn verify_audit(&self, site: &Site, _: &Served) {
        site.verify_audit(site.path());
    }
}

fn limit(served: &Served, bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit { current: bytes.or(maximum), maximum };
    prlimit(Some(served.process()), Resource::Fsize, limit).unwrap();
}

/// A small file system in memory, in a mount namespace that ends with the server.
struct SmallFileSystem;

/// The file that fills it.
const BALLAST: &str = "ballast";

const MOUNT: &str = r#"mount -t tmpfs -o size=48m none "$0/disk""#;

impl SmallFileSystem {
    /// Whether this user may mount here.
    fn is_possible() -> bool {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("disk")).unwrap();
        let tried = namespace(MOUNT).arg(folder.path()).output();
        tried.is_ok_and(|tried| tried.status.success())
    }
}

impl Disk for SmallFileSystem {
    fn serve(&self, site: &Site) -> Served {
        std::fs::create_dir(site.path().join("disk")).unwrap();
        // The server uses the copy of the configuration in the new file system.
        let script =
            format!(r#"{MOUNT} && cp -p "$0"/m* "$0/disk" && exec "$1" "$2" "$3" "$0/disk/matricula.toml""#);
        site.serve_by(namespace(&script))
    }

    fn folder(&self, site: &Site, served: &Served) -> PathBuf {
        let inside = site.path().join("disk");
        Path::new("/proc").join(served.pid().to_string()).join("root").join(inside.strip_prefix("/").unwrap())
    }

    fn fill_up(&self, folder: &Path, _: &Served, _: u64) {
        let mut ballast = std::fs::File::create(folder.join(BALLAST)).unwrap();
        let full = std::io::copy(&mut std::io::repeat(7), &mut ballast).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn make_room(&self, folder: &Path, _: &Served) {
        std::fs::remove_file(folder.join(BALLAST)).unwrap();
    }

    fn verify_audit(&self, site: &Site, served: &Served) {
        // In the namespace, because SQLite reads the link /proc/PID/root as "/" and would look for the file outside.
        let mut inside = Command::new("nsenter");
        inside.args(["--user", "--preserve-credentials", "--mount", "--target", &served.pid().to_string()]);
        inside.arg(env!("CARGO_BIN_EXE_matricula"));
        site.verify_audit_by(inside, &site.path().join("disk"));
    }
}

/// A shell that is root in a user namespace with separate mounts.
fn namespace(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command
}

/// Every refused request can be retried.
fn refused_as_unavailable(sent: &[Sent]) {
    for Sent { outcome, .. } in sent {
        match outcome {
            Outcome::Acknowledged(_) | Outcome::Refused(503) => {}
            Outcome::Refused(status) => panic!("refused with {status}"),
            Outcome::Unknown => panic!("a request without an answer"),
        }
    }
}

/// Checks calls that only read.
async fn check_reads(check: &Check<'_>, client: &Client) {
    let profile = client.post("/api/user/get-profile", &client::random_request_id(), b"{}".to_vec()).await;
    let profile: Value = serde_json::from_slice(&profile.unwrap().body).unwrap();
    assert_eq!(profile["data"][0]["emailAddress"], "administrator@example.com");
    assert!(check.count() >= SEEDED);
}

/// Runs load until the disk is full and requests have been refused.
async fn until_full(disk: &dyn Disk, site: &Site, served: &Served, clock: &Clock, round: u64) -> Load {
    let client = site.client(served);
    let load = Load::start(&client, clock, "before");
    load.wait_for_acknowledged(10).await;
    disk.fill_up(&disk.folder(site, served), served, round);
    load.wait_until(|progress| progress.refused >= REFUSED).await;
    check_reads(&Check { address: served.address, client: &client, clock, seeded: SEEDED }, &client).await;
    load
}

async fn fills_up(fault: &'static str, disk: &dyn Disk) {
    let clock: Clock = Arc::new(client::machine_clock);
    let mut row = Row::new(fault);
    for round in 0..crate::rounds(2) {
        let (site, mut known) = (Site::new("").await, BTreeMap::new());
        let served = disk.serve(&site);
        let load = until_full(disk, &site, &served, &clock, round).await;
        let folder = disk.folder(&site, &served);
        disk.make_room(&folder, &served);
        let started = stopwatch();
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        load.wait_for_acknowledged(20).await;
        let sent = load.finish().await;
        refused_as_unavailable(&sent);
        let client = site.client(&served);
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        row.add(check.check_acknowledged(&sent, &mut known).await, again);
        disk.verify_audit(&site, &served);
    }
    row.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_grow_stop_creates_and_nothing_else() {
    fills_up("disk full: files may not grow", &FileSizes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_system_that_is_full_stops_creates_and_nothing_else() {
    if !SmallFileSystem::is_possible() {
        return crate::left_out("a small file system", "unshare and the right to mount");
    }
    fills_up("disk full: a small file system", &SmallFileSystem).await;
}

/// The frames of a failed transaction in the write-ahead log are not taken for a committed one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_refused_for_a_full_disk_is_not_done_by_the_next_start() {
    let clock: Clock = Arc::new(client::machine_clock);
    let mut row = Row::new("disk full, then kill -9");
    for round in 0..crate::rounds(2) {
        let (site, mut known) = (Site::new("").await, BTreeMap::new());
        let served = FileSizes.serve(&site);
        let load = until_full(&FileSizes, &site, &served, &clock, round).await;
        served.kill();
        let sent = load.finish().await;
        let started = stopwatch();
        let served = site.serve();
        let client = site.client(&served);
        let check = Check { address: served.address, client: &client, clock: &clock, seeded: SEEDED };
        let load = Load::start(&client, &clock, "after");
        load.wait_for_acknowledged(1).await;
        let again = started.elapsed();
        let after = load.finish().await;
        let sent: Vec<_> = sent.into_iter().chain(after).collect();
        row.add(check.check_acknowledged(&sent, &mut known).await, again);
        site.verify_audit(site.path());
    }
    row.finish();
}
