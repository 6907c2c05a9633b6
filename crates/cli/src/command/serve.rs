//! `matricula serve`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use server::config::LogFormat;
use server::log::{JsonLines, Log};
use server::{CertificateReload, Server, System};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::notify;
use crate::output::{Failed, Output};
use crate::traces::Traces;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Create a new, empty database if there is none; otherwise a missing database is an error
    #[arg(long)]
    create: bool,
    /// Check what a start needs, print it as doctor does, and start nothing
    #[arg(long, conflicts_with = "create")]
    check: bool,
}

pub(crate) async fn run(
    Arguments { config, create, check }: Arguments,
    output: &Output,
) -> Result<(), Failed> {
    if check {
        return super::doctor::before_a_start(config, output).await;
    }
    let config = crate::place::read(&config)?;
    let log = Logging::start(config.log, config.log_file.as_deref())?;
    open_files();
    // Installed first: without a handler a signal ends the process.
    let (hangup, (stop, hurry)) = (signal(SignalKind::hangup())?, stop_signals()?);
    // A file that may not grow is like a full disk: the write fails and is answered.
    let _file_limit = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    if create {
        crate::place::create(&config)?;
    }
    let server = Server::open_to_serve(&config, &config.master_key()?, System::real())?;
    // Binds only now, so that no caller waits for a server that can't open its directory.
    let listener =
        server::listen(config.listen).with_context(|| format!("can't listen on {}", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    server.count_dropped_lines(log.0.clone());
    let traces = Traces::start(&server, &config)?;
    if let Some(address) = server.metrics_address() {
        tracing::info!(%address, "serving metrics");
    }
    let file = config.log_file.as_ref().map(|_| log.0.clone());
    tokio::spawn(reload_on(hangup, server.certificate_reload(), file));
    tokio::spawn(notify::watch(listener.local_addr()?));
    notify::ready();
    let stop = async {
        stop.await;
        notify::stopping();
    };
    server.serve_until(listener, stop, hurry).await;
    traces.stop().await;
    Ok(())
}

/// SIGHUP reopens the log file and reloads the certificate.
async fn reload_on(mut hangup: Signal, certificate: Option<CertificateReload>, log: Option<Log>) {
    while hangup.recv().await.is_some() {
        notify::reloading();
        if let Some(log) = &log {
            log.reopen();
            tracing::info!("log file reopened on SIGHUP");
        }
        match &certificate {
            // The reload logs its own result.
            Some(certificate) => drop(certificate.reload()),
            None if log.is_some() => {}
            None => tracing::info!(
                "SIGHUP ignored: it reopens the log file and reloads the certificate, but neither log_file nor [tls] is configured"
            ),
        }
        notify::ready();
    }
}

/// Raises the limit of open files, because every connection is one. Login shells and systemd allow 1,024 by default,
/// for old programs.
fn open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, files = limit.current, "could not raise the limit of open files");
    }
}

/// Resolves on Ctrl-C or SIGTERM. From this call on, neither ends the process at once: databases are closed first, so
/// that no log is left.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(stop_signals()?.0)
}

/// The same, and what resolves on the second signal.
fn stop_signals() -> std::io::Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (first, stop) = oneshot::channel();
    let (second, hurry) = oneshot::channel();
    tokio::spawn(async move {
        for told in [first, second] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // Nobody waits for a second signal without a drain.
            let _ = told.send(());
        }
        // Further signals do not end the process either.
        std::future::pending::<()>().await;
    });
    Ok((async move { drop(stop.await) }, async move { drop(hurry.await) }))
}

/// The log of the process. Dropping it writes the buffered lines.
pub(crate) struct Logging(pub(crate) Log);

impl Logging {
    /// Log lines go to a file, or to standard error. `RUST_LOG` chooses which.
    pub(crate) fn start(format: LogFormat, file: Option<&Path>) -> anyhow::Result<Self> {
        use tracing_subscriber::EnvFilter;
        let log = Log::open(file).with_context(|| match file {
            Some(file) => format!("can't write to log_file {}", file.display()),
            None => "can't start the log".to_owned(),
        })?;
        let filter = EnvFilter::builder()
            .with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into())
            .from_env_lossy();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || writer.clone())
            // Its errors would go to standard error, which may be what failed.
            .log_internal_errors(false);
        match format {
            LogFormat::Json => lines.json().flatten_event(true).map_event_format(JsonLines::new).init(),
            LogFormat::Text => lines.with_ansi(false).compact().init(),
            LogFormat::Off => return Ok(Self(log)),
        }
        // Standard error may be a pipe that is not read: a panicking thread must not wait for it.
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a thread panicked")));
        Ok(Self(log))
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.close();
    }
}
