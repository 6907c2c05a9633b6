//! The process, with the names that Prometheus' own libraries use. Linux tells it in `/proc`.

use observe::telemetry::Reading;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// Fields of `/proc/self/stat` after the program's name, from 0 (proc(5)).
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const THREADS: usize = 17;
const RESIDENT_PAGES: usize = 21;

/// What can be read; nothing where there is no `/proc`.
pub(super) fn readings() -> Vec<Reading> {
    let mut readings = Vec::new();
    if let Ok(stat) = std::fs::read_to_string("/proc/self/stat") {
        readings.extend(of_stat(&stat));
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // The folder itself is open while it is read.
        let open = open.count().saturating_sub(1);
        readings.push(Reading::gauge("process_open_fds", "Open files and connections.").value(open));
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        readings.push(Reading::gauge("process_max_fds", "Files that may be open.").value(most));
    }
    readings
}

fn of_stat(stat: &str) -> Vec<Reading> {
    // The name may contain spaces and parentheses.
    let fields: Vec<_> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let field = |number: usize| fields.get(number).and_then(|field| field.parse::<u64>().ok());
    let (Some(user), Some(system)) = (field(USER_TICKS), field(SYSTEM_TICKS)) else { return Vec::new() };
    let (Some(threads), Some(pages)) = (field(THREADS), field(RESIDENT_PAGES)) else { return Vec::new() };
    let seconds = (user + system) as f64 / clock_ticks_per_second() as f64;
    vec![
        Reading::counter("process_cpu_seconds_total", "Processor time.").value(seconds),
        Reading::gauge("process_resident_memory_bytes", "Memory in use.").value(pages * page_size() as u64),
        Reading::gauge("process_threads", "Threads.").value(threads),
    ]
}
