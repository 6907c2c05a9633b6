//! `matricula serve`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use server::config::LogFormat;
use server::{CertificateReload, Config, Server, System};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output::Failed;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Create a new, empty directory if there is none; without this a store
    /// that is missing is an error
    #[arg(long)]
    create: bool,
}

pub(crate) async fn run(Arguments { config, create }: Arguments) -> Result<(), Failed> {
    let config = Config::from_file(&config)?;
    log_to_stderr(config.log);
    open_files();
    // Before all else: a signal that nobody waits for ends the process.
    let (hangup, stop) = (signal(SignalKind::hangup())?, stop_signal()?);
    if create {
        crate::place::create(&config)?;
    }
    let server = Server::open(&config, &config.master_key()?, System::real())?;
    // Only now: no caller waits for a server that can't open its directory.
    let listener =
        server::listen(config.listen).with_context(|| format!("can't listen on {}", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    if let Some(address) = server.metrics_address() {
        tracing::info!(%address, "metrics are served");
    }
    tokio::spawn(reload_on(hangup, server.certificate_reload()));
    server.serve(listener, stop).await;
    Ok(())
}

/// SIGHUP reads the certificate anew. Where there is none it means nothing.
async fn reload_on(mut hangup: Signal, certificate: Option<CertificateReload>) {
    while hangup.recv().await.is_some() {
        match &certificate {
            // What it comes to is logged where it is done.
            Some(certificate) => drop(certificate.reload()),
            None => tracing::info!("SIGHUP reads the certificate anew, and there is none: see [tls]"),
        }
    }
}

/// Every connection is an open file. A login shell or systemd allow 1,024 until they are asked for more, for the sake of
/// programs that know no better.
fn open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, files = limit.current, "could not open more files than the shell allows");
    }
}

/// Ready when the process is asked to stop: Ctrl-C or SIGTERM. From the call on neither of them ends the process at once:
/// what is being opened is closed again, and its log does not stay behind.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Log lines go to standard error. `RUST_LOG` chooses which.
pub(crate) fn log_to_stderr(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::builder()
        .with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into())
        .from_env_lossy();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(false).compact().init(),
        LogFormat::Off => {}
    }
}
