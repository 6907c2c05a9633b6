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
}

pub(crate) async fn run(Arguments { config }: Arguments) -> Result<(), Failed> {
    let config = Config::from_file(&config)?;
    log_to_stderr(config.log);
    open_files();
    // Before all else: a signal that nobody waits for ends the process.
    let hangup = signal(SignalKind::hangup())?;
    let listener =
        server::listen(config.listen).with_context(|| format!("can't listen on {}", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    let server = Server::open(&config, &config.master_key()?, System::real())?;
    if let Some(address) = server.metrics_address() {
        tracing::info!(%address, "metrics are served");
    }
    tokio::spawn(reload_on(hangup, server.certificate_reload()));
    server.serve(listener, stop_signal()).await;
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

/// Ready when the process is asked to stop: Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
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
