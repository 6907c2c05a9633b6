//! The process as a library: configuration, the listener, TLS, background jobs, health, and administration.

pub mod admin;
mod app;
pub mod backups;
pub mod config;
pub mod control;
pub mod doctor;
mod error;
mod health;
mod http;
mod jobs;
mod ldap;
mod metrics;
mod readings;
mod routes;
mod server;
pub mod system;
pub mod tls;
mod traces;

pub use self::http::listen;
pub use api::catalogue;
pub use api::endpoints::all as endpoints;
pub use api::{Endpoint, Method, Style, Takes, openapi};
pub use auth::PasswordHasher;
pub use config::Config;
pub use console;
pub use error::OpenError;
pub use health::{check_alive, reachable};
pub use observe::{journal, log, telemetry, trace};
pub use routes::OPENAPI;
pub use scim::ROUTES as SCIM_ROUTES;
pub use server::{Server, WeakServer};
pub use store::Location;
pub use system::System;
pub use tls::{CertificateReload, TlsError};

/// Serves until `shutdown` is ready, then waits for running requests.
///
/// # Errors
/// When the directory cannot be opened.
pub async fn serve(
    config: Config,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), OpenError> {
    let master_key = config.master_key()?;
    Server::open(&config, &master_key, System::real())?.serve(listener, shutdown).await;
    Ok(())
}
