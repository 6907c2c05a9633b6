//! Interrupted between any two calls to the file system, the program leaves the old state or the new one. No
//! acknowledged user is lost, the audit is whole, an empty directory is never served instead of the full one, and a
//! refused start names the step that helps.
//!
//! Each operation runs once under `strace`, which records every call that changes a file, syncs it, or sends output.
//! Then, on copies:
//!
//! - **power cuts**: the calls are repeated up to some point, without all or some of the unsynced ones, also at random
//!   and in pieces of sectors (`disk.rs` has the model);
//! - **kills**: the program runs again and is killed when it begins a call.
//!
//! After each of them the real program serves and verifies the directory. `cargo test` does a few of each, a
//! pseudo-random choice that is the same in every run; `MATRICULA_INTERRUPT=50` does 50 of each, and
//! `MATRICULA_INTERRUPT=all` all of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the harness shows it when a test fails")]

mod disk;
#[path = "../faults/http.rs"]
#[expect(dead_code, reason = "users are read from the database here")]
mod http;
mod operation;
mod place;
#[path = "../running/mod.rs"]
#[expect(dead_code, reason = "no sandbox")]
mod running;
mod trace;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use disk::{Chance, Cut, Loss};
use operation::{Backup, Creates, Creation, Migration, Operation, Ran, Restore, Rotation, Start};
use trace::{Change, Trace};

/// The numbers of cuts and kills of each operation in every run of the tests.
const FEW: (usize, usize) = (4, 2);

/// Longer runs of writes to one file than these are cut or killed only at some points.
const CUTS_IN_A_ROW: usize = 8;
const KILLS_IN_A_ROW: usize = 200;

/// The number of random cuts of each kind at one point.
const BY_CHANCE: u64 = 1;

/// The numbers of cuts and kills of each operation.
fn how_many() -> (usize, usize) {
    #[expect(clippy::disallowed_methods, reason = "how much is done is for who runs the test to say")]
    match std::env::var("MATRICULA_INTERRUPT").as_deref() {
        Ok("all") => (usize::MAX, usize::MAX),
        Ok(number) => (number.parse().unwrap(), number.parse().unwrap()),
        Err(_) => FEW,
    }
}

/// A folder that is kept when a test fails.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap().keep())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("left for you to look at: {}", self.0.display());
        } else {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

/// The process of a recording.
fn pid_in(recording: &Path) -> Option<u32> {
    std::fs::read_to_string(recording).ok()?.split(' ').next()?.parse().ok()
}

fn interrupt_operation(operation: &dyn Operation) {
    if !trace::is_possible() {
        return testkit::left_out(&format!("an interruption of `{}`", operation.name()), "strace");
    }
    let (before, folder, other) = (Folder::new(), Folder::new(), Folder::new());
    operation.prepare(&before.0);
    place::copy(&before.0, &folder.0);
    let recording = other.0.join("recording");
    let command = trace::recording_command(&operation.command(&folder.0), &recording);
    let ran = operation.run(&folder.0, command, &|| pid_in(&recording));
    assert!(ran.status.success(), "{}", ran.status);
    let trace = Trace::read(&std::fs::read_to_string(&recording).unwrap(), &folder.0, &before.0);
    check_trace(&trace, &folder.0);
    let cuts = power_cuts(operation, &trace, &before.0, &ran);
    let kills = kills(operation, &trace, &before.0);
    let line = format!(
        "interrupted: {}: {} calls, {} cuts of power, {} kills, nothing lost\n",
        operation.name(),
        trace.calls.len(),
        cuts,
        kills
    );
    // Written directly, because the harness shows printed lines only when a test fails.
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
}

/// Checks that the recorded calls reproduce the folder that the program left.
fn check_trace(trace: &Trace, folder: &Path) {
    let again = Folder::new();
    trace.write_folder(trace.calls.len(), &std::collections::BTreeMap::new(), &again.0);
    let files = |folder: &Path| {
        let files = place::files_named(folder, "").into_iter();
        let file = |path: PathBuf| (path.file_name().unwrap().to_owned(), std::fs::read(path).unwrap());
        files.map(file).collect::<std::collections::BTreeMap<_, _>>()
    };
    let (left, again) = (files(folder), files(&again.0));
    assert!(left.keys().eq(again.keys()), "{:?}, but {:?}", left.keys(), again.keys());
    for (name, bytes) in &left {
        assert!(again[name] == *bytes, "{} is another one", name.display());
    }
}

/// A random choice of this size, or the whole list if it is shorter.
fn random_few<T>(mut list: Vec<T>, few: usize) -> Vec<T> {
    if few < list.len() {
        let mut chance = Chance::new(list.len() as u64);
        for n in 0..list.len() {
            let other = n + chance.random_below(list.len() - n);
            list.swap(n, other);
        }
        list.truncate(few);
    }
    list
}

fn power_cuts(operation: &dyn Operation, trace: &Trace, before: &Path, ran: &Ran) -> usize {
    let forced = trace.forced_after();
    let mut cuts = Vec::new();
    for calls in trace.stop_points(CUTS_IN_A_ROW) {
        let pending = trace.pending(&forced, calls).len();
        let mut losses = vec![Loss::All];
        if pending > 0 {
            losses.push(Loss::Nothing);
            losses.push(Loss::Pieces(calls as u64));
        }
        if pending > 1 {
            losses.extend([Loss::Contents, Loss::Names]);
            let seeds = (0..BY_CHANCE).map(|n| calls as u64 * BY_CHANCE + n);
            losses.extend(seeds.flat_map(|seed| [Loss::After(seed), Loss::Some(seed), Loss::Pieces(seed)]));
        }
        // Different losses may leave the same folder.
        let mut seen = BTreeSet::new();
        let pending = trace.pending(&forced, calls);
        losses.retain(|loss| seen.insert(format!("{:?}", trace.choose_kept(&pending, *loss))));
        cuts.extend(losses.into_iter().map(|loss| Cut { calls, loss }));
    }
    // The last message must hold even when everything unsynced is lost.
    let last = trace.calls.iter().rposition(|call| matches!(call.change, Change::Said(_)));
    let mut chosen = random_few(cuts, how_many().0);
    chosen.extend(last.map(|said| Cut { calls: said + 1, loss: Loss::All }));
    for cut in &chosen {
        let folder = Folder::new();
        println!("{}: {cut:?}, in {}", operation.name(), folder.0.display());
        trace.write_folder(
            cut.calls,
            &trace.choose_kept(&trace.pending(&forced, cut.calls), cut.loss),
            &folder.0,
        );
        operation.check_folder(&folder.0, before, &trace.output_before(cut.calls), ran);
    }
    chosen.len()
}

fn kills(operation: &dyn Operation, trace: &Trace, before: &Path) -> usize {
    let points = trace.stop_points(KILLS_IN_A_ROW).into_iter().filter_map(|point| trace.calls.get(point));
    let mut blows: Vec<_> = points.map(|call| (&*call.name, call.nth)).collect();
    blows.sort_unstable();
    blows.dedup();
    let mut kills = 0;
    for (name, nth) in random_few(blows, how_many().1) {
        let (folder, other) = (Folder::new(), Folder::new());
        println!("{}: killed at the {nth}. {name} of a thread, in {}", operation.name(), folder.0.display());
        place::copy(before, &folder.0);
        let recording = other.0.join("recording");
        let command = trace::killing_command(&operation.command(&folder.0), &recording, name, nth);
        let ran = operation.run(&folder.0, command, &|| pid_in(&recording));
        // Threads run in another order each time, so the program may have ended before.
        kills += usize::from(ran.status.signal() == Some(9));
        operation.check_folder(&folder.0, before, &ran.said, &ran);
    }
    kills
}

#[test]
fn the_first_account_is_created_or_not() {
    interrupt_operation(&Creation);
}

#[test]
fn a_start_after_a_restore_changes_nothing() {
    interrupt_operation(&Start { restored: true });
}

#[test]
fn a_start_after_a_kill_loses_no_user() {
    interrupt_operation(&Start { restored: false });
}

#[test]
fn users_who_were_acknowledged_stay() {
    interrupt_operation(&Creates);
}

#[test]
fn a_backup_is_whole_or_not_there() {
    interrupt_operation(&Backup);
}

#[test]
fn an_interrupted_restore_is_done_or_requested_again() {
    interrupt_operation(&Restore { replace: false });
}

#[test]
fn a_restore_that_replaces_a_directory_always_leaves_one() {
    interrupt_operation(&Restore { replace: true });
}

#[test]
fn after_an_interrupted_rotation_the_old_or_new_master_key_works() {
    interrupt_operation(&Rotation);
}

#[test]
fn migrations_are_run_or_due() {
    interrupt_operation(&Migration);
}
