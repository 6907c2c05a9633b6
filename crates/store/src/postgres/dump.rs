//! Backups with PostgreSQL's own programs, which must be in `PATH`. `pg_dump` reads the database as of one moment while
//! nodes write to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::{migrate, server};
use crate::backup::{BackedUp, BackupError, Checked, Restored, Step, whole};
use crate::draft::{Draft, PART};
use crate::location::Location;
use crate::problem::OpenProblem;
use crate::tables::read;
use crate::vault::{MasterKey, Vault};

/// Copies the database to a new file.
pub(crate) fn backup(url: &str, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<BackedUp, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let schema = super::schema(url).map_err(|problem| opening(url, problem))?.found;
    let file = |source| BackupError::File { path: to.to_owned(), source };
    let draft = Draft::of(to, PART).map_err(file)?;
    run("pg_dump", url, &["--format=custom", "--no-owner", "--no-privileges", "--file"], draft.path())?;
    progress(Step::Checking);
    // Reads the table of contents back: a truncated dump has none.
    run("pg_restore", url, &["--list"], draft.path())?;
    let bytes = std::fs::metadata(draft.path()).map_err(file)?.len();
    draft.name(to).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => file(source),
    })?;
    Ok(BackedUp { bytes, schema })
}

/// Reads the table of contents of a backup.
pub(crate) fn check_backup(from: &Path, url: &str) -> Result<Checked, BackupError> {
    let file = |source| BackupError::File { path: from.to_owned(), source };
    let bytes = std::fs::metadata(from).map_err(file)?.len();
    run("pg_restore", url, &["--list"], from)?;
    Ok(Checked { bytes, events: None })
}

/// Restores a backup into an empty database: all of it, or nothing.
pub(crate) fn restore(
    from: &Path,
    url: &str,
    master: &MasterKey,
    progress: &mut dyn FnMut(Step),
) -> Result<Restored, BackupError> {
    let file = |source| BackupError::File { path: from.to_owned(), source };
    let bytes = std::fs::metadata(from).map_err(file)?.len();
    let server = server(url).map_err(|problem| opening(url, problem))?;
    let there = super::apart(|| Ok(migrate::is_there(&server.connect()?)?));
    if there.map_err(|problem| opening(url, problem))? {
        return Err(BackupError::NotEmpty(Location::Postgres(url.to_owned()).to_string()));
    }
    let options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname"];
    let database = server.config.get_dbname().unwrap_or("postgres");
    run("pg_restore", url, &[&options[..], &[database]].concat(), from)?;
    progress(Step::Checking);
    let checked = super::apart(|| {
        let connection = server.connect()?;
        let schema = migrate::schema(&connection)?.found;
        let vault = Vault::open(master, &read::ring(&connection)?)?;
        Ok((schema, read::audit::verify(&connection, &vault)?))
    });
    let (schema, chains) = checked.map_err(|problem| opening(url, problem))?;
    Ok(Restored { bytes, schema, events: whole(from, &chains)?, kept: None })
}

fn opening(url: &str, problem: OpenProblem) -> BackupError {
    let path = PathBuf::from(Location::Postgres(url.to_owned()).to_string());
    match problem {
        OpenProblem::Vault(source) => BackupError::Vault { path, source },
        OpenProblem::Missing => BackupError::Missing(path),
        problem => BackupError::Engine { path, source: problem.into() },
    }
}

/// Runs a program on the database. The connection goes through the environment, because everybody on the machine can
/// read arguments.
fn run(program: &'static str, url: &str, arguments: &[&str], file: &Path) -> Result<(), BackupError> {
    let failed = |what: String| BackupError::Program { program, what };
    let config: Config = url.parse().map_err(|error: tokio_postgres::Error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(arguments).arg(file).envs(environment(&config));
    let output = command.output().map_err(|error| failed(format!("{error}: is it on the PATH?")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

fn environment(config: &Config) -> Vec<(&'static str, String)> {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.to_string_lossy().into_owned(),
        })
        .collect();
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    let tls = match config.get_ssl_mode() {
        SslMode::Disable => "disable",
        SslMode::Require => "require",
        _ => "prefer",
    };
    let known = [
        ("PGHOST", (!hosts.is_empty()).then(|| hosts.join(","))),
        ("PGPORT", (!ports.is_empty()).then(|| ports.join(","))),
        ("PGUSER", config.get_user().map(str::to_owned)),
        ("PGDATABASE", config.get_dbname().map(str::to_owned)),
        ("PGPASSWORD", password),
        ("PGSSLMODE", Some(tls.to_owned())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
