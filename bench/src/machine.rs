//! Figures of the machine and its processes. Linux only: they are read from /proc.

use std::fs;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

/// Ticks of `/proc/*/stat` per second; a constant on Linux.
const TICKS: f64 = 100.0;

/// The machine of a report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Load average over the last minute, before and after.
    pub(crate) load_before: f64,
    pub(crate) load_after: f64,
}

/// Memory of a process, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    pub(crate) most: f64,
}

/// The time at which a measurement starts.
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measures")]
    Instant::now()
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Load average over the last minute. A busy machine only calls for a closer look at the results.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

pub(crate) fn describe(load_before: f64) -> Machine {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine { cores: cores(), kernel: kernel.trim().to_owned(), load_before, load_after: load() }
}

pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let field = |name: &str| -> anyhow::Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib: f64 =
            line.and_then(|line| line.trim().strip_suffix(" kB")).context(path.clone())?.parse()?;
        Ok(kib / 1_024.0)
    };
    Ok(Memory { now: field("VmRSS:")?, most: field("VmHWM:")? })
}

/// Processor time that a process has used, in seconds.
pub(crate) fn processor_time(pid: u32) -> anyhow::Result<f64> {
    let [user, system, ..] = processor_times(&pid.to_string())?;
    Ok(user + system)
}

/// Processor time that a process, its children and those of its children that have ended have used, in seconds. Of a
/// PostgreSQL: all of it.
pub(crate) fn processor_time_with_children(pid: u32) -> anyhow::Result<f64> {
    let mut used: f64 = processor_times(&pid.to_string())?.iter().sum();
    for child in children(pid) {
        // One that ends meanwhile was counted by its parent or will be.
        used += processor_times(&child).map_or(0.0, |[user, system, ..]| user + system);
    }
    Ok(used)
}

/// The child processes that run now.
pub(crate) fn children(pid: u32) -> Vec<String> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    listed.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// utime, stime, cutime and cstime, in seconds.
fn processor_times(process: &str) -> anyhow::Result<[f64; 4]> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name is in parentheses and may contain anything. The times are fields 14 to 17.
    let (_, fields) = stat.rsplit_once(") ").context(path.clone())?;
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(4).filter_map(|field| field.parse().ok()).collect();
    let ticks: [f64; 4] = ticks.try_into().ok().with_context(|| format!("{path} can't be read"))?;
    Ok(ticks.map(|ticks| ticks / TICKS))
}

/// Measures what other processes use of the machine meanwhile.
pub(crate) struct Watch {
    started: Instant,
    busy: f64,
    own: f64,
}

impl Watch {
    pub(crate) fn start() -> anyhow::Result<Self> {
        Ok(Self { started: now(), busy: busy_time()?, own: processor_times("self")?.iter().sum() })
    }

    /// The share of the processors that other processes have used since. Child processes must have ended before.
    pub(crate) fn share_of_others(&self) -> anyhow::Result<f64> {
        let own = processor_times("self")?.iter().sum::<f64>() - self.own;
        let all = self.started.elapsed().as_secs_f64() * cores() as f64;
        Ok(((busy_time()? - self.busy - own) / all).max(0.0))
    }
}

/// Processor time that any process used or that the host withheld, in seconds.
fn busy_time() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("/proc/stat")?;
    let ticks: Vec<f64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; the later fields are included in user.
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|field| ticks.get(*field)).sum::<f64>();
    Ok(busy / TICKS)
}
