//! The hook with which tests inject faults into requests. Only the playground implements it; `serve` never enables it.

use std::sync::Arc;

use axum::Router;
use observe::fault::What;
use observe::journal::Journal;

/// The path prefix of its HTTP interface.
pub const PREFIX: &str = "/sandbox/";

/// Injected faults, a journal without redaction, and an HTTP interface.
pub trait TestControl: Send + Sync {
    /// The faults for the next request to a path.
    fn next_faults(&self, path: &str) -> Vec<What>;

    /// The journal that replaces the server's own.
    fn journal(&self) -> Arc<Journal>;

    /// The routes below [`PREFIX`].
    fn routes(&self) -> Router;
}
