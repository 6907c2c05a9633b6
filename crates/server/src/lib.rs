//! The HTTP server as a library: routes, conversion between the wire and the directory, configuration, lifecycle.

pub mod admin;
mod answer;
mod api;
mod app;
mod call;
pub mod config;
pub mod console;
mod explain;
mod health;
pub mod journal;
pub mod lab;
mod listener;
pub mod log;
mod metrics;
pub mod openapi;
mod page;
mod public_url;
mod refusal;
mod room;
mod routes;
pub mod sandbox;
mod secure_id;
mod step;
pub mod system;
pub mod telemetry;
mod tls;
pub mod txt;

pub use app::{OpenError, Server};
pub use auth::Gate;
pub use config::Config;
pub use listener::listen;
pub use routes::{ENDPOINTS, Endpoint, Method, OPENAPI, Style, Takes};
pub use store::Location;
pub use system::System;
pub use tls::{CertificateReload, TlsError};

/// Serves until `shutdown` is ready, then lets the requests under way finish.
///
/// # Errors
/// When the directory can't be opened.
pub async fn serve(
    config: Config,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), OpenError> {
    let master_key = config.master_key()?;
    Server::open(&config, &master_key, System::real())?.serve(listener, shutdown).await;
    Ok(())
}
