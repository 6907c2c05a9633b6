//! The machine: limits, free space, the kind of file system, modes of files, backups.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use rustix::fs::{statfs, statvfs};
use rustix::process::{Resource, getrlimit};
use store::Location;

use super::database::folder;
use super::{Depth, Finding};
use crate::backups::list;
use crate::config::{self, Config};

/// Files that the server opens, apart from its connections. `[ours]`
const OTHER_FILES: u64 = 200;

/// Free space that is reported, in bytes. `[ours]`
const FULL: u64 = 100 << 20;
const NEARLY_FULL: u64 = 1 << 30;

/// Kinds of file systems by their number (statfs(2)), and what is wrong with them for a database.
const UNSUITABLE: [(i64, &str, Problem); 8] = [
    (0x6969, "NFS", Problem::Network),
    (0xff53_4d42, "CIFS", Problem::Network),
    (0xfe53_4d42, "SMB", Problem::Network),
    (0x0102_1997, "9p", Problem::Network),
    (0x6573_5546, "FUSE", Problem::Network),
    (0x0102_1994, "tmpfs", Problem::Memory),
    (0x8584_58f6, "ramfs", Problem::Memory),
    (0x794c_7630, "overlay", Problem::Layer),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Problem {
    Network,
    Memory,
    Layer,
}

/// Checks that need only the settings.
pub(super) fn settings(config: &Config) -> Vec<Finding> {
    let mut findings = vec![open_files(config)];
    findings.extend(secret_in_configuration(config));
    findings.extend(exposed_files(config));
    findings.extend(log(config));
    let default = config::Passwords::default();
    let cost = |it: &config::Passwords| u64::from(it.memory_kib) * u64::from(it.iterations);
    if cost(&config.passwords) < cost(&default) {
        findings.push(Finding::warning(
            "passwords",
            format!("hashed with {} KiB, {} times", config.passwords.memory_kib, config.passwords.iterations),
            "remove the setting, or use what `matricula admin calibrate` suggests: stolen hashes are found faster",
        ));
    }
    findings
}

fn open_files(config: &Config) -> Finding {
    let ldap = config.ldap.as_ref().map_or(0, |ldap| ldap.max_connections);
    let needed = (config.limits.in_flight + ldap) as u64 + OTHER_FILES;
    match getrlimit(Resource::Nofile).maximum {
        Some(most) if most < needed => Finding::warning(
            "open files",
            format!("at most {most} may be open; limits.in_flight and ldap.max_connections need {needed}"),
            format!("set LimitNOFILE={needed} in the unit, or smaller limits"),
        ),
        Some(most) => Finding::ok("open files", format!("at most {most}")),
        None => Finding::ok("open files", "no limit"),
    }
}

/// The password of the database in a file that others can read. Each place has one line, so the file itself is unknown
/// here; the master key's file has its own check.
fn secret_in_configuration(config: &Config) -> Option<Finding> {
    let Location::Postgres(url) = &config.store else { return None };
    let user = url.split_once("://")?.1.split_once('@')?.0;
    if !user.contains(':') {
        return None;
    }
    let file = config.file.as_ref()?;
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| {
        Finding::warning(
            "configuration",
            format!("{} contains the database's password and is readable by other users", file.display()),
            format!("run chmod 600 {}", file.display()),
        )
    })
}

/// Whether the server could write its log.
fn log(config: &Config) -> Option<Finding> {
    let file = config.log_file.as_ref()?;
    let is_folder = file.is_dir();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = file.display();
    Some(match folder.is_dir() && !is_folder {
        true => Finding::ok("log", place.to_string()),
        false if is_folder => {
            Finding::failure("log", format!("log_file = {place} is a folder"), "name a file in it")
        }
        false => {
            Finding::failure("log", format!("the folder of log_file = {place} does not exist"), "create it")
        }
    })
}

/// The key of the certificate should be readable for the server only.
fn exposed_files(config: &Config) -> Vec<Finding> {
    let database = match &config.store {
        Location::Sqlite(path) => Some(path),
        Location::Postgres(_) => None,
    };
    let files = [database, config.tls.as_ref().map(|tls| &tls.key)].into_iter().flatten();
    let is_open =
        |file: &&PathBuf| std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o007 != 0);
    let exposed = files.filter(is_open).map(|file| {
        let place = file.display();
        Finding::warning(
            "modes",
            format!("{place} is readable by other users"),
            format!("run chmod o= {place}"),
        )
    });
    exposed.collect()
}

/// Free space and file systems.
pub(super) fn storage(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(folder) = folder(config) {
        findings.push(file_system(&folder));
    }
    let log = config.log_file.as_ref().and_then(|file| file.parent()).map(Path::to_owned);
    let backup = config.backup.as_ref().map(|backup| backup.folder.clone());
    let mut folders: Vec<PathBuf> = [folder(config), log, backup].into_iter().flatten().collect();
    folders.dedup();
    findings.extend(folders.iter().filter_map(|folder| free_space(folder)));
    findings
}

fn free_space(folder: &Path) -> Option<Finding> {
    // A folder that does not exist is reported by what uses it.
    let found = statvfs(folder).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let place = folder.display();
    let text = format!("{} MiB free in {place}", free >> 20);
    let advice = "free some space: with a full disk, writes are refused";
    Some(match free {
        ..FULL => Finding::failure("disk", text, advice),
        FULL..NEARLY_FULL => Finding::warning("disk", text, advice),
        _ => Finding::ok("disk", text),
    })
}

fn file_system(folder: &Path) -> Finding {
    let kind = match statfs(folder) {
        Ok(found) => found.f_type,
        Err(error) => {
            return Finding::failure(
                "file system",
                format!("{}: {error}", folder.display()),
                "check `store`",
            );
        }
    };
    let place = folder.display();
    // The kernel's number has 32 bits; its type differs between machines.
    let number = |kind: i64| kind & 0xffff_ffff;
    let known = UNSUITABLE.iter().find(|(unsuitable, ..)| number(*unsuitable) == number(kind));
    match known {
        None => Finding::ok("file system", format!("{place} is on a local disk")),
        Some((_, name, Problem::Network)) => Finding::failure(
            "file system",
            format!("{place} is on {name}, whose locks and forced writes are not reliable"),
            "put the database on a local disk, or use PostgreSQL",
        ),
        Some((_, name, Problem::Memory)) => Finding::warning(
            "file system",
            format!("{place} is on {name}: the database is lost when the machine stops"),
            "put the database on a disk",
        ),
        Some((_, name, Problem::Layer)) => Finding::warning(
            "file system",
            format!("{place} is on {name}, the layer of a container: it is lost with the container"),
            "mount a volume there",
        ),
    }
}

/// The newest backup.
pub(super) fn backup(config: &Config, depth: Depth, now: Timestamp) -> Finding {
    let Some(settings) = &config.backup else {
        return Finding::warning(
            "backup",
            "the server makes none: the configuration has no [backup]",
            "add [backup], or make sure that something else makes and checks them",
        );
    };
    let place = settings.folder.display();
    let newest = match list(&settings.folder) {
        Ok(backups) => backups.into_iter().rfind(|backup| backup.made <= now),
        Err(error) => {
            let advice = "create the folder, or mount its disk; the server must be able to write there";
            return Finding::failure("backup", format!("{place}: {error}"), advice);
        }
    };
    let Some(newest) = newest else {
        let advice = "the server makes the first one when it starts; its log says why it could not";
        return Finding::warning("backup", format!("there is none in {place}"), advice);
    };
    let age = now.duration_since(newest.made);
    let found = format!("the newest is {} hours old: {}", age.as_hours(), newest.path.display());
    if age > settings.every().saturating_mul(2) + SignedDuration::from_hours(1) {
        return Finding::failure(
            "backup",
            found,
            "find `no backup was made` in the log of the server: it says why",
        );
    }
    match depth {
        Depth::Quick => Finding::ok("backup", found),
        Depth::Whole => checked(config, &newest.path, found),
    }
}

fn checked(config: &Config, backup: &Path, found: String) -> Finding {
    let Ok(master_key) = config.master_key() else {
        return Finding::skipped("backup", "cannot be checked without the master key");
    };
    match config.store.check_backup(backup, &master_key) {
        Ok(_) => Finding::ok("backup", format!("{found}, checked")),
        Err(error) => {
            Finding::failure("backup", error.to_string(), "make another one with `matricula backup`")
        }
    }
}
